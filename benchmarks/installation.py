"""The measured installation: the embedded stack's parts, each in a process of its own."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Select, func, select
from temporalio.client import Client

from approvals.posting import WAITING
from approvals.tenant_access.commands import Grant, Revoke
from approvals.tenant_access.record import KIND, TenantAccess, shown_digest
from benchmarks import children
from benchmarks.people import Case, People
from config import temporal
from config.settings import Settings
from starter.children import started
from starter.client import Gatehouse
from starter.mailbox import Mailbox
from starter.reference_platform import ReferencePlatform
from starter.temporal_server import TemporalServer, free_port
from store import tables as t
from store.engine import Engines, connect
from store.inbox import Inbox
from store.schema import upgrade

MAIL_SECONDS = 120.0
MONTH = timedelta(days=30)
# Access of a second is allowed here, so that the run sees it expire. Nothing else differs.
POLICY = '[default]\nshortest_access = "1s"\n'


@dataclass
class Installation:
    """A database with people, Temporal, a mail server, and the facade of those who command."""

    home: Path
    engines: Engines
    client: Client
    environment: dict[str, str]
    pids: dict[str, int]  # of what runs: "server", "mail server", "client", later a "worker"
    people: People = field(default_factory=People)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.engines)
        self.gatehouse = Gatehouse(self.client, self.inbox.outcome, seconds=5)

    def next_case(self) -> Case:
        """Return a request that nobody has sent yet."""
        return self.people.case(next(self.numbers))

    async def submit(self, case: Case) -> None:
        """Send a request and wait for its receipt."""
        said = case.requester.signed(case.process, case.submission)
        await self.gatehouse.submit(KIND, said, case.tenant_id)

    async def shown(self, case: Case) -> str:
        """Return the digest of what the admin sees of a request now."""
        state = await self.inbox.state(case.process)
        assert isinstance(state, TenantAccess)
        return shown_digest(state)

    async def grant(self, case: Case, shown: str, lasts: timedelta = MONTH) -> str:
        """Let the people of a request in, and return the receipt."""
        command = Grant(ends_at=datetime.now(UTC) + lasts, shown=shown)
        return await self.gatehouse.send(KIND, case.admin.signed(case.process, command))

    async def revoke(self, case: Case) -> None:
        """End a request's access."""
        command = Revoke(reason="The fence is painted.", shown=await self.shown(case))
        await self.gatehouse.send(KIND, case.admin.signed(case.process, command))

    async def mails_are_out(self) -> None:
        """Wait until no notice waits. Raises TimeoutError, or AssertionError for a failed one."""
        waiting = select(func.count()).where(t.outbox.c.status.in_(WAITING))
        async with asyncio.timeout(MAIL_SECONDS):
            while await self._count(waiting):  # noqa: ASYNC110  # another process does the work
                await asyncio.sleep(0.02)
        lost = await self._count(select(func.count()).where(t.outbox.c.status == "failed"))
        assert not lost, f"{lost} mails were given up"

    async def told_versions(self, process: UUID) -> list[int]:
        """Return the versions of a process that are told by mail, in order."""
        versions = select(t.outbox.c.version).where(t.outbox.c.process_id == process)
        async with self.engines.read.connect() as connection:
            found = await connection.execute(versions.distinct().order_by(t.outbox.c.version))
            return list(found.scalars())

    def letters(self) -> int:
        """Return how many mails the mail server has kept."""
        return sum(1 for _ in os.scandir(self.home / "mail" / "new"))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[int]:
        """Run Gatehouse's worker in a process of its own while the block lasts; yield its pid.

        One request has gone through it, so that everything is loaded.
        """
        log, port = self.home / "worker.log", free_port()
        environment = {**self.environment, "GATEHOUSE_HEALTH_PORT": str(port)}
        async with children.running("worker.py", environment=environment, log=log) as pid:
            await children.listening(port)
            self.pids["worker"] = pid
            case = self.next_case()
            await self.submit(case)
            await self.grant(case, await self.shown(case))
            await self.revoke(case)
            await self.mails_are_out()
            try:
                yield pid
            finally:
                del self.pids["worker"]

    async def _count(self, query: Select[int]) -> int:
        async with self.engines.read.connect() as connection:
            return (await connection.execute(query)).scalar_one()


@asynccontextmanager
async def installation(home: Path) -> AsyncIterator[Installation]:
    """Build database, Temporal, mail server and customer platform in an empty folder.

    They are taken down when the block ends.
    """
    mail_port = free_port()
    async with AsyncExitStack() as ends:
        server = TemporalServer(home / "temporal.db", free_port())
        ends.push_async_callback(server.stop)
        await server.start()
        assert server.process is not None
        mailbox = await ends.enter_async_context(
            children.running(
                "-m", "benchmarks", "mail-server", str(home / "mail"), str(mail_port),
                environment={}, log=home / "mail-server.log",
            )
        )  # fmt: skip
        await children.listening(mail_port)
        settings = Settings(home=home, temporal_address=server.address)
        engines = connect(settings.database)
        ends.push_async_callback(engines.close)
        await upgrade(engines)
        client = await temporal.connect(settings, identity="benchmark")
        pids = {"server": server.process.pid, "mail server": mailbox, "client": os.getpid()}
        platform = ReferencePlatform(home, home / "secrets")
        ends.push_async_callback(platform.stop)
        await platform.start(started)
        environment = {
            **_environment(server, home, mail_port),
            **{f"GATEHOUSE_{name.upper()}": one for name, one in platform.settings.items()},
        }
        made = Installation(home, engines, client, environment, pids)
        (home / "policy.toml").write_text(POLICY, encoding="utf-8")
        async with engines.write.begin() as connection:
            await made.people.write(connection)
        yield made


def _environment(server: TemporalServer, home: Path, mail_port: int) -> dict[str, str]:
    return {
        "GATEHOUSE_HOME": str(home),
        "GATEHOUSE_TEMPORAL_ADDRESS": server.address,
        "GATEHOUSE_SMTP_PORT": str(mail_port),
        "GATEHOUSE_SMTP_SECURITY": "none",
        "GATEHOUSE_LOG_LEVEL": "WARNING",
    }


async def serve_mail(maildir: str, port: str) -> None:
    """Run the mail server until the process is ended."""
    async with Mailbox(Path(maildir), int(port)):
        await asyncio.Event().wait()
