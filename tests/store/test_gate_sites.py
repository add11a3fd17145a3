"""The gate and sites: whoever holds a level in an area, and nobody else."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from approvals.access import Reason
from approvals.people import Person, Role
from approvals.site_access.privileges import LEVELS, Area
from store import access_tables as a
from store import tables as t
from store.gate import SqlGate
from tests.factories import BECKY, CLASSICS, FENCE_PAINTING, LYDIA, START, TOM
from tests.store.entries import SITE, Entries, scans_of
from tests.store.faults import Counted, Fault
from tests.stored_life import StoredLife

Event = Callable[[Entries, UUID], Awaitable[object]]


@pytest.fixture
async def entries(life: StoredLife) -> Entries:
    """The example directory with one site of Tom's company."""
    entries = Entries(life.engines)
    await entries.site()
    return entries


async def answer(
    entries: Entries, person: Person = LYDIA, area: str = "reporting", level: str = "view"
) -> str:
    """Return the reason of the gate's answer; a plain word for yes, in brackets for no."""
    found = await SqlGate(entries.engines).check_site(person.id, SITE, area, level)
    return found.reason.value if found.is_open else f"({found.reason.value})"


@pytest.mark.parametrize(
    ("held", "level", "expected"),
    [
        ("update", "update", "privilege"),
        ("update", "view", "privilege"),
        ("view", "view", "privilege"),
        ("view", "update", "(no_privilege)"),
        ("none", "view", "(no_privilege)"),
        ("admin", "view", "(no_privilege)"),  # a word of some other version
    ],
)
async def test_a_level_covers_what_lies_below_it(
    entries: Entries, held: str, level: str, expected: str
) -> None:
    await entries.membership(LYDIA, reporting=held)

    assert await answer(entries, level=level) == expected


async def test_an_area_says_nothing_about_another(entries: Entries) -> None:
    await entries.membership(LYDIA, reporting="update")

    assert await answer(entries, area="purchase") == "(no_privilege)"


async def test_the_primary_contact_holds_every_level_that_there_is(entries: Entries) -> None:
    await entries.role(TOM, Role.PRIMARY_CONTACT, SITE)

    answers = {
        (area, level): await answer(entries, TOM, area, level)
        for area in Area
        for level in ("view", "update")
    }

    assert answers == {
        (area, level): "privilege" if level in LEVELS[area] else "(no_privilege)"
        for area in Area
        for level in ("view", "update")
    }


async def test_what_is_for_contacts_counts_for_contacts_alone(entries: Entries) -> None:
    await entries.membership(LYDIA, manage_access="update", contact_updates="update")
    await entries.membership(BECKY, manage_access="update", contact_updates="update")
    await entries.role(BECKY, Role.SECONDARY_CONTACT, SITE)

    answers = [
        await answer(entries, who, area, "update")
        for who in (LYDIA, BECKY)
        for area in ("manage_access", "contact_updates")
    ]

    assert answers == ["(no_privilege)", "(no_privilege)", "privilege", "privilege"]


async def test_a_contact_of_another_site_is_a_stranger(entries: Entries) -> None:
    other = uuid4()
    await entries.site(site=other)
    await entries.role(TOM, Role.PRIMARY_CONTACT, other)
    await entries.membership(LYDIA, site=other, reporting="update")

    assert await answer(entries, TOM) == "(not_member)"
    assert await answer(entries, LYDIA) == "(not_member)"


async def closed(entries: Entries, process: UUID) -> None:
    await entries.set(t.process, process, status="removed")


async def ended(entries: Entries, process: UUID) -> None:
    async with entries.engines.write.begin() as connection:
        await connection.execute(a.membership.update().values(closed_at=START))


async def inactive(entries: Entries, process: UUID) -> None:
    await entries.set(t.person, LYDIA.id, is_active=False)


async def company_inactive(entries: Entries, process: UUID) -> None:
    await entries.set(t.organization, CLASSICS.id, is_active=False)


async def owner_inactive(entries: Entries, process: UUID) -> None:
    await entries.set(t.organization, FENCE_PAINTING.id, is_active=False)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (closed, "(not_member)"),
        (ended, "(not_member)"),
        (inactive, "(person_inactive)"),
        (company_inactive, "(person_inactive)"),
        (owner_inactive, "(site_off)"),
    ],
)
async def test_a_membership_counts_only_while_all_of_it_holds(
    entries: Entries, event: Event, expected: str
) -> None:
    process = await entries.membership(LYDIA, reporting="update")
    assert await answer(entries) == "privilege"

    await event(entries, process)

    assert await answer(entries) == expected


@pytest.mark.parametrize("status", ["asked", "denied", "withdrawn", "lapsed", "granted"])
async def test_who_only_asked_holds_nothing(entries: Entries, status: str) -> None:
    await entries.membership(LYDIA, status=status, reporting="update")

    assert await answer(entries) == "(not_member)"


@pytest.mark.parametrize(
    ("area", "level"),
    [("reporting", "none"), ("reporting", ""), ("reporting", "admin"), ("", "view"), ("x", "view")],
)
async def test_an_area_or_level_that_there_is_not_is_refused(
    entries: Entries, area: str, level: str
) -> None:
    await entries.role(TOM, Role.PRIMARY_CONTACT, SITE)

    assert await answer(entries, TOM, area, level) == "(unknown_action)"


async def test_unknown_ids_are_refused(entries: Entries) -> None:
    await entries.membership(LYDIA, reporting="update")
    gate = SqlGate(entries.engines)

    unknown = [
        await gate.check_site(uuid4(), SITE, "reporting", "view"),
        await gate.check_site(LYDIA.id, uuid4(), "reporting", "view"),
    ]

    assert {(one.is_open, one.reason) for one in unknown} == {(False, Reason.UNKNOWN)}


async def test_the_question_is_one_statement_and_found_by_an_index(entries: Entries) -> None:
    await entries.membership(LYDIA, reporting="update")

    with Counted(entries.engines) as counted:
        assert await answer(entries) == "privilege"

    assert len(counted.queries) == 1
    assert await scans_of(entries.engines, counted) == []


async def test_a_database_that_cannot_be_read_means_no(entries: Entries) -> None:
    await entries.membership(LYDIA, reporting="update")

    with Fault(entries.engines, "SELECT"):
        assert await answer(entries) == "(unreadable)"
