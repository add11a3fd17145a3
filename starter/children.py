"""Child processes of the embedded stack: their start, and their end with this process or before."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from starter import lifeline


class Starting(Protocol):
    """Starts a program, as ``started`` does."""

    async def __call__(
        self, log: Path, command: Sequence[str], pass_fds: Sequence[int] = ()
    ) -> Process: ...


async def started(log: Path, command: Sequence[str], pass_fds: Sequence[int] = ()) -> Process:
    """Start a program, given by its full path, with its output in *log*.

    It gets the open files *pass_fds* under the same numbers.

    It leads a session of its own, so that Ctrl-C at the terminal is not meant for it. On Linux it
    is killed when this process ends, however that ends.
    """
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *_tied(command),
            stdout=output, stderr=output, start_new_session=True, pass_fds=pass_fds,
        )  # fmt: skip


async def stopped(process: Process, seconds: float) -> None:
    """Ask a process to end, and end it if it has not after so many seconds."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tied(command: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-IS", lifeline.__file__, str(os.getpid()), *command]
