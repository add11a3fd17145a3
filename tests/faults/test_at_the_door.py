"""Faults at the one door: races, lost answers, repeats, moved clocks, many writers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.engine import URL

from activities.commit import CommitActivities
from approvals.commands import Command
from approvals.delivery import Outcome
from approvals.people import Person
from approvals.policy import Policies, Policy
from approvals.ports import LockedRow
from approvals.tenant_access.commands import ChangeEnd, Deny, Grant, Revoke, Withdraw
from approvals.tenant_access.record import TenantAccess, process_id_of
from identity.signing import Ed25519Signatures
from starter.evidence import Call
from store import tables as t
from store.engine import Engines
from store.gate import SqlGate
from store.ledger import SqlLedger
from tests.every_kind import EveryKind, renderer
from tests.factories import (
    BECKY,
    CAROLINE,
    DAY,
    ELIZABETH,
    HOUR,
    JANE,
    MINUTE,
    MS,
    START,
    TOM,
    TOM_SAWYER,
    make_submit,
    parsed,
)
from tests.faults.plan import FaultPlan, fault
from tests.installation import CODES, CarriedClock, Installation, NoMailQueue
from tests.racing import Creeping, beside
from tests.store.rows import digest_of, rows_of
from tests.stored_life import StoredLife

RACERS = 24
SECOND = timedelta(seconds=1)
QUIET = Policies(default=Policy(reminders=False, shortest_access=MS, longest_access=900 * DAY))


@pytest.fixture
def clock() -> Creeping:
    """The clock of all workers; it stands still at START until a test moves it."""
    return Creeping()


@pytest.fixture
async def workers(
    installation: Installation, clock: Creeping, database_url: URL
) -> AsyncIterator[list[Installation]]:
    """Four workers with connections of their own to one database."""
    async with beside(installation, clock, database_url, 4) as found:
        yield found


def new_life(installation: Installation, clock: CarriedClock) -> tuple[UUID, StoredLife]:
    """Return a request that nobody has sent yet, and its batch."""
    batch = uuid4()
    process = process_id_of(batch, TOM_SAWYER.slug)
    return batch, StoredLife(installation, clock, QUIET, process=process)


def door(ledger: SqlLedger) -> CommitActivities:
    """Return the one door with a ledger of the test's own."""
    return CommitActivities(ledger, Ed25519Signatures(), CODES, NoMailQueue(), QUIET)


@fault("R10", "24 racers around the end of the window")
async def test_of_racers_one_wins_and_the_order_is_one_that_callers_saw(
    plan: FaultPlan, workers: list[Installation], clock: Creeping
) -> None:
    calls: list[Call] = []

    for _ in range(plan.times(3, 400)):
        offset = plan.chance.choice([-30, -12, -4, -1, 0, 1])
        calls += await _raced(plan, workers, clock, offset * MS)
        plan.tries(RACERS)

    clock.step = timedelta(0)
    await plan.holds(workers[0].engines, calls=tuple(calls))
    assert (plan.tried > 0, len(calls) > 0) == (True, True)


async def _raced(
    plan: FaultPlan,
    workers: list[Installation],
    clock: Creeping,
    offset: timedelta,
    ledger: type[SqlLedger] = SqlLedger,
) -> list[Call]:
    clock.fixed, clock.step = START, timedelta(0)
    batch, first = new_life(workers[0], clock)
    await first.says(ELIZABETH, make_submit(batch=batch))
    due_at = (await first.request()).due_at
    clock.fixed, clock.step = due_at + offset, MS
    wishes: list[tuple[Person, Command]] = [
        *((who, Grant(ends_at=due_at + DAY)) for who in (TOM, BECKY) * 4),
        *((who, Deny(reason="No.")) for who in (TOM, BECKY) * 3),
        *((who, Withdraw()) for who in (ELIZABETH, JANE) * 2),
        *((TOM, Revoke(reason="After all.")) for _ in range(2)),
    ]
    said: list[bytes | None] = [await first.signed(*one) for one in wishes]
    said += [None] * (RACERS - len(said))
    plan.chance.shuffle(said)
    seen = [StoredLife(one, clock, QUIET, process=first.process) for one in workers]
    for life in seen:
        life.door = door(ledger(life.engines))
    return [
        one
        for one in await asyncio.gather(
            *(called(plan.chance.choice(seen), what, plan.chance.random() < 0.3) for what in said)
        )
        if one is not None
    ]


async def called(life: StoredLife, said: bytes | None, by_signal: bool) -> Call | None:
    """Deliver, and return how it looked to the caller, if it was taken."""
    loop = asyncio.get_running_loop()
    sent_at = loop.time()
    outcome = await life.hears(said, by_signal=by_signal and said is not None)
    if said is None or outcome.refusal is not None:
        return None
    signed = parsed(said)
    assert outcome.receipt is not None
    return Call(
        process=life.process,
        key=signed.key,
        nonce=signed.nonce,
        receipt=outcome.receipt,
        version=outcome.version,
        sent_at=sent_at,
        answered_at=loop.time(),
    )


class Nostalgic(SqlLedger):
    """A ledger with a fault: it shows each decider the state that the first of them saw."""

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[LockedRow]:
        async with super().locked(process, at) as row:
            yield cast(LockedRow, _Old(row))


class _Old:
    """A locked row under the present version, and otherwise as it was for the first decider."""

    first: ClassVar[dict[UUID, TenantAccess]] = {}

    def __init__(self, row: LockedRow) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    @property
    def state(self) -> TenantAccess | None:
        now = self._row.state
        if not isinstance(now, TenantAccess):
            return None
        return self.first.setdefault(now.process_id, now).model_copy(
            update={"version": now.version}
        )


@fault("R10", "a rule broken on purpose, which the checks must see")
async def test_racers_under_a_ledger_that_lets_two_of_them_win_are_found_out(
    plan: FaultPlan, workers: list[Installation], clock: Creeping
) -> None:
    calls = await _raced(plan, workers, clock, -SECOND, Nostalgic)
    clock.step = timedelta(0)

    with pytest.raises(AssertionError, match=r"I3 .* it was decided on twice\."):
        await plan.holds(workers[0].engines, calls=tuple(calls))

    plan.breaches.clear()
    plan.tries()


class Forgetful(SqlLedger):
    """Loses answers: before the commit, which then has not happened, or after it."""

    def __init__(self, engines: Engines, plan: FaultPlan, rate: float) -> None:
        super().__init__(engines)
        self._plan, self._rate = plan, rate

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[LockedRow]:
        async with super().locked(process, at) as row:
            yield row
            self._fails("before")
        self._fails("after")

    def _fails(self, when: str) -> None:
        if self._plan.chance.random() < self._rate:
            self._plan.tries()
            raise TimeoutError(f"lost {when} the commit")


@fault("R6", "answers lost before and after the commit, one in ten")
async def test_whoever_lost_an_answer_asks_again_and_gets_it(
    plan: FaultPlan, installation: Installation, clock: Creeping
) -> None:
    ledger = Forgetful(installation.engines, plan, 0.1)
    calls: list[Call] = []

    for _ in range(plan.times(5, 500)):
        batch, life = new_life(installation, clock)
        life.door = door(ledger)
        for by, command in (
            (ELIZABETH, make_submit(batch=batch)),
            (TOM, Grant(ends_at=START + DAY)),
            (TOM, ChangeEnd(ends_at=START + HOUR)),
            (BECKY, Revoke(reason="Enough.")),
        ):
            calls.append(await _insisted(life, await life.signed(by, command)))
        events = [event for _, event in await life.audit()]
        plan.notes([] if events == ["submitted", "granted", "end_changed", "revoked"] else events)
        plan.is_warm()

    await plan.holds(installation.engines, calls=tuple(calls))
    assert plan.tried > 0  # some answers were lost


async def _insisted(life: StoredLife, said: bytes) -> Call:
    """Say the same until somebody answers."""
    while True:
        try:
            call = await called(life, said, by_signal=False)
        except TimeoutError:
            continue
        assert call is not None
        return call


class Doubled(EveryKind):
    """A life in which every message comes twice: in a row, or at once."""

    at_once = False

    async def hears(self, said: bytes | None, **more: Any) -> Outcome:
        if self.at_once:
            first, second = await asyncio.gather(
                super().hears(said, **more), super().hears(said, **more)
            )
        else:
            first = await super().hears(said, **more)
            second = await super().hears(said, **more)
        assert said is None or first.refusal == second.refusal
        return first

    async def story(self) -> dict[str, list[str]]:
        """Return what was done in each process, without refusals, by its name."""
        found = {}
        for name, process in self.named.items():
            entries = await self.trail.entries(process)
            found[name] = [one.event for one in entries if one.version is not None]
        return found


@fault("R8", "every message twice: in a row, at once, and once more at the end")
@pytest.mark.parametrize("at_once", [False, True], ids=["in a row", "at once"])
async def test_a_life_in_which_everything_comes_twice_is_the_same_life(
    plan: FaultPlan, engines: Engines, clock: Creeping, tmp_path: Path, at_once: bool
) -> None:
    life = Doubled(engines, clock)
    life.at_once = at_once
    await life.lives()
    maildir = tmp_path / "mail"
    both = [life.mailed(maildir) for _ in range(2)]
    await asyncio.gather(*both, return_exceptions=True)  # one waits for what the other sends
    await life.mailed(maildir)
    before = await digest_of(engines)
    for row in await rows_of(engines, "command"):
        if row["body"] is not None:  # a late first attempt, after a good second one
            message = f'{row["body"][:-1]},"signature":"{row["signature"]}"}}'.encode()
            await life.hears(message, process=row["process_id"])
            plan.tries()

    after = await digest_of(engines)

    assert before == after
    assert (await life.story())["granted"] == ["submitted", "granted", "session_begun"]
    await plan.holds(engines, is_mailed=True, maildir=maildir, renderer=renderer())


JUMPS = (SECOND, -SECOND, 90 * SECOND, -90 * SECOND, HOUR, -HOUR, 400 * DAY, -400 * DAY)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC")


@fault("R12", "clocks that jump, back over the end too")
async def test_no_jump_of_a_clock_opens_what_has_ended(
    plan: FaultPlan, installation: Installation, clock: Creeping
) -> None:
    gate = SqlGate(installation.engines)
    wrong: list[str] = []

    for _ in range(plan.times(4, 80)):
        clock.fixed = START
        batch, life = new_life(installation, clock)
        end = START + plan.chance.choice([MINUTE, HOUR, 30 * DAY])
        await life.says(ELIZABETH, make_submit(batch=batch))
        await life.says(TOM, Grant(ends_at=end))
        for jump in plan.chance.sample(JUMPS, len(JUMPS)):
            life.waits(jump)
            plan.tries()
            was_closed = (await life.row())["is_closed"]
            answer = await gate.check(CAROLINE.id, TOM_SAWYER.id)
            if answer.is_open and answer.process == life.process:
                wrong += [f"open at {life.now}"] if was_closed or life.now >= end else []
            await life.ticks()
        clock.fixed = end
        await life.ticks()
        clock.fixed = START
        if (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open:
            wrong.append("it opened again")
        plan.is_warm()

    plan.notes(wrong)
    await plan.holds(installation.engines)
    assert plan.tried > 0


@fault("R12", "ends in both nights in which clocks change")
async def test_access_ends_on_the_instant_in_the_nights_in_which_clocks_change(
    plan: FaultPlan, installation: Installation, clock: Creeping
) -> None:
    gate = SqlGate(installation.engines)
    wrong: list[str] = []
    hours = range(5) if plan.times(0, 1) else (2,)

    for zone in ZONES:
        for day in (datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2028, 2, 29)):  # noqa: DTZ001  # local
            for hour in hours:
                for fold in (0, 1):
                    local = day.replace(hour=hour, tzinfo=ZoneInfo(zone), fold=fold)
                    end = local.astimezone(UTC)
                    clock.fixed = end - 30 * DAY
                    batch, life = new_life(installation, clock)
                    await life.says(ELIZABETH, make_submit(batch=batch))
                    await life.says(TOM, Grant(ends_at=end))
                    clock.fixed = end - MS
                    is_open = (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
                    clock.fixed = end
                    is_shut = not (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
                    await life.ticks()
                    wrong += [] if is_open and is_shut else [f"{local.isoformat()}"]
                    plan.tries()

    plan.notes(wrong)
    await plan.holds(installation.engines)
    assert plan.tried > 0


@fault("R20", "forty writers at once")
async def test_of_forty_writers_none_loses_an_increment(
    plan: FaultPlan, workers: list[Installation]
) -> None:
    row = {"process_id": process_id_of(uuid4(), "x"), "code": "x", "minute": START}
    async with workers[0].engines.write.begin() as connection:
        await connection.execute(insert(t.refusal).values(**row, left_out=0))
    count = plan.times(5, 500)

    async def writes(number: int) -> None:
        engines = workers[number % len(workers)].engines
        for _ in range(count):
            async with engines.write.begin() as connection:
                await engines.lock(connection, row["process_id"])  # type: ignore[arg-type]
                found = (await connection.execute(select(t.refusal.c.left_out))).scalar_one()
                await connection.execute(update(t.refusal).values(left_out=found + 1))

    await asyncio.gather(*map(writes, range(40)))
    plan.tries(40 * count)

    ((left_out,),) = await _left_out(workers[0].engines)
    plan.notes([] if left_out == 40 * count else [f"{40 * count - left_out} increments are lost"])
    await plan.holds(workers[0].engines)
    assert left_out == plan.tried


async def _left_out(engines: Engines) -> Sequence[Any]:
    async with engines.read.connect() as connection:
        return (await connection.execute(select(t.refusal.c.left_out))).all()
