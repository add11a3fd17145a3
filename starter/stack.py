"""The embedded stack: Temporal, worker, mail sink and database on one machine, from one command."""

import asyncio
import itertools
import json
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

from config.settings import home, load, run_file
from identity import assertions
from identity.files import ensure_secret, write_secret
from identity.signing import SigningKey
from starter import payload_keys
from starter.children import Starting
from starter.console import status
from starter.locks import Parts, held
from starter.mailbox import Mailbox
from starter.portal_server import PORTAL_KEY, PORTAL_PUBLIC_KEY, PortalServer
from starter.reference_platform import ReferencePlatform
from starter.temporal_server import StackError, TemporalServer
from starter.visits import ASSERTION_KEY, assertion_keys
from starter.worker_process import WorkerProcess
from store.engine import connect
from store.schema import upgrade

TEMPORAL_PORT, UI_PORT, SMTP_PORT = 7233, 8233, 1025
RESTARTS = (0.5, 1.0, 2.0, 5.0)  # seconds before a fallen part is started again


class Stack:
    """Everything that `gatehouse up` runs; state lies in one folder and survives a stop."""

    def __init__(self, folder: Path, *, with_platform: bool = False) -> None:
        self.folder = folder
        self.platform = ReferencePlatform(folder, folder / "secrets") if with_platform else None
        self.database_url = f"sqlite+aiosqlite:///{folder / 'gatehouse.db'}"
        self.temporal = TemporalServer(folder / "temporal.db", TEMPORAL_PORT, UI_PORT, tells=status)
        self.mailbox = Mailbox(folder / "mail", SMTP_PORT)
        self.portal = PortalServer(folder)
        self.worker = WorkerProcess(folder)

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
            await self._start_mailbox()
            ends.push_async_callback(self.mailbox.stop)
            ends.push_async_callback(self.temporal.stop)
            ends.enter_context(self.portal.listening())
            self.temporal.codec = f"{self.portal.address}/codec"
            await self.temporal.start(parts.started)
            if self.platform is not None:
                ends.push_async_callback(self.platform.stop)
                await self.platform.start(parts.started)
            self._write_run_file()
            ends.callback(run_file().unlink, missing_ok=True)
            ends.push_async_callback(self.worker.stop)
            await self.worker.start(parts.started)
            ends.push_async_callback(self.portal.stop)
            portal = asyncio.create_task(self.portal.start(parts.started))
            ends.push_async_callback(_cancelled, portal)  # where the worker does not start
            await self.worker.polls()
            await portal
            for part in (self.temporal, self.platform, self.worker, self.portal):
                if part is not None:
                    ends.push_async_callback(_cancelled, asyncio.create_task(_keep(part, parts)))
            yield

    def _write_run_file(self) -> None:
        said = {
            "temporal_address": self.temporal.address,
            "temporal_ui_url": f"http://127.0.0.1:{self.temporal.ui_port}",
            "database_url": self.database_url,
            "smtp_host": "127.0.0.1",
            "smtp_port": self.mailbox.port,
            "smtp_security": "none",
            "maildir": str(self.folder / "mail"),
            **self.portal.settings,
            **({} if self.platform is None else self.platform.settings),
        }
        write_secret(run_file(), json.dumps(said, indent=2).encode())

    async def _start_mailbox(self) -> None:
        try:
            await self.mailbox.start()
        except OSError:  # somebody listens there
            self.mailbox.port = 0
            await self.mailbox.start()


class _Part(Protocol):
    """A process of the stack."""

    name: str
    log: Path
    process: Process | None

    async def start(self, starting: Starting) -> None: ...


async def _keep(part: _Part, parts: Parts) -> None:
    """Start a part again whenever it ends, and say so."""
    for pause in _pauses():
        assert part.process is not None  # noqa: S101
        code = await part.process.wait()
        status(f"{part.name} ended ({code}); starting it again. See {part.log}")
        await asyncio.sleep(pause)
        with suppress(StackError, OSError):  # then the next round tries again
            await part.start(parts.started)


def _pauses() -> Iterator[float]:
    return itertools.chain(RESTARTS, itertools.repeat(RESTARTS[-1]))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def prepare_keys(folder: Path) -> None:
    """Draw the servers' keys that are missing, and write the public halves that others need."""
    keys = folder / "keys"
    for name in ("code-proof.key", "outbox.key", "checkpoint.key", ASSERTION_KEY, PORTAL_KEY):
        ensure_secret(keys / name)
    public = SigningKey.read(keys / PORTAL_KEY).public
    write_secret(keys / PORTAL_PUBLIC_KEY, f"{public}\n".encode())
    payload_keys.ensure(keys / "payload")
    key_set = assertions.jwks(assertion_keys(keys))
    (folder / "jwks.json").write_text(json.dumps(key_set, indent=2), encoding="utf-8")


async def up(*, with_platform: bool = False) -> None:
    """Run the stack until Ctrl-C or SIGTERM. Starting it again goes on where it was."""
    folder = home()
    if os.environ.pop("GATEHOUSE_BUILD_ID", None) is not None:
        status("GATEHOUSE_BUILD_ID is for workers that you deploy; the one here has no version.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    except OSError as trouble:
        raise StackError(f"The folder {folder} cannot be used: {trouble.strerror}.") from None
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stack = Stack(folder, with_platform=with_platform)
    async with stack.running():
        status(f"Gatehouse is up; its state lies in {folder}")
        status(
            f"  Temporal   {stack.temporal.address}, screen http://127.0.0.1:{stack.temporal.ui_port}"
        )
        status(
            f"  mail       smtp 127.0.0.1:{stack.mailbox.port}; read it with: gatehouse mail list"
        )
        if stack.platform is not None:
            status(f"  platform   {stack.platform.address}/docs, for `gatehouse onboarding`")
        status(f"  portal     {stack.portal.address}")
        status(f"  mailbox    {stack.portal.mailbox}")
        status("Next, in another terminal:")
        status("  gatehouse directory import FILE    (gatehouse directory example prints one)")
        status("  gatehouse login EMAIL             (or sign in at the portal)")
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
