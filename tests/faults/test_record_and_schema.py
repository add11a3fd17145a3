"""Faults of what is stored: a record checked while it grows, a schema that goes back and forth."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import insert, text, update

from approvals.audit import GENESIS, AuditEntry
from approvals.tenant_access.commands import Grant
from approvals.tenant_access.record import process_id_of
from store import tables as t
from store.engine import Engines
from store.schema import configured, upgrade
from store.trail import Trail
from tests.every_kind import EveryKind
from tests.factories import DAY, ELIZABETH, TOM, TOM_SAWYER, make_submit
from tests.faults.plan import FaultPlan, fault
from tests.installation import CarriedClock, Installation
from tests.store.rows import digest_of
from tests.stored_life import StoredLife

CHAIN = 100  # entries of each chain that is written in bulk
BEFORE_PORTAL = "0003"  # the last revision whose tables processes need


@pytest.fixture
def clock() -> CarriedClock:
    """The clock of those who write meanwhile."""
    moving = CarriedClock()
    moving.fixed = datetime.now(UTC)
    return moving


@fault("R25", "a long record verified while it is written, and one changed letter in it")
@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_long_record_is_verified_while_it_grows_and_one_change_is_found(
    plan: FaultPlan, installation: Installation, clock: CarriedClock
) -> None:
    engines = installation.engines
    chains = await grown(engines, plan.times(1_000, 1_000_000))
    writing = asyncio.create_task(wrote(installation, clock, plan.times(3, 200)))

    begun = asyncio.get_running_loop().time()
    found = [one async for one in judged(engines)]
    seconds = asyncio.get_running_loop().time() - begun
    await writing

    assert found == []
    plan.tries(chains * CHAIN)
    plan.about += f", verified in {seconds:.0f} s"
    await plan.holds(engines)
    async with engines.write.begin() as connection:
        await connection.execute(text("DROP TRIGGER audit_no_update"))
        changed = (t.audit.c.seq == 50) & (t.audit.c.reason == f"chain {chains // 2}")
        await connection.execute(update(t.audit).where(changed).values(reason="chain O"))
    assert [sentence async for sentence in judged(engines)] != []


async def grown(engines: Engines, entries: int) -> int:
    """Write chains of refusals in bulk; return how many."""
    at = datetime.now(UTC) - timedelta(days=1)
    for number in range(entries // CHAIN):
        process, previous, rows = uuid4(), GENESIS, []
        for seq in range(1, CHAIN + 1):
            entry = AuditEntry(
                process=process, seq=seq, version=None, at=at, actor=process, channel="cli",
                key=process, nonce="n" * 22, command="c" * 64, event="refused.not_found",
                reason=f"chain {number}", state=None, previous=previous,
            ).sealed()  # fmt: skip
            previous = entry.hash
            columns = {"process": "process_id", "actor": "actor_id", "key": "key_id"}
            rows.append({columns.get(name, name): value for name, value in dict(entry).items()})
        async with engines.write.begin() as connection:
            await connection.execute(insert(t.audit), rows)
    return entries // CHAIN


async def judged(engines: Engines) -> AsyncIterator[str]:
    """Yield what is wrong with all chains."""
    async for _, _, breaches in Trail(engines).all_breaches():
        for one in breaches:
            yield one


async def wrote(installation: Installation, clock: CarriedClock, count: int) -> None:
    """Let requests be sent and granted meanwhile."""
    for _ in range(count):
        batch = uuid4()
        life = StoredLife(installation, clock, process=process_id_of(batch, TOM_SAWYER.slug))
        await life.says(ELIZABETH, make_submit(batch=batch))
        await life.says(TOM, Grant(ends_at=life.now + DAY))


@fault("R24", "the schema taken back and forth under open processes of all kinds")
async def test_open_processes_survive_the_schema_going_back_and_forth(
    plan: FaultPlan, engines: Engines, clock: CarriedClock
) -> None:
    life = await EveryKind(engines, clock).lives()
    before = await digest_of(engines)

    for _ in range(plan.times(1, 4)):
        async with engines.write.begin() as connection:
            await connection.run_sync(lambda c: command.downgrade(configured(c), BEFORE_PORTAL))
        await upgrade(engines)
        plan.tries()

    assert await digest_of(engines) == before
    await plan.holds(engines)
    life.waits(timedelta(seconds=1))
    await life.requested("afterwards")
    await plan.holds(engines)
