"""The embedded stack: Temporal, worker, mail sink and database on one machine, from one command."""

import asyncio
import itertools
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from activities import names
from config import temporal
from config.settings import home, load, run_file
from identity import assertions
from identity.files import ensure_secret, write_secret
from identity.signing import SigningKey
from starter import payload_keys
from starter.children import stopped
from starter.console import status
from starter.locks import Parts, held
from starter.mailbox import Mailbox
from starter.portal_server import PORTAL_KEY, PORTAL_PUBLIC_KEY, PortalServer
from starter.reference_platform import ReferencePlatform
from starter.temporal_server import StackError, TemporalServer
from starter.visits import ASSERTION_KEY
from store.engine import connect
from store.schema import upgrade

TEMPORAL_PORT, UI_PORT, SMTP_PORT = 7233, 8233, 1025
WORKER_SECONDS, STOP_SECONDS = 30.0, 20.0  # for its start, and for its end
RESTARTS = (0.5, 1.0, 2.0, 5.0)  # seconds before a fallen part is started again


class Stack:
    """Everything that `gatehouse up` runs; state lies in one folder and survives a stop."""

    def __init__(self, folder: Path, *, with_platform: bool = False) -> None:
        self.folder = folder
        self.platform = ReferencePlatform(folder, folder / "secrets") if with_platform else None
        self.database_url = f"sqlite+aiosqlite:///{folder / 'gatehouse.db'}"
        self.temporal = TemporalServer(folder / "temporal.db", TEMPORAL_PORT, UI_PORT)
        self.mailbox = Mailbox(folder / "mail", SMTP_PORT)
        self.portal = PortalServer(folder)
        self.worker: Process | None = None

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
            await self.temporal.start(parts.started)
            if self.platform is not None:
                ends.push_async_callback(self.platform.stop)
                await self.platform.start(parts.started)
            self._write_run_file()
            ends.callback(run_file().unlink, missing_ok=True)
            ends.push_async_callback(self._stop_worker)
            await self._start_worker(parts)
            await self._worker_polls()
            ends.push_async_callback(self.portal.stop)
            await self.portal.start(parts.started)
            for keeping in (
                self._keep_temporal(parts), self._keep_worker(parts), self._keep_portal(parts),
            ):  # fmt: skip
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

    async def _start_worker(self, parts: Parts) -> None:
        command = [sys.executable, "-m", "worker"]
        self.worker = await parts.started(self.folder / "worker.log", command)

    async def _worker_polls(self) -> None:
        """Wait until the worker takes work, so that no first command must. Raises StackError."""
        try:
            client = await temporal.connect(load(), identity="gatehouse-up", is_quiet=True)
        except RuntimeError as away:  # TEMPORAL_ADDRESS may name another one
            raise StackError(f"Cannot reach Temporal as the worker would: {away}.") from away
        ask = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=names.PROCESSES),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        end = asyncio.get_running_loop().time() + WORKER_SECONDS
        while not (await client.workflow_service.describe_task_queue(ask)).pollers:
            has_ended = self.worker is None or self.worker.returncode is not None
            if has_ended or asyncio.get_running_loop().time() > end:
                raise StackError(f"The worker does not start; see {self.folder}/worker.log.")
            await asyncio.sleep(0.05)

    async def _keep_temporal(self, parts: Parts) -> None:
        for pause in _pauses():
            await self.temporal.running.wait()
            status(f"Temporal ended; starting it again. See {self.temporal.log}")
            await asyncio.sleep(pause)
            with suppress(StackError):  # then the next round tries again
                await self.temporal.start(parts.started)

    async def _keep_worker(self, parts: Parts) -> None:
        for pause in _pauses():
            assert self.worker is not None  # noqa: S101
            code = await self.worker.wait()
            status(f"The worker ended ({code}); starting it again. See {self.folder}/worker.log")
            await asyncio.sleep(pause)
            await self._start_worker(parts)

    async def _keep_portal(self, parts: Parts) -> None:
        for pause in _pauses():
            assert self.portal.running is not None  # noqa: S101
            code = await self.portal.running.wait()
            status(f"The portal ended ({code}); starting it again. See {self.portal.log}")
            await asyncio.sleep(pause)
            with suppress(StackError):  # then the next round tries again
                await self.portal.start(parts.started)

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
    """Draw the servers' keys that are missing, and write the public halves that others need."""
    keys = folder / "keys"
    for name in ("code-proof.key", "outbox.key", "checkpoint.key", ASSERTION_KEY, PORTAL_KEY):
        ensure_secret(keys / name)
    public = SigningKey.read(keys / PORTAL_KEY).public
    write_secret(keys / PORTAL_PUBLIC_KEY, f"{public}\n".encode())
    payload_keys.ensure(keys / "payload")
    key_set = assertions.jwks([SigningKey.read(keys / ASSERTION_KEY)])
    (folder / "jwks.json").write_text(json.dumps(key_set, indent=2), encoding="utf-8")


async def up(*, with_platform: bool = False) -> None:
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
