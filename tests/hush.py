"""Listens to everything that the suite writes: no log and no Temporal server may name anybody.

The people of all tests have names of their own and addresses at ``example``, so that each of them
is a canary, and so are the words of their messages; tokens of links and assertions are known by
their form. What is listened to: every log record of the test's own process, as the product would
write it; the logs that processes left in the folders of tests; and the files of the Temporal
servers that ran there, in which all ids, search attributes and histories stand.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from config.logging import formatter
from tests import factories, pairings

NEWCOMERS = {"Jim Hawkins", "Blind Pew", "Doctor Livesey", "Admiral Benbow", "Aunt Polly"}
TEXTS = (factories.MESSAGE, pairings.MESSAGE)
COMPANY = "Tom Sawyer Fence Painting"  # bears somebody's name, and may be named
STRANGER = b"tom.sawyer@example"  # whom strangers name at Temporal: nobody of ours
# From the @ on: what begins with any letter would be tried at each of the millions of bytes.
ADDRESS = r"@(?:[\w-]+\.)*example\b"
BEFORE = re.compile(rb"[\w.+-]+$")
SECRET = r"a[a-z]{2}_[A-Za-z0-9_-]{43}\b|eyJ[A-Za-z0-9_-]{20,}\.eyJ"
PATTERNS = ("*.log", "temporal.db*")


@cache
def unspeakable(known: int) -> re.Pattern[bytes]:
    """Return what nobody may write, as far as that many people of tests are *known* by now."""
    names = sorted(factories.NAMES | NEWCOMERS)
    assert known == len(factories.NAMES)
    words = "|".join(re.escape(one) for one in (*names, *TEXTS))
    return re.compile(f"(?!{COMPANY})(?:{words})|{ADDRESS}|{SECRET}".encode())


class Ear(logging.Handler):
    """Hears every record of this process, and keeps what nobody may write."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(formatter())
        self.heard = 0
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Look at the line that would be written."""
        line = self.format(record)
        self.heard += 1
        if told_by(line.encode()):
            self.found.append(line)


def told_by(text: bytes) -> list[str]:
    """Return what a text tells that nobody may write."""
    told = set()
    for found in unspeakable(len(factories.NAMES)).finditer(text):
        left = BEFORE.search(text[max(0, found.start() - 64) : found.start()])
        before = left[0] if left else b""
        if found[0].startswith(b"@"):
            if before and not (before + found[0]).endswith(STRANGER):
                told.add(before + found[0])
        elif not (found[0].startswith(b"a") and before):  # else the middle of a longer word
            told.add(found[0])
    return sorted(one.decode() for one in told)


def told_in(folder: Path) -> list[str]:
    """Return what logs and files of Temporal's tell anywhere below a folder."""
    return [
        f"{file.relative_to(folder)} tells {one}"
        for file in files_of(folder)
        for one in told_by(file.read_bytes())
    ]


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the logs and the files of Temporal's servers below a folder."""
    for pattern in PATTERNS:
        yield from (one for one in folder.rglob(pattern) if one.is_file())


def fails(found: Iterable[str]) -> None:
    """Fail when something was told."""
    said = list(found)
    assert not said, "What nobody may write stands there:\n" + "\n".join(said)
