"""`make screenshots TO=folder`: pictures of every page of the portal, as its tests see them."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = "GATEHOUSE_PICTURES"  # the variable by which the tests learn where pictures go
TESTS = Path(__file__).with_name("test_browser_pages.py")
DEFAULT = "build/screenshots"


def main() -> int:
    """Take the pictures; return 0 when every page could be shown and used."""
    to = Path(sys.argv[1] if len(sys.argv) > 1 else DEFAULT).absolute()
    to.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS)]
    done = subprocess.run(command, env={**os.environ, FOLDER: str(to)}, check=False)
    sys.stdout.write(f"{len(list(to.glob('*.png')))} pictures are in {to}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
