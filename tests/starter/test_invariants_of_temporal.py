"""What must always hold between rows and workflows: every open row runs, nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import names
from activities.reconcile import Reconciler
from approvals.checkpoints import Published
from approvals.rules import KINDS
from identity.signing import Ed25519Signatures
from starter.evidence import Evidence
from starter.invariants import CHECKS, check_invariants
from starter.workers import process_worker
from store import tables as t
from store.engine import Engines
from store.ledger import SqlLedger
from tests.every_kind import POLICIES, EveryKind, renderer
from tests.installation import CarriedClock
from tests.workflows.stage import eventually

AT_ONCE = timedelta(0)
TENANT_ACCESS = "tenant_access"


@pytest.fixture
def database() -> str:
    """What is compared does not depend on the database."""
    return "sqlite"


def evidence(engines: Engines, client: Client, maildir: Path | None = None) -> Evidence:
    """Return what the checks may read."""
    signatures = Ed25519Signatures()
    return Evidence(
        engines=engines,
        published=Published(signatures, frozenset()),
        signatures=signatures,
        client=client,
        maildir=maildir,
        renderer=renderer(),
        settling=AT_ONCE,
    )


async def checked(seen: Evidence, number: int) -> list[tuple[UUID | None, str]]:
    """Return what one check finds."""
    others = frozenset(one for one, _, _ in CHECKS) - {number}
    (finding,) = await check_invariants(seen, without=others)
    return [(one.process, one.sentence) for one in finding.breaches]


async def running(client: Client) -> set[UUID | None]:
    """Return the processes whose workflow runs."""
    query = "ExecutionStatus = 'Running'"
    found = [one async for one in client.list_workflows(query) if one.workflow_type in KINDS]
    return {names.process_of(one.id) for one in found}


async def open_rows(engines: Engines) -> set[UUID]:
    """Return the processes that are not closed."""
    query = select(t.process.c.id).where(t.process.c.is_closed.is_(False))
    async with engines.read.connect() as connection:
        return set((await connection.execute(query)).scalars())


async def test_an_installation_of_all_kinds_holds_while_it_works(
    engines: Engines, clock: CarriedClock, client: Client, tmp_path: Path
) -> None:
    life = await EveryKind(engines, clock).lives()
    clock.fixed = None
    door = life.installation.door(policies=POLICIES)
    async with process_worker(client, door):
        await Reconciler(SqlLedger(engines), client).run_once()
        await eventually(lambda: fits(engines, client), within=30)
        await life.mailed(tmp_path / "mail")

        findings = await check_invariants(evidence(engines, client, tmp_path / "mail"))

    assert [one for one in findings if one.breaches] == []
    assert {one.invariant for one in findings if one.skipped} == {4, 10, 17}
    assert len(await open_rows(engines)) > 10


async def fits(engines: Engines, client: Client) -> bool:
    """Whether rows and workflows fit; the server's lists lag a little."""
    return await open_rows(engines) == await running(client)


async def test_an_open_row_without_a_workflow_is_named(
    engines: Engines, clock: CarriedClock, client: Client
) -> None:
    life = EveryKind(engines, clock)
    await life.signs_in()
    pending = await life.requested("pending")
    clock.fixed = None

    said = await checked(evidence(engines, client), 9)

    assert (pending, "it is open, and no workflow runs.") in said


async def test_a_workflow_of_a_closed_row_is_named(
    engines: Engines, clock: CarriedClock, client: Client
) -> None:
    life = EveryKind(engines, clock)
    await life.signs_in()
    process = await life.requested("closed")
    clock.fixed = None
    async with engines.write.begin() as connection:
        mine = t.process.c.id == process
        await connection.execute(update(t.process).where(mine).values(is_closed=True))
    stranger = uuid4()
    for one in (process, stranger):
        await started(client, one)

    said = await checked(evidence(engines, client), 9)

    assert (process, "a workflow runs without need.") in said
    assert (stranger, "a workflow runs without need.") in said


async def test_a_workflow_that_fails_at_the_same_task_is_named(
    engines: Engines, client: Client
) -> None:
    process = uuid4()
    async with strange_worker(client, Stumbling):
        await started(client, process)
        handle = client.get_workflow_handle(names.workflow_id(TENANT_ACCESS, process))

        async def has_failed() -> bool:
            raw = (await handle.describe()).raw_description
            return raw.pending_workflow_task.attempt >= 3

        await eventually(has_failed, within=30)
        said = await checked(evidence(engines, client), 15)

    assert said == [(process, f"workflow {handle.id} fails at the same task again and again.")]


async def test_a_history_that_our_code_did_not_write_is_named(
    engines: Engines, client: Client
) -> None:
    process = uuid4()
    async with strange_worker(client, Sleeping):
        await started(client, process)
        handle = client.get_workflow_handle(names.workflow_id(TENANT_ACCESS, process))
        await asyncio.wait_for(handle.result(), 20)

        async def is_listed() -> bool:
            return [one.id async for one in client.list_workflows()] == [handle.id]

        await eventually(is_listed)
        said = await checked(evidence(engines, client), 16)

    assert [process for process, _ in said] == [process]
    assert "does not replay" in said[0][1]


async def started(client: Client, process: UUID) -> None:
    """Start a workflow of a request, and wait until the server's lists show it."""
    workflow_id = names.workflow_id(TENANT_ACCESS, process)
    await client.start_workflow(TENANT_ACCESS, id=workflow_id, task_queue=names.PROCESSES)

    async def is_listed() -> bool:
        return workflow_id in [one.id async for one in client.list_workflows()]

    await eventually(is_listed)


@asynccontextmanager
async def strange_worker(client: Client, code: type[Any]) -> AsyncIterator[None]:
    """Run somebody else's code under our names."""
    runner = UnsandboxedWorkflowRunner()
    queue = names.PROCESSES
    async with Worker(client, task_queue=queue, workflows=[code], workflow_runner=runner):
        yield


@workflow.defn(name=TENANT_ACCESS)
class Stumbling:
    """Fails its first task for ever."""

    @workflow.run
    async def run(self, start: RawValue = names.NOTHING) -> None:
        raise RuntimeError("stumbled")


@workflow.defn(name=TENANT_ACCESS)
class Sleeping:
    """Does something that no code of ours does."""

    @workflow.run
    async def run(self, start: RawValue = names.NOTHING) -> None:
        await asyncio.sleep(0.01)
