"""One contract of the port Ledger, kept by the fake in memory and by the rows of both databases."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from approvals import rules
from approvals.commands import Signed
from approvals.delivery import Outcome
from approvals.errors import NonceReusedError, NotFoundError
from approvals.facts import FreshSecret
from approvals.people import Directory, Role
from approvals.ports import Ledger
from approvals.sign_in import life as sign_in
from approvals.sign_in.commands import Begin, Prove, RevokeKey
from approvals.sign_in.record import SignIn, SignInFacts
from approvals.tenant_access import record as access_request
from approvals.tenant_access.commands import Deny
from approvals.tenant_access.record import TenantAccess, process_id_of
from approvals.transition import Transition
from store.ledger import SqlLedger
from tests.factories import (
    BATCH,
    CLASSICS,
    DIRECTORY,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    HUNDRED_ACRE,
    LYDIA,
    MARY,
    MINUTE,
    MS,
    PROCESS,
    PUBLIC_KEY,
    START,
    TOM,
    TOM_SAWYER,
    make_granted_life,
    make_id,
    make_life,
    make_signed,
    make_submit,
)
from tests.fakes import InMemoryLedger
from tests.installation import CarriedClock, Installation

SUBJECT = "0123456789abcdef" * 4
BEGIN = Begin(email=ELIZABETH.email, public_key=PUBLIC_KEY, client="laptop")
FACTS = SignInFacts(
    person=ELIZABETH.id,
    subject=SUBJECT,
    code=FreshSecret(check="right", sealed="c2VhbGVk"),
    proof_check="right",
)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Where the ledger keeps its processes."""
    return str(request.param)


@pytest.fixture
def clock() -> CarriedClock:
    """The clock that reads what the caller carries, as the fake's does."""
    return CarriedClock()


@pytest.fixture
def installed(database: str, request: pytest.FixtureRequest) -> Installation | None:
    """The example directory in a database, if there is one."""
    if database == "memory":
        return None
    found: Installation = request.getfixturevalue("installation")
    return found


@pytest.fixture
def ledger(installed: Installation | None) -> Ledger:
    """A ledger that knows the example directory."""
    return InMemoryLedger(DIRECTORY) if installed is None else SqlLedger(installed.engines)


async def written(
    ledger: Ledger, step: Transition, signed: Signed | None = None, at: Any = START
) -> Outcome:
    """Write one transition in a transaction of its own."""
    async with ledger.locked(step.after.process_id, at) as row:
        directory = await row.directory(rules.needed(step.after, signed))
        return await row.write(step, directory, signed)


async def asked(ledger: Ledger, name: str, at: Any = START, subject: str = SUBJECT) -> UUID:
    """Write a sign-in of that name."""
    facts = FACTS.model_copy(update={"subject": subject})
    await written(ledger, sign_in.begun(make_id(name), BEGIN, facts, at), at=at)
    return make_id(name)


async def test_a_process_that_nobody_wrote_stands_at_version_zero(ledger: Ledger) -> None:
    async with ledger.locked(PROCESS, START) as row:
        assert (row.process, row.now, row.state, row.written) == (PROCESS, START, None, None)
        assert row.standing() == Outcome()


async def test_what_was_written_is_read_again_whole(ledger: Ledger) -> None:
    life = make_granted_life()
    for _, step in life.transitions:
        await written(ledger, step)

    async with ledger.locked(PROCESS, START) as row:
        assert row.state == life.request
        assert row.standing() == Outcome(version=2, status="granted", due=life.request.due)


async def test_writing_answers_where_the_process_stands(ledger: Ledger) -> None:
    step = make_life().last

    async with ledger.locked(PROCESS, START) as row:
        outcome = await row.write(step, DIRECTORY, None)
        assert row.written is step

    assert outcome == Outcome(
        version=1, status="pending", due=step.after.due, receipt=str(PROCESS), refusal=None
    )


async def test_what_fails_in_the_middle_was_never_written(ledger: Ledger) -> None:
    signed = make_signed(make_submit())

    async def fails() -> None:
        async with ledger.locked(PROCESS, START) as row:
            await row.write(make_life().last, DIRECTORY, signed)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()

    async with ledger.locked(PROCESS, START) as row:
        assert row.state is None
        assert await row.recorded(signed) is None
    assert list(await ledger.open_processes()) == []


async def test_a_written_command_is_recorded_with_its_outcome(ledger: Ledger) -> None:
    signed = make_signed(make_submit())
    outcome = await written(ledger, make_life().last, signed)

    async with ledger.locked(PROCESS, START) as row:
        assert await row.recorded(signed) == outcome


async def test_a_nonce_belongs_to_one_key_and_one_command(ledger: Ledger) -> None:
    signed = make_signed(make_submit())
    await written(ledger, make_life().last, signed)

    async with ledger.locked(PROCESS, START) as row:
        assert await row.recorded(make_signed(Deny(reason="No.", shown="0" * 64), TOM)) is None
        with pytest.raises(NonceReusedError):
            await row.recorded(signed.model_copy(update={"digest": "1" * 64}))


async def test_a_refusal_changes_no_state_and_is_recorded_for_who_signed(ledger: Ledger) -> None:
    await written(ledger, make_life().last)
    signed = make_signed(Deny(reason="No.", shown="0" * 64), LYDIA)

    async with ledger.locked(PROCESS, START) as row:
        outcome = await row.refuse(NotFoundError(), signed, b"{}", "There is nothing here.")
        assert row.written is None

    async with ledger.locked(PROCESS, START) as row:
        assert await row.recorded(signed) == outcome
        assert outcome.refusal is not None
        assert (outcome.version, outcome.refusal.code) == (1, "not_found")
        assert row.state == make_life().state


async def test_the_refusal_of_a_reused_nonce_keeps_the_first_outcome(ledger: Ledger) -> None:
    signed = make_signed(make_submit())
    first = await written(ledger, make_life().last, signed)
    other = signed.model_copy(update={"digest": "1" * 64})

    async with ledger.locked(PROCESS, START) as row:
        await row.refuse(NonceReusedError(), other, b"{}", "It was used.")

    async with ledger.locked(PROCESS, START) as row:
        assert await row.recorded(signed) == first


async def test_open_processes_are_those_that_are_not_closed(ledger: Ledger) -> None:
    await written(ledger, make_life().last)
    denied = make_life(tenant=HUNDRED_ACRE)
    await written(ledger, denied.last)
    closed = denied.request.model_copy(
        update={"version": 2, "status": access_request.Status.DENIED, "closed_at": START}
    )
    await written(ledger, Transition(after=closed, event="denied", actor=TOM.id))

    (one,) = await ledger.open_processes()

    assert (one.id, one.kind, one.tenant) == (PROCESS, "tenant_access", TOM_SAWYER.id)
    assert one.due == make_life().request.due


async def test_a_key_is_there_from_its_enrolment_and_revoked_with_its_sign_in(
    ledger: Ledger,
) -> None:
    login = await asked(ledger, "login")
    facts = FACTS.model_copy(update={"newest": login})

    async with ledger.locked(login, START) as row:
        assert await row.key(login) is None
        assert isinstance(row.state, SignIn)
        prove = Prove(proof="0" * 64)
        await row.write(sign_in.apply(row.state, prove, None, facts, START), DIRECTORY, None)
    async with ledger.locked(login, START) as row:
        enrolled = await row.key(login)
        assert isinstance(row.state, SignIn)
        gone = RevokeKey(reason="Stolen.")
        step = sign_in.apply(row.state, gone, ELIZABETH.id, facts, START + HOUR)
        await row.write(step, DIRECTORY, None)
    async with ledger.locked(login, START) as row:
        revoked = await row.key(login)

    assert enrolled is not None
    assert (enrolled.person, enrolled.public_key) == (ELIZABETH.id, PUBLIC_KEY)
    assert (enrolled.expires_at, enrolled.revoked_at) == (START + 12 * HOUR, None)
    assert revoked == enrolled.model_copy(update={"revoked_at": START + HOUR})


async def test_sign_ins_are_counted_by_subject_over_ten_minutes(ledger: Ledger) -> None:
    await asked(ledger, "first", START)
    await asked(ledger, "second", START + MINUTE)
    await asked(ledger, "other", START + 2 * MINUTE, subject="f" * 64)

    seen = []
    for late in (2 * MINUTE, 10 * MINUTE - MS, 10 * MINUTE, 11 * MINUTE):
        async with ledger.locked(make_id("new"), START + late) as row:
            seen.append(await row.kin(SUBJECT))

    second = make_id("second")
    assert [(one.newest, one.recent) for one in seen] == [
        (second, 2),
        (second, 2),
        (second, 1),
        (None, 0),
    ]


async def test_requests_are_counted_by_person_by_pair_and_while_pending(ledger: Ledger) -> None:
    life = make_granted_life()
    for _, step in life.transitions:
        await written(ledger, step)
    await written(ledger, make_life(tenant=HUNDRED_ACRE).last, at=START + MINUTE)
    await written(ledger, _second(life.request), at=START + 2 * MINUTE)

    async def counted(signed: Signed, late: timedelta) -> tuple[int, int, int]:
        async with ledger.locked(make_id("new"), START + late) as row:
            found = await row.counts(signed)
        return found.by_person, found.by_pair, found.pending_of_pair_and_person

    hers = make_signed(make_submit())
    assert await counted(hers, 3 * MINUTE) == (3, 2, 1)
    assert await counted(hers, HOUR) == (2, 1, 1)
    assert await counted(hers, 2 * HOUR) == (0, 0, 1)
    assert await counted(make_signed(make_submit(), LYDIA), 3 * MINUTE) == (0, 2, 0)
    assert await counted(make_signed(make_submit(), TOM), 3 * MINUTE) == (0, 0, 0)


async def test_what_an_operator_sends_counts_for_the_organization_that_it_names(
    ledger: Ledger,
) -> None:
    await written(ledger, make_life().last)
    signed = make_signed(make_submit(organization=CLASSICS.slug), MARY)

    async with ledger.locked(make_id("new"), START) as row:
        counts = await row.counts(signed)

    assert (counts.by_person, counts.by_pair) == (0, 1)


def _second(first: TenantAccess) -> Transition:
    batch = make_id("batch")
    again = first.model_copy(
        update={
            "process_id": process_id_of(batch, TOM_SAWYER.slug),
            "batch": batch,
            "version": 1,
            "status": access_request.Status.PENDING,
        }
    )
    return Transition(after=again, event="submitted", actor=ELIZABETH.id)


async def test_the_directory_holds_what_a_submission_is_judged_by(ledger: Ledger) -> None:
    signed = make_signed(make_submit())
    found = await _directory(ledger, signed)

    tenant = found.tenant_of(TOM_SAWYER.slug)
    assert tenant == TOM_SAWYER
    assert found.holds(ELIZABETH.id, Role.TM_ADMIN, CLASSICS.id)
    assert TOM.id in found.holders(Role.TENANT_ADMIN, TOM_SAWYER.id)
    assert found.is_served(CLASSICS.id, FENCE_PAINTING.id)
    assert all(found.is_live(one) for one in make_submit().people)


async def test_the_directory_holds_what_an_operator_is_judged_by(ledger: Ledger) -> None:
    found = await _directory(ledger, make_signed(make_submit(organization=CLASSICS.slug), MARY))

    assert found.holds(MARY.id, Role.OPERATOR, None)
    assert found.organization_of(CLASSICS.slug) == CLASSICS


async def _directory(ledger: Ledger, signed: Signed) -> Directory:
    async with ledger.locked(process_id_of(BATCH, TOM_SAWYER.slug), START) as row:
        return await row.directory(rules.needed(row.state, signed))
