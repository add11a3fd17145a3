"""The embedded stack: Temporal, worker, mail sink and database on one machine, from one command."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from config.settings import home, load, run_file
from identity import assertions
from identity.files import ensure_secret, write_secret
from identity.signing import SigningKey
from starter.console import status
from starter.locks import Parts, held
from starter.mailbox import Mailbox
from starter.temporal_server import StackError, TemporalServer, free_port, stopped
from starter.visits import ASSERTION_KEY
from store.engine import connect
from store.schema import upgrade

TEMPORAL_PORT, UI_PORT, SMTP_PORT = 7233, 8233, 1025
STOP_SECONDS = 20.0
RESTARTS = (0.5, 1.0, 2.0, 5.0)  # seconds before a fallen part is started again


class Stack:
    """Everything that `gatehouse up` runs; state lies in one folder and survives a stop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database_url = f"sqlite+aiosqlite:///{folder / 'gatehouse.db'}"
        self.temporal = TemporalServer(
            folder / "temporal.db", free_port(TEMPORAL_PORT), free_port(UI_PORT)
        )
        self.mailbox = Mailbox(folder / "mail", free_port(SMTP_PORT))
        self.worker: asyncio.subprocess.Process | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start all parts, and stop them in the opposite order when the block ends.

        Raises StackError, or ConfigurationError for a policy that no worker would start with.
        """
        async with AsyncExitStack() as ends:
            parts = ends.enter_context(held(self.folder))
            run_file().unlink(missing_ok=True)  # a stack that was killed leaves its own
            load().policies()
            await _migrated(self.database_url)
            prepare_keys(self.folder)
            await self.mailbox.start()
            ends.push_async_callback(self.mailbox.stop)
            ends.push_async_callback(self.temporal.stop)
            await self._start_temporal(parts)
            self._write_run_file()
            ends.callback(run_file().unlink, missing_ok=True)
            ends.push_async_callback(self._stop_worker)
            await self._start_worker(parts)
            for keeping in (self._keep_temporal(parts), self._keep_worker(parts)):
                ends.push_async_callback(_cancelled, asyncio.create_task(keeping))
            yield

    def _write_run_file(self) -> None:
        said = {
            "temporal_address": self.temporal.address,
            "database_url": self.database_url,
            "smtp_host": "127.0.0.1",
            "smtp_port": self.mailbox.port,
            "smtp_security": "none",
            "maildir": str(self.folder / "mail"),
        }
        write_secret(run_file(), json.dumps(said, indent=2).encode())

    async def _start_temporal(self, parts: Parts) -> None:
        await self.temporal.start(pass_fds=(parts.lock,))
        parts.add(self.temporal.running.pid)

    async def _start_worker(self, parts: Parts) -> None:
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "worker",
                stdout=log, stderr=log, start_new_session=True, pass_fds=(parts.lock,),
            )  # fmt: skip
        parts.add(self.worker.pid)

    async def _keep_temporal(self, parts: Parts) -> None:
        for pause in _pauses():
            await self.temporal.running.wait()
            status(f"Temporal ended; starting it again. See {self.temporal.log}")
            await asyncio.sleep(pause)
            with suppress(StackError):  # then the next round tries again
                await self._start_temporal(parts)

    async def _keep_worker(self, parts: Parts) -> None:
        for pause in _pauses():
            assert self.worker is not None  # noqa: S101
            code = await self.worker.wait()
            status(f"The worker ended ({code}); starting it again. See {self.folder}/worker.log")
            await asyncio.sleep(pause)
            await self._start_worker(parts)

    async def _stop_worker(self) -> None:
        if self.worker is not None:
            await stopped(self.worker, STOP_SECONDS)


def _pauses() -> Iterator[float]:
    return itertools.chain(RESTARTS, itertools.repeat(RESTARTS[-1]))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def prepare_keys(folder: Path) -> None:
    """Draw the servers' keys that are missing, and publish the assertion key's public half."""
    keys = folder / "keys"
    for name in ("code-proof.key", "outbox.key", ASSERTION_KEY):
        ensure_secret(keys / name)
    key_set = assertions.jwks([SigningKey.read(keys / ASSERTION_KEY)])
    (folder / "jwks.json").write_text(json.dumps(key_set, indent=2), encoding="utf-8")


async def up() -> None:
    """Run the stack until Ctrl-C or SIGTERM. Starting it again goes on where it was."""
    folder = home()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    except OSError as trouble:
        raise StackError(f"The folder {folder} cannot be used: {trouble.strerror}.") from None
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stack = Stack(folder)
    async with stack.running():
        status(f"Gatehouse is up; its state lies in {folder}")
        status(
            f"  Temporal   {stack.temporal.address}, screen http://127.0.0.1:{stack.temporal.ui_port}"
        )
        status(
            f"  mail       smtp 127.0.0.1:{stack.mailbox.port}; read it with: gatehouse mail list"
        )
        status("Next, in another terminal:")
        status("  gatehouse directory import FILE    (gatehouse directory example prints one)")
        status("  gatehouse login EMAIL")
        status("Ctrl-C stops everything; starting again goes on where it was.")
        await stop.wait()
        status("Stopping.")
    status("Stopped; nothing is lost.")


async def _migrated(url: str) -> None:
    engines = connect(url)
    try:
        await upgrade(engines)
    finally:
        await engines.close()
