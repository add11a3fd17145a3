"""The demo's stage: a real stack of its own, real commands, real mail."""

import asyncio
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starter.console import print_text, status
from starter.mailbox import StoredLetter, letters
from starter.stack import Stack
from starter.story import Story, StoryError

POLICY = '[default]\nshortest_access = "2s"\n'  # so that the story fits into a minute
INDENT = 2
PATIENCE = 30.0  # seconds for a mail to arrive
CODE = re.compile(r"\b(\d{4}) (\d{4})\b")


async def run(*, keep: bool) -> None:
    """Play the story in a folder of its own and print what happens. Raises StoryError."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-demo-"))
    changed = {
        "GATEHOUSE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "COLUMNS": str(max(60, shutil.get_terminal_size().columns - INDENT)),
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        async with _stage(folder) as stage:
            await Story(stage).play()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        if keep:
            status(f"Everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _stage(folder: Path) -> AsyncIterator["Stage"]:
    state = folder / "state"
    state.mkdir(mode=0o700)
    (state / "policy.toml").write_text(POLICY, encoding="utf-8")
    stack = Stack(state)
    async with stack.running():
        yield Stage(state / "mail")


class Stage:
    """Runs the commands of people, and reads their mail."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir

    async def command(self, person: str, *words: str, ends: int = 0, quiet: bool = False) -> str:
        """Run `gatehouse WORDS` as *person*; return its stdout. Raises StoryError otherwise."""
        if not quiet:
            print_text(f"\n{person}$ gatehouse {shlex.join(words)}")
        child = await self.started(person, *words)
        out, err = await child.communicate()
        return self._judged(words, child.returncode, ends, out.decode(), err.decode(), quiet=quiet)

    async def started(self, person: str, *words: str) -> asyncio.subprocess.Process:
        """Start a command of *person* with pipes to talk to it."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "starter", "--profile", person, *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def sign_in(self, person: str, email: str) -> None:
        """Sign *person* in with the code that comes by mail."""
        child = await self.started(person, "login", email)
        letter = await self.mail(email, "code")
        found = CODE.search(letter.text)
        if found is None:
            raise StoryError(f"the mail to {email} holds no code")
        out, err = await child.communicate("".join(found.groups()).encode() + b"\n")
        self._judged(("login",), child.returncode, 0, out.decode(), err.decode(), quiet=True)

    async def mail(self, to: str, about: str) -> StoredLetter:
        """Wait for a mail to *to* whose text holds *about*."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [
                    one for one in letters(self._maildir) if to in one.to and about in one.text
                ]
                if found:
                    return found[-1]
                await asyncio.sleep(0.1)

    def _judged(
        self, words: Sequence[str], code: int | None, ends: int, out: str, err: str, *, quiet: bool
    ) -> str:
        if not quiet:
            for line in (err + out).splitlines():
                print_text(f"{' ' * INDENT}{line}")
        if code != ends:
            raise StoryError(f"gatehouse {words[0]} ended with {code}, not {ends}: {err.strip()}")
        return out
