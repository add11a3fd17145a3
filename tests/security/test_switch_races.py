"""A customer is switched off while its people come in: after that instant nobody is in."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL

from approvals.commands import Command
from approvals.customer_access.commands import BeginSession, Disable
from approvals.customer_access.record import KIND
from approvals.people import Person
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
from tests.installation import CarriedClock, Installation, write_directory
from tests.portal.site import Browser, Site
from tests.security.ways import WAYS, answered, events, posted
from tests.stored_life import END, StoredLife, code_of, kept
from tests.switching import ON, SWITCH, SWITCHING, accepting, fill
from tests.workflows.stage import on_both_databases

TRIALS, ROUNDS = 10, 2


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


@pytest.fixture
async def switched(site: Site) -> Site:
    """A portal and workers, where Jane has let Tom's customer in and Tom has agreed to it."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    assert site.parts.temporal is not None
    gatehouse = site.installation.gatehouse(site.parts.temporal)
    await gatehouse.submit(KIND, site.installation.signed(JANE, SWITCH, ON), CLASSICS.id)
    await gatehouse.send(KIND, site.installation.signed(TOM, SWITCH, accepting()))
    return site


@on_both_databases
async def test_nobody_is_let_in_by_any_way_after_the_switch_went_off(switched: Site) -> None:
    chance = random.Random(41)
    jane, tom = await switched.signed_in(JANE), await switched.signed_in(TOM)
    gate, inside = SqlGate(switched.installation.engines), 0

    async def says(who: Person, browser: Browser, command: Command, way: str) -> None:
        if way == "form":
            status = await posted(switched, browser, f"/customers/{SWITCH}/{command.kind}")
            assert status in (303, 409)
            return
        said = switched.installation.signed(who, SWITCH, command)
        await answered(switched, who, SWITCH, said, way, KIND)

    for off_by in WAYS * ROUNDS:
        before = await events(switched, SWITCH)
        said = [says(TOM, tom, BeginSession(), way) for way in WAYS * 2]
        said.insert(chance.randrange(len(said) + 1), says(JANE, jane, Disable(), off_by))

        await asyncio.gather(*said)

        new = (await events(switched, SWITCH))[len(before) :]
        assert new.count("disabled") == 1
        late = new[new.index("disabled") + 1 :]
        assert all(one.startswith("refused.") for one in late), late
        inside += new.count("session_begun")
        assert not (await gate.check_platform(TOM.id, CLASSICS.id)).is_open
        assert not (await gate.check_platform(TOM.id, CLASSICS.id, in_session=True)).is_open
        await says(JANE, jane, ON, "update")

    assert inside > 0  # or it was no race
    await kept(switched.installation.engines)


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
