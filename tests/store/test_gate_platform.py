"""The gate and the platform: whose people may sign in, and who gets only as far as the terms."""

from uuid import UUID, uuid4

import pytest

from approvals.access import Decision, Reason
from approvals.customer_access.commands import BeginSession, Disable
from approvals.customer_access.record import LONGEST_VISIT
from approvals.people import Person
from approvals.sessions import EndSession
from store import tables as t
from store.gate import SqlGate
from tests.factories import (
    BECKY,
    CHRISTOPHER,
    CLASSICS,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    JANE,
    MERYTON,
    MS,
    START,
    TOM,
    WICKHAM,
)
from tests.installation import CarriedClock, Installation
from tests.store.entries import Entries, scans_of
from tests.store.faults import Counted, Fault
from tests.stored_life import StoredLife
from tests.switching import ON, OTHER_SWITCH, SWITCH, accepting, fill


@pytest.fixture
async def switch(installation: Installation, clock: CarriedClock) -> StoredLife:
    """The switch of one customer, which nobody has turned yet."""
    await fill(installation.engines)
    return StoredLife(installation, clock, process=SWITCH)


async def accepted(switch: StoredLife) -> None:
    """Let Jane switch it on, and Tom accept."""
    await switch.says(JANE, ON)
    await switch.says(TOM, accepting())


async def answer(
    switch: StoredLife,
    person: Person = BECKY,
    action: str = "sign_in",
    partner: UUID = CLASSICS.id,
    *,
    in_session: bool = False,
) -> str:
    """Return the reason of the gate's answer; a plain word for yes, in brackets for no."""
    gate = SqlGate(switch.engines)
    found = await gate.check_platform(person.id, partner, action, in_session=in_session)
    return found.reason.value if found.is_open else f"({found.reason.value})"


async def test_the_gate_follows_the_switch_and_the_acceptance(switch: StoredLife) -> None:
    told = [[await answer(switch, action=one) for one in ("sign_in", "accept_terms")]]
    for person, command in (
        (JANE, ON),
        (TOM, accepting()),
        (JANE, Disable()),
        (JANE, ON),
    ):
        await switch.says(person, command)
        told.append([await answer(switch, action=one) for one in ("sign_in", "accept_terms")])

    assert told == [
        ["(never_enabled)", "(never_enabled)"],
        ["(terms_pending)", "terms_pending"],
        ["accepted", "accepted"],
        ["(disabled)", "(disabled)"],
        ["accepted", "accepted"],
    ]


async def test_only_the_customers_own_people_get_in(switch: StoredLife) -> None:
    await accepted(switch)

    answers = {one.name: await answer(switch, one) for one in (TOM, BECKY, CHRISTOPHER, ELIZABETH)}

    assert answers == {
        TOM.name: "accepted",
        BECKY.name: "accepted",
        CHRISTOPHER.name: "(never_enabled)",
        ELIZABETH.name: "(never_enabled)",
    }


async def test_each_partner_has_a_switch_of_its_own(switch: StoredLife) -> None:
    other = StoredLife(switch.installation, switch.clock, process=OTHER_SWITCH)
    await accepted(switch)
    before = await answer(switch, partner=MERYTON.id)
    await other.says(WICKHAM, ON)

    assert before == "(never_enabled)"
    assert await answer(switch, partner=MERYTON.id) == "(terms_pending)"
    assert await answer(switch) == "accepted"


@pytest.mark.parametrize(
    ("table", "one", "expected"),
    [
        ("person", BECKY.id, "(person_inactive)"),
        ("organization", FENCE_PAINTING.id, "(person_inactive)"),
        ("organization", CLASSICS.id, "(partner_off)"),
    ],
)
async def test_who_is_not_active_gets_nobody_in(
    switch: StoredLife, table: str, one: UUID, expected: str
) -> None:
    await accepted(switch)

    await switch.set(table, one, is_active=False)

    assert await answer(switch) == expected


async def test_a_customer_that_is_not_served_any_more_is_shut_out(switch: StoredLife) -> None:
    await accepted(switch)

    async with switch.engines.write.begin() as connection:
        await connection.execute(t.serves.delete().where(t.serves.c.server_id == CLASSICS.id))

    assert await answer(switch) == "(not_served)"


@pytest.mark.parametrize("action", ["", "support", "SIGN_IN", "sign_in "])
async def test_an_unknown_action_is_refused(switch: StoredLife, action: str) -> None:
    await accepted(switch)

    assert await answer(switch, action=action) == "(unknown_action)"


async def test_unknown_ids_are_refused(switch: StoredLife) -> None:
    await accepted(switch)
    gate = SqlGate(switch.engines)

    unknown = [
        await gate.check_platform(uuid4(), CLASSICS.id),
        await gate.check_platform(BECKY.id, uuid4()),
    ]

    assert {(one.is_open, one.reason) for one in unknown} == {(False, Reason.UNKNOWN)}


async def test_a_visit_is_open_for_twelve_hours_whether_a_clock_ticks_or_not(
    switch: StoredLife,
) -> None:
    await accepted(switch)
    before = await answer(switch, TOM, in_session=True)
    await switch.says(TOM, BeginSession())

    during = await SqlGate(switch.engines).check_platform(TOM.id, CLASSICS.id, in_session=True)
    other = await answer(switch, BECKY, in_session=True)
    switch.clock.fixed = START + LONGEST_VISIT - MS
    last = await answer(switch, TOM, in_session=True)
    switch.clock.fixed = START + LONGEST_VISIT
    after = [await answer(switch, TOM, in_session=one) for one in (True, False)]

    assert during == Decision(
        is_open=True, reason=Reason.ACCEPTED, process=SWITCH, until=START + LONGEST_VISIT
    )
    assert (before, other, last) == ("(no_session)", "(no_session)", "accepted")
    assert after == ["(no_session)", "accepted"]


@pytest.mark.parametrize("ending", ["person", "switch"])
async def test_a_visit_that_was_ended_is_over(switch: StoredLife, ending: str) -> None:
    await accepted(switch)
    begun = await switch.says(TOM, BeginSession())
    switch.waits(HOUR)

    if ending == "person":
        await switch.says(TOM, EndSession(session=UUID(begun.receipt)))
    else:
        await switch.says(JANE, Disable())
        await switch.says(JANE, ON)

    assert await answer(switch, TOM, in_session=True) == "(no_session)"


async def test_a_visit_to_a_tenant_is_none_to_the_platform(switch: StoredLife) -> None:
    await accepted(switch)
    await Entries(switch.engines).session(SWITCH, TOM, "support")

    assert await answer(switch, TOM, in_session=True) == "(no_session)"


async def test_a_status_of_a_newer_version_lets_nobody_in(switch: StoredLife) -> None:
    await accepted(switch)

    await switch.set("process", SWITCH, status="paused")

    assert await answer(switch) == "(disabled)"


async def test_the_question_is_one_statement_and_found_by_an_index(switch: StoredLife) -> None:
    await accepted(switch)
    await switch.says(TOM, BeginSession())

    with Counted(switch.engines) as counted:
        assert await answer(switch, TOM, in_session=True) == "accepted"

    assert len(counted.queries) == 1
    assert await scans_of(switch.engines, counted) == []


async def test_a_database_that_cannot_be_read_means_no(switch: StoredLife) -> None:
    await accepted(switch)

    with Fault(switch.engines, "SELECT"):
        assert await answer(switch) == "(unreadable)"
