"""Races at the one door, from several workers: one winner, and no right outlives its end."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals import rules
from approvals.commands import Command
from approvals.delivery import Outcome
from approvals.people import Person
from approvals.policy import Policies, Policy
from approvals.tenant_access.commands import Deny, Grant, Withdraw
from approvals.tenant_access.record import process_id_of
from identity.signing import fresh_nonce
from store import tables as t
from store.engine import Engines
from store.ledger import SqlLedger
from tests.factories import (
    BECKY,
    ELIZABETH,
    HUNDRED_ACRE,
    JANE,
    MS,
    START,
    TOM,
    TOM_SAWYER,
    make_signed,
    make_submit,
)
from tests.installation import CarriedClock, Installation, key_id
from tests.racing import Creeping, beside
from tests.store.rows import rows_of
from tests.stored_life import END, StoredLife, code_of, kept

TRIALS = 6
RACERS = 24
QUIET = Policies(default=Policy(reminders=False))


@pytest.fixture
def clock() -> Creeping:
    """The clock of all workers; it stands still at START until a test moves it."""
    return Creeping()


@pytest.fixture
async def workers(
    installation: Installation, clock: Creeping, database_url: URL
) -> AsyncIterator[list[Installation]]:
    """Three workers with connections of their own to one database."""
    async with beside(installation, clock, database_url, 3) as found:
        yield found


def lives(workers: list[Installation], clock: CarriedClock, process: UUID) -> list[StoredLife]:
    """Return one process as each worker sees it."""
    return [StoredLife(one, clock, QUIET, process=process) for one in workers]


async def test_of_twenty_four_racers_around_due_at_one_wins(
    workers: list[Installation], clock: Creeping
) -> None:
    chance = random.Random(24)

    ends = [await _raced(workers, clock, chance) for _ in range(TRIALS)]

    assert set(ends) <= {"granted", "denied", "withdrawn", "lapsed"}
    await kept(workers[0].engines)


async def _raced(workers: list[Installation], clock: Creeping, chance: random.Random) -> str:
    batch = uuid4()
    clock.fixed, clock.step = START, timedelta(0)
    seen = lives(workers, clock, process_id_of(batch, TOM_SAWYER.slug))
    await seen[0].says(ELIZABETH, make_submit(batch=batch))
    due_at = (await seen[0].request()).due_at
    clock.fixed, clock.step = due_at - chance.choice([0, 4, 12, 30]) * MS, MS
    wishes: list[tuple[Person, Command]] = [
        *((who, Grant(no_end=True)) for who in (TOM, BECKY) * 4),
        *((who, Deny(reason="No.")) for who in (TOM, BECKY) * 4),
        *((who, Withdraw()) for who in (ELIZABETH, JANE) * 2),
    ]
    said: list[bytes | None] = [await seen[0].signed(*one) for one in wishes]
    said += [None] * (RACERS - len(said))
    chance.shuffle(said)

    answers = await asyncio.gather(*(chance.choice(seen).hears(one) for one in said))

    clock.step = timedelta(0)
    state = await seen[0].request()
    decisions = [one for one, what in zip(answers, said, strict=True) if what is not None]
    accepted = [one.status for one in decisions if one.refusal is None]
    end = state.status.value
    if end == "pending":  # all ticks came too early, and then all decisions too late
        end = (await seen[0].ticks()).status
    assert accepted == ([] if end == "lapsed" else [end])
    assert {code_of(one) for one in decisions} <= {None, "already_decided", "too_late"}
    assert len([version for version, _ in await seen[0].audit() if version]) == 2
    return end


async def test_the_same_bytes_from_all_sides_at_once_have_one_effect_and_one_answer(
    workers: list[Installation], clock: CarriedClock, life: StoredLife
) -> None:
    await life.submitted()
    said = await life.signed(TOM, Grant(ends_at=END))
    seen = lives(workers, clock, life.process)

    answers = await asyncio.gather(*(seen[turn % 3].hears(said) for turn in range(RACERS)))

    assert answers == [answers[0]] * RACERS
    assert await life.audit() == [(1, "submitted"), (2, "granted")]


async def test_one_nonce_for_two_processes_at_once_counts_for_one_of_them(
    workers: list[Installation], clock: CarriedClock
) -> None:
    batch, nonce = uuid4(), fresh_nonce()
    both = [
        lives(workers, clock, process_id_of(batch, one.slug))[turn]
        for turn, one in enumerate((TOM_SAWYER, HUNDRED_ACRE))
    ]
    said = [
        await one.signed(ELIZABETH, make_submit(tenant, batch=batch), nonce=nonce)
        for one, tenant in zip(both, (TOM_SAWYER, HUNDRED_ACRE), strict=True)
    ]

    async def delivered(life: StoredLife, message: bytes) -> Outcome:
        try:
            return await life.hears(message)
        except IntegrityError:  # the database's own net; Temporal tries again
            return await life.hears(message)

    answers = await asyncio.gather(*map(delivered, both, said))

    assert {code_of(one) for one in answers} == {None, "nonce_reused"}
    assert len(await rows_of(workers[0].engines, "process")) == 1


Taking = Callable[[AsyncConnection], Awaitable[object]]


async def role_lost(connection: AsyncConnection) -> None:
    """Take Tom's roles away."""
    roles = t.role_assignment
    await connection.execute(delete(roles).where(roles.c.person_id == TOM.id))


async def person_disabled(connection: AsyncConnection) -> None:
    """Take Tom out of use."""
    person = t.person
    await connection.execute(update(person).where(person.c.id == TOM.id).values(is_active=False))


async def key_revoked(connection: AsyncConnection) -> None:
    """End Tom's key."""
    key = t.key
    await connection.execute(update(key).where(key.c.id == key_id(TOM)).values(revoked_at=START))


TAKEN = pytest.mark.parametrize("taken", [role_lost, person_disabled, key_revoked])


@TAKEN
async def test_a_right_cannot_be_taken_away_in_the_middle_of_a_decision(
    workers: list[Installation], life: StoredLife, taken: Taking
) -> None:
    await life.submitted()
    owner = workers[1].engines
    order = []

    async def take() -> None:
        async with owner.write.begin() as connection:
            await taken(connection)
            order.append("taken")

    async with SqlLedger(life.engines).locked(life.process, START) as row:
        signed = make_signed(Withdraw(), TOM)
        await row.key(key_id(TOM))
        await row.directory(rules.needed(row.state, signed))
        taking = asyncio.create_task(take())
        await asyncio.sleep(0.1)
        order.append("decided")
    await taking

    assert order == ["decided", "taken"]


@TAKEN
async def test_a_decision_that_waits_for_a_right_being_taken_away_is_refused(
    workers: list[Installation], life: StoredLife, taken: Taking
) -> None:
    await life.submitted()
    async with workers[1].engines.write.begin() as connection:
        await taken(connection)
        deciding = asyncio.create_task(life.says(TOM, Grant(ends_at=END)))
        await asyncio.sleep(0.1)

    outcome = await deciding

    assert code_of(outcome) in ("key_refused", "not_found")
    assert (await life.request()).status == "pending"


async def test_every_accepted_decision_precedes_the_loss_of_the_role(
    workers: list[Installation], clock: CarriedClock
) -> None:
    chance = random.Random(4)
    for _ in range(2 * TRIALS):
        batch = uuid4()
        seen = lives(workers, clock, process_id_of(batch, TOM_SAWYER.slug))
        await seen[0].says(ELIZABETH, make_submit(batch=batch))
        said = await seen[0].signed(TOM, Grant(no_end=True))
        delay = chance.uniform(0, 0.012)

        outcome, at_loss = await asyncio.gather(
            seen[0].hears(said), _lost_after(delay, workers[1].engines, seen[0].process)
        )

        assert (outcome.refusal is None) == (at_loss == "granted")
        await _given_back(workers[1].engines)


async def _lost_after(delay: float, engines: Engines, process: UUID) -> str:
    """Take the role away, and return the request's status as it was at that moment."""
    await asyncio.sleep(delay)
    async with engines.write.begin() as connection:
        await role_lost(connection)
        status = select(t.process.c.status).where(t.process.c.id == process)
        return str((await connection.execute(status)).scalar_one())


async def _given_back(engines: Engines) -> None:
    async with engines.write.begin() as connection:
        await connection.execute(
            t.role_assignment.insert().values(
                person_id=TOM.id, role="tenant_admin", scope_id=TOM_SAWYER.id
            )
        )
