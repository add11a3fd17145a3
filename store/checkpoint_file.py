"""Writes checkpoints to a file outside the database, and hands each line to a command."""

import asyncio
import fcntl
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Protocol

from approvals.checkpoints import Checkpoint, Head, Heads, Published, stated
from approvals.ports import Signatures
from store.heads import SqlHeads

log = logging.getLogger(__name__)
EVERY, ENTRIES = timedelta(seconds=60), 1000  # a checkpoint is due after either
OVERLAP = timedelta(minutes=10)  # longer than a transaction may take from its clock to its commit
WHOLE_AFTER = 60  # checkpoints after which all heads are read again: a clock may have gone back
COMMAND_SECONDS = 30


class Signer(Protocol):
    """A private key for checkpoints."""

    @property
    def public(self) -> str: ...

    def signature(self, data: bytes) -> str: ...


class CheckpointFile:
    """The append-only file. Of several workers on one file, one writes at a time."""

    def __init__(
        self,
        path: Path,
        heads: SqlHeads,
        signer: Signer,
        signatures: Signatures,
        trusted: frozenset[str],
        command: Sequence[str] = (),
    ) -> None:
        self.path, self._heads, self._signer, self._command = path, heads, signer, command
        self._signatures, self._trusted = signatures, trusted
        self._published = self._blank()
        self._read_to = self._rounds = 0
        self._looked: datetime | None = None

    async def publish(self, *, at_once: bool = False) -> Checkpoint | None:
        """Write a checkpoint if one is due and something has changed; return it.

        *at_once* does not wait for the minute. Raises OSError where the file cannot be written.
        """
        with self._opened() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # another worker is at it
                return None
            self._catch_up(file)
            written = await self._written(file, at_once)
            if self._command:
                await self._hand_over()
        return written

    def _opened(self) -> IO[bytes]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+")

    def _catch_up(self, file: IO[bytes]) -> None:
        """Read what others wrote since, and cut off a line that a crash left half."""
        size = file.seek(0, os.SEEK_END)
        if size < self._read_to:  # the operator began another file
            self._published, self._read_to = self._blank(), 0
        file.seek(self._read_to)
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            file.truncate(self._read_to + len(whole))
        self._published.add(whole.decode("utf-8", "replace").splitlines())
        self._read_to += len(whole)

    def _blank(self) -> Published:
        return Published(self._signatures, self._trusted)

    async def _written(self, file: IO[bytes], at_once: bool) -> Checkpoint | None:
        known, last = self._published.heads, self._published.last
        now = await self._heads.now()
        if last is not None and not at_once and not await self._is_due(last.at, now):
            return None
        if last is None or self._rounds % WHOLE_AFTER == 0:
            heads = await self._heads.all()
        else:
            heads = {**known, **await self._heads.since(last.at - OVERLAP)}
        self._looked, self._rounds = now, self._rounds + 1
        changed = [
            Head(process=one, seq=heads[one][0], hash=heads[one][1])
            for one in sorted(heads)
            if known.get(one) != heads[one]
        ]
        if not changed:
            return None
        _warn_of_gaps(known, heads)
        made = await asyncio.to_thread(self._signed, {**known, **heads}, changed, now)
        line = made.line.encode() + b"\n"
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        self._read_to += len(line)
        self._published.add([made.line])
        return made

    async def _is_due(self, last: datetime, now: datetime) -> bool:
        since = last if self._looked is None else max(last, self._looked)
        if now - since >= EVERY or now < since:
            return True
        return await self._heads.count_since(since) >= ENTRIES

    def _signed(self, heads: Heads, changed: Sequence[Head], now: datetime) -> Checkpoint:
        statement = stated(self._published.last, heads, changed, self._signer.public, now)
        signature = self._signer.signature(statement.body)
        return Checkpoint(statement=statement, heads=tuple(changed), signature=signature)

    async def _hand_over(self) -> None:
        """Give the command every line that it has not taken yet; what fails is tried again."""
        mark, handed = self.path.with_name(f"{self.path.name}.handed"), 0
        with suppress(FileNotFoundError, ValueError):
            handed = int(mark.read_text())
        if handed > self._read_to:
            handed = 0
        with self.path.open("rb") as file:
            file.seek(handed)
            for line in file:
                if not await _taken(self._command, line):
                    return
                handed += len(line)
                mark.write_text(str(handed))


def _warn_of_gaps(known: Heads, heads: Heads) -> None:
    """Tell the operator of chains that ended later before; `gatehouse audit verify` names all."""
    for process, (seq, found) in known.items():
        now = heads.get(process, (0, ""))
        if now[0] < seq or (now[0] == seq and now[1] != found):
            log.error("the record of %s ended at entry %d and ends at %d now", process, seq, now[0])


async def _taken(command: Sequence[str], line: bytes) -> bool:
    """Run the command with the line on its standard input; whether it took it."""
    try:
        program = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as trouble:
        log.error("the checkpoint command cannot be run: %s", trouble.strerror)
        return False
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            await program.communicate(line)
    except TimeoutError:
        program.kill()
        await program.wait()
    if program.returncode != 0:
        log.error("the checkpoint command failed (%s); trying again", program.returncode)
    return program.returncode == 0


def lines_of(path: Path) -> list[str]:
    """Return the whole lines of a file of checkpoints; none where there is no file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return data[: data.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()
