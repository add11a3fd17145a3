"""The demo, played once for all who ask about it: how it was told, and what it left where."""

import re
import subprocess
from pathlib import Path
from typing import Any

from tests.security.canaries import CommandLines
from tests.starter.running import Place

PATIENCE = 240.0  # seconds; a quiet machine needs about half a minute


class Played(Place):
    """A demo that was played to its end, the folder that it kept, and the command lines it took."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, TMPDIR=str(folder))
        with CommandLines() as lines:
            process = self.started(
                "", "demo", "--keep", stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT
            )
            self.said, _ = process.communicate(timeout=PATIENCE)
        self.lines = frozenset(lines.seen)
        self.code = process.returncode
        (kept,) = folder.glob("gatehouse-demo-*")
        self.home, self.config = kept / "state", kept / "config"

    def chapter(self, number: int) -> str:
        """Return what the story tells in one chapter."""
        found = re.search(rf"^=== {number}\. .*?(?=^=== )", self.said, re.MULTILINE | re.DOTALL)
        assert found is not None, self.said
        return found.group()

    def ask(self, person: str, *words: str) -> Any:
        """Run a command that reads, and return its JSON."""
        ended = self.run(person, *words, "--json")
        assert ended.code == 0, ended.err
        return ended.json

    def events(self, process: str) -> list[str]:
        """Return what the audit has of a process."""
        return [one["event"] for one in self.ask("", "audit", "show", process)]
