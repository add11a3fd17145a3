"""A customer is switched off while its people come in: after that instant nobody is in."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL

from approvals.customer_access.commands import BeginSession, Disable
from approvals.tenant_access.commands import Grant
from store import tables as t
from store.engine import connect
from store.gate import SqlGate
from tests.factories import (
    CAROLINE,
    CLASSICS,
    ELIZABETH,
    JANE,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    make_submit,
)
from tests.installation import CarriedClock, Installation
from tests.stored_life import END, StoredLife, code_of, kept
from tests.switching import ON, SWITCH, accepting, fill
from tests.workflows.stage import on_both_databases

TRIALS = 10


@pytest.fixture
async def beside(
    installation: Installation, clock: CarriedClock, database_url: URL
) -> AsyncIterator[Installation]:
    """A second worker, with connections of its own to the same database."""
    clock.fixed = START
    await fill(installation.engines)
    other = Installation(connect(database_url, clock))
    other.keys = installation.keys
    yield other
    await other.engines.close()


@on_both_databases
async def test_nobody_is_let_in_after_the_switch_went_off(
    installation: Installation, beside: Installation, clock: CarriedClock
) -> None:
    chance = random.Random(41)
    here = StoredLife(installation, clock, process=SWITCH)
    there = StoredLife(beside, clock, process=SWITCH)
    gate = SqlGate(installation.engines)
    await here.says(JANE, ON)
    await here.says(TOM, accepting())

    for _ in range(TRIALS):
        entering = [await there.signed(TOM, BeginSession()) for _ in range(4)]
        off = await here.signed(JANE, Disable())
        said = [(there, one) for one in entering]
        said.insert(chance.randrange(5), (here, off))

        answers = await asyncio.gather(*(life.hears(one) for life, one in said))

        assert [
            one.refusal for (_, what), one in zip(said, answers, strict=True) if what == off
        ] == [None]
        assert not (await gate.check_platform(TOM.id, CLASSICS.id)).is_open
        assert not (await gate.check_platform(TOM.id, CLASSICS.id, in_session=True)).is_open
        late = await there.says(TOM, BeginSession())
        assert late.refusal is not None
        assert (await here.says(JANE, ON)).refusal is None

    await kept(installation.engines)


@on_both_databases
async def test_a_grant_and_a_tenant_that_is_turned_off_leave_nobody_inside(
    installation: Installation, beside: Installation, clock: CarriedClock
) -> None:
    life = StoredLife(installation, clock, process=PROCESS)
    gate = SqlGate(beside.engines)
    await life.says(ELIZABETH, make_submit())
    said = await life.signed(TOM, Grant(ends_at=END))

    outcome, _ = await asyncio.gather(
        life.hears(said), StoredLife(beside, clock).set("tenant", TOM_SAWYER.id, is_on=False)
    )

    async with beside.engines.read.connect() as connection:
        row = (
            await connection.execute(select(t.tenant).where(t.tenant.c.id == TOM_SAWYER.id))
        ).one()
    assert row.is_on is False
    assert not (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
    assert code_of(outcome) in (None, "not_found")
