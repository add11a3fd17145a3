"""Where a test plays a request's life: one installation, one namespace, and the real server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RawValue

from activities import names
from activities.reconcile import Reconciled, Reconciler
from approvals.audit import AuditEntry
from approvals.delivery import Delivery, Outcome
from approvals.people import Person, Tenant
from approvals.policy import Policies, Policy
from approvals.tenant_access.commands import ChangeEnd, Deny, Grant
from approvals.tenant_access.record import KIND, TenantAccess, process_id_of
from config.payloads import KeyRing, encrypting
from starter.client import Gatehouse
from store import tables as t
from store.gate import SqlGate
from store.inbox import MailLine
from store.ledger import SqlLedger
from store.trail import Trail
from tests.factories import BECKY, CAROLINE, ELIZABETH, HOUR, TOM, TOM_SAWYER, make_submit, parsed
from tests.installation import Installation

on_both_databases = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
MILLISECOND = timedelta(milliseconds=1)
# Resets, and what the server itself takes back when messages pour in faster than tasks end.
CAUSED_BY_SERVER = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)
# An access may last a moment here, so that a test sees it end.
QUICK = Policies(default=Policy(shortest_access=MILLISECOND))


def short_window(window: timedelta) -> Policies:
    """Return policies in which a request waits no longer than *window* for its decision."""
    return Policies(default=Policy(decision_window=window, shortest_access=MILLISECOND))


class Stage:
    """One installation, seen through one client of Temporal."""

    def __init__(self, installation: Installation, client: Client) -> None:
        self.installation, self.client = installation, client
        self.gatehouse: Gatehouse = installation.gatehouse(client)
        self.gate = SqlGate(installation.engines)

    async def submitted(self, tenant: Tenant = TOM_SAWYER) -> UUID:
        """Send Elizabeth's request and return its process."""
        process, said = self.submission(tenant)
        await self.gatehouse.submit(KIND, said, tenant.id)
        return process

    def submission(self, tenant: Tenant = TOM_SAWYER) -> tuple[UUID, bytes]:
        """Sign a new request of Elizabeth's; return its process and the message."""
        batch = uuid4()
        process = process_id_of(batch, tenant.slug)
        submit = make_submit(tenant, batch=batch)
        return process, self.installation.signed(ELIZABETH, process, submit)

    async def grant(
        self,
        process: UUID,
        lasting: timedelta = HOUR,
        by: Person = TOM,
        nonce: str | None = None,
        at: datetime | None = None,
    ) -> bytes:
        """Sign a grant that ends *lasting* after *at* (or now)."""
        ends_at = (at or datetime.now(UTC)) + lasting
        command = Grant(ends_at=ends_at, shown=await self.installation.shown(process))
        return self.installation.signed(by, process, command, nonce=nonce, at=at)

    async def deny(self, process: UUID, by: Person = BECKY) -> bytes:
        """Sign a denial."""
        command = Deny(reason="We paint it.", shown=await self.installation.shown(process))
        return self.installation.signed(by, process, command)

    async def change_end(self, process: UUID, lasting: timedelta, by: Person = TOM) -> bytes:
        """Sign a change of the end to *lasting* from now."""
        ends_at = datetime.now(UTC) + lasting
        command = ChangeEnd(ends_at=ends_at, shown=await self.installation.shown(process))
        return self.installation.signed(by, process, command)

    async def send(self, said: bytes) -> str:
        """Give a command through the facade; return its receipt or raise its refusal."""
        return await self.gatehouse.send(KIND, said)

    async def signal(self, process: UUID, name: str, said: bytes) -> None:
        """Send signed bytes as a signal, as the plain temporal CLI does."""
        await self.handle(process).signal(name, as_json(said))

    async def commit(self, process: UUID, said: bytes | None) -> Outcome:
        """Run the door as a Standalone Activity; None is a tick."""
        outcome: Outcome = await self.client.execute_activity(
            "commit",
            Delivery(process=process, said=said, at=datetime.now(UTC)),
            id=f"commit/{uuid4()}",
            task_queue=names.PROCESSES,
            result_type=Outcome,
            start_to_close_timeout=timedelta(
                seconds=10
            ),  # a try that a busy server lost is repeated
            schedule_to_close_timeout=timedelta(seconds=60),
        )
        return outcome

    async def recorded(self, said: bytes) -> Outcome:
        """Wait until a command's outcome is in the database, and return it."""
        signed = parsed(said)
        async with asyncio.timeout(10):
            while True:
                outcome = await self.installation.inbox.outcome(signed.key, signed.nonce)
                if outcome is not None:
                    return outcome
                await asyncio.sleep(0.02)

    def handle(self, process: UUID) -> WorkflowHandle[object, Outcome]:
        """Return the handle of a process's workflow: of whatever run is the latest."""
        workflow = names.workflow_id(KIND, process)
        return self.client.get_workflow_handle(workflow, result_type=Outcome)

    async def ended(self, process: UUID) -> Outcome:
        """Wait until the workflow is done and return its result."""
        return await asyncio.wait_for(self.handle(process).result(), 15)

    async def request(self, process: UUID) -> TenantAccess:
        """Return the stored state."""
        return await self.installation.request(process)

    async def is_open(self, person: Person = CAROLINE, tenant: Tenant = TOM_SAWYER) -> bool:
        """Ask the gate."""
        return (await self.gate.check(person.id, tenant.id)).is_open

    async def audit(self, process: UUID) -> list[AuditEntry]:
        """Return the process's chain, having verified it."""
        trail = Trail(self.installation.engines)
        assert await trail.breaches_of(process) == ()
        return await trail.entries(process)

    async def audited(self, process: UUID) -> list[str]:
        """Return the events of the process's chain."""
        return [one.event for one in await self.audit(process)]

    async def refusals(self, process: UUID) -> int:
        """Return how many refusals were recorded: those with an entry and those only counted."""
        entries = [one for one in await self.audit(process) if one.version is None]
        pending = select(func.coalesce(func.sum(t.refusal.c.left_out), 0))
        async with self.installation.engines.read.connect() as connection:
            found = await connection.execute(pending.where(t.refusal.c.process_id == process))
            since: int = found.scalar_one()
        return len(entries) + sum(one.left_out for one in entries) + since

    async def mails(self, process: UUID) -> list[MailLine]:
        """Return the outbox rows of the process."""
        return await self.installation.inbox.mails(process)

    async def events(self, process: UUID) -> list[HistoryEvent]:
        """Return the history of the latest run."""
        return list((await self.handle(process).fetch_history()).events)

    async def counted(self, process: UUID) -> Counter[str]:
        """Count the events of the latest run by type, such as WORKFLOW_TASK_COMPLETED."""
        return counted(await self.events(process))

    async def sees(self, process: UUID, *types: str) -> None:
        """Wait until Temporal's lists, which lag, show just these as running in its place."""
        query = f"ExecutionStatus = 'Running' AND WorkflowId = '{self.handle(process).id}'"

        async def is_listed() -> bool:
            found = [one.workflow_type async for one in self.client.list_workflows(query)]
            return found == list(types)

        await eventually(is_listed)

    async def broken_tasks(self, process: UUID) -> int:
        """Count the workflow tasks of the latest run that our code failed."""
        return broken_tasks(await self.events(process))

    def reconciler(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Reconciler:
        """Return what starts lost workflows again."""
        return Reconciler(SqlLedger(self.installation.engines), self.client, now)

    async def reconciled(self) -> Reconciled:
        """Start what is lost."""
        return await self.reconciler().run_once()

    @asynccontextmanager
    async def shut_gate(
        self, tenants: Sequence[Tenant] = (TOM_SAWYER,), every: float = 0.01
    ) -> AsyncIterator[None]:
        """Ask the gate over and over while the block lasts: it must open none of the tenants."""
        opened: list[datetime] = []
        rounds = 0

        async def watch() -> None:
            nonlocal rounds
            while True:
                for one in tenants:
                    if await self.is_open(tenant=one):
                        opened.append(datetime.now(UTC))
                rounds += 1
                await asyncio.sleep(every)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        assert watching.cancelled()  # and had not failed before
        assert (rounds > 0, opened) == (True, [])


def as_json(said: bytes) -> RawValue:
    """Return signed bytes as the JSON argument that the CLI and the UI show and send."""
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=said))


def counted(events: Sequence[HistoryEvent]) -> Counter[str]:
    """Count events by type, such as WORKFLOW_TASK_COMPLETED."""
    return Counter(EventType.Name(one.event_type).removeprefix("EVENT_TYPE_") for one in events)


def broken_tasks(events: Sequence[HistoryEvent]) -> int:
    """Count the workflow tasks that our code failed."""
    failed = [one.workflow_task_failed_event_attributes.cause for one in events if is_failed(one)]
    return len([one for one in failed if one not in CAUSED_BY_SERVER])


def is_failed(event: HistoryEvent) -> bool:
    """Whether the event is a failed workflow task, for whatever cause."""
    return event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED


async def eventually(
    holds: Callable[[], Awaitable[bool]], within: float = 60.0, every: float = 0.02
) -> None:
    """Wait until a condition holds. Raises TimeoutError after *within* seconds."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110  # what is waited for happens elsewhere
            await asyncio.sleep(every)


async def until(moment: datetime) -> None:
    """Wait for a moment of the host's clock."""
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


async def is_admitted(client: Client, workflow: str, update: str) -> bool:
    """Whether the server holds this update for the worker that is still to come."""
    from temporalio.api.common.v1 import WorkflowExecution
    from temporalio.api.update.v1 import UpdateRef
    from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
    from temporalio.service import RPCError, RPCStatusCode

    reference = UpdateRef(
        workflow_execution=WorkflowExecution(workflow_id=workflow), update_id=update
    )
    request = PollWorkflowExecutionUpdateRequest(namespace=client.namespace, update_ref=reference)
    try:
        await client.workflow_service.poll_workflow_execution_update(request)
    except RPCError as missing:
        if missing.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def connected(address: str, keys: Path) -> Client:
    """Connect as Gatehouse does, with those keys of payloads."""
    return await Client.connect(address, data_converter=encrypting(KeyRing(keys)))
