"""Programs that run beside the measurement, and what each costs in processor time and memory."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS, STOP_SECONDS = 30.0, 20.0
PROC = Path("/proc")  # Linux; elsewhere `ps` is asked


@asynccontextmanager
async def running(*arguments: str, environment: Mapping[str, str], log: Path) -> AsyncIterator[int]:
    """Run a Python program from the project's folder while the block lasts; yield its pid.

    Raises RuntimeError when the program ended by itself meanwhile; *log* says why.
    """
    with log.open("ab") as file:
        program = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=ROOT, env={**os.environ, **environment},
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        yield program.pid
    finally:
        ended = program.returncode
        if ended is None:
            program.send_signal(signal.SIGTERM)
            await _ended(program)
    if ended is not None:
        raise RuntimeError(f"{' '.join(arguments)} ended with {ended}; see {log}")


async def listening(port: int) -> None:
    """Wait until somebody listens on a port of this machine. Raises TimeoutError."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far, in seconds."""
    if PROC.exists():
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    seconds = 0.0
    for part in _ps("time", pid).replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def memory_mb(pid: int) -> float:
    """Return a process's resident memory in MiB."""
    if PROC.exists():
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return int(_ps("rss", pid)) / 1024


async def _ended(program: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await program.wait()
    except TimeoutError:
        program.kill()
        await program.wait()


def _ps(column: str, pid: int) -> str:
    command = ["/bin/ps", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
