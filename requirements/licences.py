"""List the licences of what Gatehouse runs on: `make licences` writes docs/licences.md."""

import re
import sys
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).with_name("base.txt")
LIST = Path(__file__).parents[1] / "docs" / "licences.md"
HEAD = """# Licences

What Gatehouse installs to run, with the licence that each package states of itself. All of them
allow use, change and redistribution. `make licences` writes this list from the installed packages.

| package | licence |
|---|---|
"""
# Older packages name their licence in words of their own.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-2-Clause",  # of pyasn1-modules, whose text has two clauses
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
}
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0",
    "Unlicense",
}  # fmt: skip


def locked() -> list[str]:
    """Return the names of the locked packages, in their order."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE)


def licence(package: str) -> str:
    """Return the licence of an installed package, as an SPDX expression where it can be told."""
    about = metadata.metadata(package)
    said = about.get("License-Expression") or about.get("License") or ""
    if not said:
        classes = [one.rsplit(" :: ", 1)[-1] for one in about.get_all("Classifier", [])
                   if one.startswith("License :: ")]  # fmt: skip
        said = classes[-1] if classes else "not stated"
    return SPDX.get(said, said)


def unwelcome(expression: str) -> list[str]:
    """Return the licences of an expression that we have not agreed to."""
    return [one for one in re.split(r"\s+(?:AND|OR)\s+", expression) if one not in ALLOWED]


def page() -> str:
    """Return the list as Markdown."""
    return HEAD + "".join(f"| {one} | {licence(one)} |\n" for one in locked())


if __name__ == "__main__":
    LIST.write_text(page())
    strange = {one: licence(one) for one in locked() if unwelcome(licence(one))}
    sys.exit(f"Look at these licences: {strange}" if strange else 0)
