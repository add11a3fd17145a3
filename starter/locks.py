"""Who may use a stack's folder: one `up` at a time, and none beside what a killed one left."""

import fcntl
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from starter.children import started
from starter.console import status
from starter.temporal_server import StackError

PATIENCE = 20.0  # seconds for what was left behind to end by itself


class Parts:
    """The processes of a stack. Each holds the lock on their list, and so outlives none unseen."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def started(
        self, log: Path, command: Sequence[str], pass_fds: Sequence[int] = ()
    ) -> Process:
        """Start a part, which inherits the lock, and note its process id."""
        process = await started(log, command, pass_fds=(self._file.fileno(), *pass_fds))
        self._file.seek(0, os.SEEK_END)
        self._file.write(f"{process.pid}\n".encode())
        self._file.flush()
        return process


@contextmanager
def held(folder: Path) -> Iterator[Parts]:
    """Lock the folder while the block lasts. Raises StackError where another stack has it.

    Parts that still run because their `up` was killed are ended first.
    """
    with (folder / "up.lock").open("ab") as own, (folder / "parts.lock").open("a+b") as parts:
        if not _locked(own):
            raise StackError(
                f"Gatehouse is already up on {folder}. Stop it there with Ctrl-C, or choose"
                " another folder with GATEHOUSE_HOME."
            )
        if not _locked(parts):
            _end(parts, folder)
        parts.truncate(0)
        yield Parts(parts)


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _end(parts: IO[bytes], folder: Path) -> None:
    parts.seek(0)
    left = [int(line) for line in parts.read().split() if line.isdigit()]
    status("The last stack here was killed; ending what it left behind.")
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            # Each part leads a session of its own; a number that went to another process does not.
            with suppress(ProcessLookupError, PermissionError):
                if os.getsid(process) == process:
                    os.kill(process, number)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if _locked(parts):
                return
            time.sleep(0.1)
    raise StackError(f"Parts of a killed stack still run on {folder}: end the processes {left}.")
