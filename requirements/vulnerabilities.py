"""Ask the package index for known vulnerabilities of what Gatehouse runs on.

Ends with 1 when one is known. Where the index cannot be asked, it says so and ends with 0: a build
must not depend on it.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).with_name("base.txt")
PATIENCE = 180  # seconds for all packages
AWAY = "Known vulnerabilities: not checked, the package index's advisories cannot be reached here."


def asked(lock: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit says of each locked package, or None where it could not ask."""
    words = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--requirement", str(lock), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        found: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found


def judged(found: list[dict[str, Any]] | None) -> tuple[int, list[str]]:
    """Return the exit code and the lines for whoever runs the checks."""
    answered = [one for one in found or [] if "skip_reason" not in one]
    if not answered:
        return 0, [AWAY]
    bad = [
        f"{one['name']} {one['version']}: {flaw['id']}, fixed in "
        f"{', '.join(flaw.get('fix_versions') or ['no version yet'])}."
        for one in answered
        for flaw in one.get("vulns", ())
    ]
    unasked = [one["name"] for one in found or [] if "skip_reason" in one]
    if unasked:
        bad.append(f"Not checked: {', '.join(unasked)}.")
    known = len(bad) - bool(unasked)
    bad.append(f"Known vulnerabilities: {known} in {len(answered)} packages.")
    return int(known > 0), bad


if __name__ == "__main__":
    code, lines = judged(asked(LOCK))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.exit(code)
