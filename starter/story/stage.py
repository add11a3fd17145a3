"""The story's stage: commands are run as people, shown, and judged; their mail is read."""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starter.letters import StoredLetter, letters
from starter.story.cast import EMAILS
from starter.story.telling import StoryError, show_command, show_line, show_mail, show_typed
from starter.story.terminals import Command

PATIENCE = 30.0  # seconds for a mail to arrive
PROMPT = 3  # lines that a sign-in writes before it waits for the code
CODE = re.compile(r"\b(\d{4}) (\d{4})\b")


class Stage:
    """A running stack, and a folder in which people keep their files."""

    def __init__(self, folder: Path, maildir: Path) -> None:
        self.folder = folder
        self._maildir = maildir
        self._letters: list[StoredLetter] = []
        self._read_at = 0.0

    async def shows(self, person: str, *words: str, ends: int = 0, token: str = "") -> str:
        """Run `gatehouse WORDS` as *person* before everybody's eyes; return all that it wrote.

        *token* is what it asks for. Raises StoryError unless it ends with the exit code *ends*.
        """
        show_command(person, words)
        command = self._started(person, words)
        if token:
            show_typed(person, "the token of the mail; nobody sees it")
            command.type(token)
        return await _ended(command, words, ends, is_shown=True)

    async def shows_end(self, person: str, *words: str, lines: int) -> None:
        """Run a command that writes much, and show only its last lines."""
        show_command(person, words)
        said = (await _ended(self._started(person, words), words, 0, is_mixed=True)).splitlines()
        show_line("...")
        for line in said[-lines:]:
            show_line(line)

    async def asks(self, person: str, *words: str) -> Any:
        """Run `gatehouse WORDS --json` as *person* unseen; return what it says."""
        return json.loads(await self.runs(person, *words, "--json"))

    async def runs(self, person: str, *words: str) -> str:
        """Run `gatehouse WORDS` as *person* unseen; return its standard output."""
        return await _ended(self._started(person, words), words, 0)

    async def signs_in(self, person: str, *more: str, is_shown: bool = False) -> None:
        """Sign *person* in with the code that comes by mail."""
        words = ("login", EMAILS[person], *more)
        if is_shown:
            show_command(person, words)
        command = self._started(person, words)
        waits = asyncio.Event()
        ending = asyncio.create_task(_ended(command, words, 0, waits, is_shown=is_shown))
        try:
            letter = await self.mail(person, "code")
            found = CODE.search(letter.text)
            if found is None:
                raise StoryError(f"The demo failed: the mail to {letter.to} holds no code.")
            if is_shown:
                await waits.wait()
                show_mail(letter, lines=8)
                show_typed(person, found.group())
            command.type(found.group())
            await ending
        finally:
            ending.cancel()

    async def mail(self, person: str, about: str) -> StoredLetter:
        """Wait for a mail to *person* whose subject or text holds *about*. Raises StoryError."""
        to = EMAILS[person]
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for one in reversed(self._newest()):
                        if to in one.to and about in f"{one.subject}\n{one.text}":
                            return one
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise StoryError(f"The demo failed: no mail to {to} says '{about}'.") from None

    def _newest(self) -> list[StoredLetter]:
        """Read the mailbox, at most ten times a second however many wait for a mail."""
        now = asyncio.get_running_loop().time()
        if now - self._read_at > 0.1:
            self._letters, self._read_at = letters(self._maildir), now
        return self._letters

    def _started(self, person: str, words: Sequence[str]) -> Command:
        return Command(words, {**os.environ, "GATEHOUSE_PROFILE": person}, self.folder)


Chapter = tuple[str, Callable[[Stage], Awaitable[str]]]


async def _ended(
    command: Command,
    words: Sequence[str],
    ends: int,
    waits: asyncio.Event | None = None,
    *,
    is_shown: bool = False,
    is_mixed: bool = False,
) -> str:
    """Take in what a command writes, and show it at once if it *is_shown*.

    Returns its standard output; of one that is shown or *is_mixed*, standard error too. Sets
    *waits* when it has asked for something. Raises StoryError unless it ends with the exit code
    *ends*.
    """
    out: list[str] = []
    err = out if is_shown or is_mixed else []

    async def take_in(stream: asyncio.StreamReader, into: list[str]) -> None:
        async for raw in stream:
            into.append(raw.decode("utf-8", "replace").rstrip("\n"))
            if is_shown:
                show_line(into[-1])
            if waits is not None and len(into) >= PROMPT:
                waits.set()

    try:
        async with command.reading() as (written, aside):
            await asyncio.gather(take_in(written, out), take_in(aside, err))
        code = await command.code()
    finally:
        command.end()
        if waits is not None:
            waits.set()
    if code and is_shown:
        show_line(f"[exit {code}]")
    if code != ends:
        why = "" if is_shown else f" It said: {' '.join(err)}"
        named = " ".join(words[:2])
        raise StoryError(f"The demo failed: gatehouse {named} ended with {code}, not {ends}.{why}")
    return "\n".join(out)
