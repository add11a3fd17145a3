"""The terminals of the story's people: each command is a process of the real program.

The program is loaded once, and each of its processes is forked from there: loading it again for
every command would take longer than the whole story.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

PROGRAM = ("starter.__main__", "starter.cli")
LONGEST_LINE = 1_000_000  # bytes
_FORKS = multiprocessing.get_context("forkserver")


class Command:
    """A command that runs: what it reads, what it writes, and how it ends."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        theirs_in, self._in = _FORKS.Pipe(duplex=False)
        self._out, theirs_out = _FORKS.Pipe(duplex=False)
        self._err, theirs_err = _FORKS.Pipe(duplex=False)
        theirs = theirs_in, theirs_out, theirs_err
        self._process = _FORKS.Process(
            target=_run, args=(tuple(words), dict(environment), str(folder), *theirs), daemon=True
        )
        self._process.start()
        for end in theirs:
            end.close()

    def type(self, text: str) -> None:
        """Write the one line that its standard input holds."""
        os.write(self._in.fileno(), f"{text}\n".encode())

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamReader]]:
        """Give its standard output and error to whoever reads them, line by line."""
        async with _reader(self._out) as out, _reader(self._err) as err:
            yield out, err

    async def code(self) -> int:
        """Wait for its end and return the exit code."""
        loop, has_ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, has_ended.set)
        try:
            await has_ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        return self._process.exitcode or 0

    def end(self) -> None:
        """Let go of it; what still runs is ended."""
        if self._process.is_alive():
            self._process.terminate()
        for stream in (self._in, self._out, self._err):
            stream.close()


def prepare() -> None:
    """Begin to load the program, in a process of its own that ends with this one."""
    _FORKS.set_forkserver_preload(list(PROGRAM))
    forkserver.ensure_running()


def _run(
    words: tuple[str, ...],
    environment: dict[str, str],
    folder: str,
    stdin: Connection,
    stdout: Connection,
    stderr: Connection,
) -> None:
    """Be the command: its own streams, environment and folder, then the program's own entry."""
    for number, stream in enumerate((stdin, stdout, stderr)):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  # as long as the process lives
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from starter.__main__ import run

    code = run(list(words))
    sys.stderr.flush()
    os._exit(code)


@asynccontextmanager
async def _reader(stream: Connection) -> AsyncIterator[asyncio.StreamReader]:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    pipe = os.fdopen(os.dup(stream.fileno()), "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield reader
    finally:
        transport.close()
