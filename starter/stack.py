"""The embedded stack: Temporal, worker, mail sink and database on one machine, from one command."""

import asyncio
import fcntl
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO

from config.settings import home, run_file
from identity import assertions
from identity.files import ensure_secret, write_secret
from identity.signing import SigningKey
from starter.console import status
from starter.mailbox import Mailbox
from starter.temporal_server import StackError, TemporalServer, free_port
from starter.visits import ASSERTION_KEY
from store.engine import connect
from store.schema import upgrade

TEMPORAL_PORT, UI_PORT, SMTP_PORT = 7233, 8233, 1025
STOP_SECONDS = 20.0
RESTARTS = (0.5, 1.0, 2.0, 5.0)  # seconds before a fallen worker is started again


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
        self._stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start all parts, and stop them in the opposite order when the block ends."""
        async with AsyncExitStack() as ends:
            ends.enter_context(_held(self.folder))
            await _migrated(self.database_url)
            prepare_keys(self.folder)
            await self.mailbox.start()
            ends.push_async_callback(self.mailbox.stop)
            await self.temporal.start()
            ends.push_async_callback(self.temporal.stop)
            self._write_run_file()
            ends.callback(run_file().unlink, missing_ok=True)
            keeper = asyncio.create_task(self._keep_worker())
            ends.push_async_callback(self._stop_worker, keeper)
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

    async def _keep_worker(self) -> None:
        """Start the worker, and start it again when it falls."""
        for fall in range(1_000_000):
            with (self.folder / "worker.log").open("ab") as log:
                self.worker = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "worker", stdout=log, stderr=log, start_new_session=True
                )
            code = await self.worker.wait()
            if self._stopping:
                return
            status(f"The worker ended ({code}); starting it again. See {self.folder}/worker.log")
            await asyncio.sleep(RESTARTS[min(fall, len(RESTARTS) - 1)])

    async def _stop_worker(self, keeper: asyncio.Task[None]) -> None:
        self._stopping = True
        if self.worker is not None and self.worker.returncode is None:
            self.worker.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await keeper
        except TimeoutError:
            if self.worker is not None:
                self.worker.kill()
            keeper.cancel()


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
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
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
        status("Next, in another terminal: gatehouse directory example, gatehouse login EMAIL")
        status("Ctrl-C stops everything; starting again goes on where it was.")
        await stop.wait()
        status("Stopping.")
    status("Stopped; nothing is lost.")


def _held(folder: Path) -> IO[bytes]:
    """Lock the folder: two stacks on one state would spoil it."""
    lock = (folder / "up.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StackError(f"Gatehouse is already up on {folder}.") from None
    return lock


async def _migrated(url: str) -> None:
    engines = connect(url)
    try:
        await upgrade(engines)
    finally:
        await engines.close()
