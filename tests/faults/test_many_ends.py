"""Thousands of accesses that end at one instant: the gate is shut then, and each is recorded."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from temporalio.client import Client

from activities.reconcile import Reconciler
from approvals.people import Directory, Role, RoleAssignment, Tenant
from approvals.tenant_access.commands import Grant
from approvals.tenant_access.record import process_id_of
from store import tables as t
from store.engine import Engines
from store.gate import SqlGate
from store.ledger import SqlLedger
from tests.factories import CAROLINE, ELIZABETH, MINUTE, TOM, TOM_SAWYER, make_id, make_submit
from tests.faults.plan import FULL, PEOPLE, FaultPlan, fault, fits
from tests.installation import CarriedClock, Installation, commit, write_directory
from tests.workflows.stage import QUICK, eventually, until

PATIENCE = 3600.0 if FULL else 60.0
SECOND = timedelta(seconds=1)
EACH = timedelta(milliseconds=45)  # in which one is granted, and its workflow waits for the end


@pytest.fixture
def database() -> str:
    """What ends is told by Temporal; the databases are compared at the door."""
    return "sqlite"


@pytest.fixture
def clock() -> CarriedClock | None:
    """The shipped clocks."""
    return None


@fault("R11", "thousands of ends at one instant")
async def test_access_that_ends_for_many_at_one_instant_ends_then(
    plan: FaultPlan, installation: Installation, client: Client
) -> None:
    engines = installation.engines
    count = plan.times(20, 10_000)
    tenants = await crowd(installation, min(count, 100))
    ends_at = datetime.now(UTC) + 5 * SECOND + count * EACH
    door = installation.door(policies=QUICK)
    for one in itertools.islice(itertools.cycle(tenants), count):
        batch = uuid4()
        process = process_id_of(batch, one.slug)
        submit = make_submit(one, batch=batch)
        await commit(door, process, installation.signed(ELIZABETH, process, submit))
        grant = Grant(ends_at=ends_at, shown=await installation.shown(process))
        granted = await commit(door, process, installation.signed(TOM, process, grant))
        assert granted.refusal is None

    async with installation.working(client, policies=QUICK):
        started = await Reconciler(SqlLedger(engines), client).run_once()
        assert (started.open, started.started) == (count, count)
        assert datetime.now(UTC) < ends_at
        assert await are_open(engines, tenants) == len(tenants)
        await until(ends_at)
        async with shut(engines, tenants):

            async def is_over() -> bool:
                left = select(func.count()).where(t.process.c.status != "expired")
                async with engines.read.connect() as connection:
                    return (await connection.execute(left)).scalar_one() == 0

            await eventually(is_over, within=PATIENCE, every=0.2)
            await eventually(partial(fits, engines, client), within=PATIENCE, every=1)
    plan.tries(count)
    async with engines.read.connect() as connection:
        closed = (await connection.execute(select(t.access_grant.c.closed_at))).scalars().all()
    plan.lags += [(one - ends_at).total_seconds() for one in closed]

    plan.notes([f"closed {-one} s early" for one in plan.lags if one < 0])
    await plan.holds(engines, client=client, settling=MINUTE, canaries=PEOPLE)


async def crowd(installation: Installation, count: int) -> list[Tenant]:
    """Write so many tenants of one customer, all with the same admin."""
    tenants = [
        TOM_SAWYER.model_copy(update={"id": make_id(f"fence.{number}"), "slug": f"fence-{number}"})
        for number in range(count)
    ]
    admin = [RoleAssignment(person=TOM.id, role=Role.TENANT_ADMIN, scope=one.id) for one in tenants]
    async with installation.engines.write.begin() as connection:
        await write_directory(connection, Directory(tenants=tuple(tenants), roles=tuple(admin)))
    return tenants


async def are_open(engines: Engines, tenants: Sequence[Tenant]) -> int:
    """Return into how many of the tenants the gate lets Caroline."""
    gate = SqlGate(engines)
    return sum([(await gate.check(CAROLINE.id, one.id)).is_open for one in tenants])


@asynccontextmanager
async def shut(engines: Engines, tenants: Sequence[Tenant]) -> AsyncIterator[None]:
    """Ask the gate over and over while the block lasts: it must open none of the tenants."""
    opened = 0

    async def watch() -> None:
        nonlocal opened
        while True:
            opened += await are_open(engines, tenants)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    assert opened == 0
