"""The gate and pairings: what the permissions allow, to whom, and only while all of it holds."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from approvals.access import Decision, Via
from approvals.people import Directory, Person, Role
from store import access_tables as a
from store import tables as t
from store.gate import SqlGate
from tests.factories import (
    ART_GALLERY,
    CAROLINE,
    CLASSICS,
    FENCE_PAINTING,
    HUNDRED_ACRE,
    LYDIA,
    MARY,
    NETHERFIELD,
    START,
    TOM_SAWYER,
    WICKHAM,
    make_id,
)
from tests.pairings import CHARLES
from tests.store.entries import Entries, scans_of
from tests.store.faults import Counted, Fault
from tests.stored_life import END, StoredLife

SUPPORT, CONFIGURE, LOGS = "employees.view", "configuration.view", "logs.view"
UPDATE = "configuration.update"
PARTNER_CARE = make_id("partner care")
CHANGE, OTHER_CHANGE = str(UUID(int=1)), str(UUID(int=2))
Event = Callable[[Entries, UUID], Awaitable[object]]


@pytest.fixture
async def entries(life: StoredLife) -> Entries:
    """The example directory with a support group: two of its vendor, and Wickham of another."""
    entries = Entries(life.engines)
    await entries.known(Directory(people=(CHARLES,)))
    await entries.group(MARY, CHARLES, WICKHAM)
    return entries


async def answer(
    entries: Entries,
    person: Person = MARY,
    action: str = "support",
    via: Via = Via.REQUEST,
    change: str | None = None,
) -> str:
    """Return the reason of the gate's answer; a plain word for yes, in brackets for no."""
    gate = SqlGate(entries.engines)
    found = await gate.check(person.id, TOM_SAWYER.id, action, via, change)
    return found.reason.value if found.is_open else f"({found.reason.value})"


@pytest.mark.parametrize(
    ("permissions", "action", "expected"),
    [
        ((SUPPORT,), "support", "paired"),
        ((SUPPORT,), "configure", "(not_permitted)"),
        ((CONFIGURE,), "configure", "paired"),
        ((CONFIGURE,), "support", "(not_permitted)"),
        ((LOGS,), LOGS, "paired"),
        ((LOGS,), "recordings.play", "(not_permitted)"),
        ((LOGS,), "support", "(not_permitted)"),
        ((), "support", "(not_permitted)"),
        ((SUPPORT,), "", "(not_permitted)"),
    ],
)
async def test_a_pass_allows_exactly_what_its_permissions_allow(
    entries: Entries, permissions: tuple[str, ...], action: str, expected: str
) -> None:
    await entries.pairing(*permissions)

    assert await answer(entries, action=action) == expected


async def suspended(entries: Entries, process: UUID) -> None:
    await entries.set(t.process, process, status="suspended")


async def left(entries: Entries, process: UUID) -> None:
    await entries.leaves(MARY)


async def inactive(entries: Entries, process: UUID) -> None:
    await entries.set(t.person, MARY.id, is_active=False)


async def vendor_inactive(entries: Entries, process: UUID) -> None:
    await entries.set(t.organization, NETHERFIELD.id, is_active=False)


async def customer_inactive(entries: Entries, process: UUID) -> None:
    await entries.set(t.organization, FENCE_PAINTING.id, is_active=False)


async def locked(entries: Entries, process: UUID) -> None:
    await entries.set(t.tenant, TOM_SAWYER.id, is_locked=True)


async def not_served(entries: Entries, process: UUID) -> None:
    await entries.serves_no_more(NETHERFIELD, FENCE_PAINTING)


async def other_not_served(entries: Entries, process: UUID) -> None:
    await entries.serves_no_more(NETHERFIELD, ART_GALLERY)


async def hired_away(entries: Entries, process: UUID) -> None:
    await entries.set(t.person, MARY.id, organization_id=CLASSICS.id)


async def nothing(entries: Entries, process: UUID) -> None:
    pass


@pytest.mark.parametrize(
    ("event", "person", "expected"),
    [
        (nothing, MARY, "paired"),
        (nothing, CHARLES, "paired"),
        (nothing, WICKHAM, "(no_grant)"),  # of the group, and not of its vendor
        (hired_away, MARY, "(no_grant)"),
        (hired_away, CHARLES, "paired"),
        (not_served, MARY, "(no_grant)"),
        (other_not_served, MARY, "paired"),
        (nothing, LYDIA, "(no_grant)"),
        (suspended, MARY, "(no_grant)"),
        (left, MARY, "(no_grant)"),
        (left, CHARLES, "paired"),
        (inactive, MARY, "(person_inactive)"),
        (vendor_inactive, MARY, "(person_inactive)"),
        (customer_inactive, MARY, "(tenant_off)"),
        (locked, MARY, "(tenant_locked)"),
    ],
)
async def test_a_pass_is_open_only_while_all_of_it_holds(
    entries: Entries, event: Event, person: Person, expected: str
) -> None:
    process = await entries.pairing(SUPPORT)

    await event(entries, process)

    assert await answer(entries, person) == expected


@pytest.mark.parametrize("status", ["offered", "paired", "suspended", "revoked", "granted", ""])
async def test_only_an_active_pairing_lets_anybody_in(entries: Entries, status: str) -> None:
    await entries.pairing(SUPPORT, status=status)

    assert await answer(entries) == "(no_grant)"


async def test_a_closed_pass_lets_nobody_in(entries: Entries) -> None:
    await entries.pairing(SUPPORT, closed_at=START)

    assert await answer(entries) == "(no_grant)"


async def test_a_pass_for_one_person_is_for_nobody_else(entries: Entries) -> None:
    await entries.pairing(LOGS)
    await entries.pairing(SUPPORT, person_id=CHARLES.id)

    assert await answer(entries, CHARLES) == "paired"
    assert await answer(entries, MARY) == "(not_permitted)"


async def test_a_pass_for_one_person_counts_only_while_they_are_in_the_group(
    entries: Entries,
) -> None:
    await entries.pairing(SUPPORT, person_id=MARY.id)
    assert await answer(entries) == "paired"

    await entries.leaves(MARY)

    assert await answer(entries) == "(no_grant)"


async def test_a_pass_opens_no_other_tenant(entries: Entries) -> None:
    await entries.pairing(SUPPORT, tenant=HUNDRED_ACRE)

    assert await answer(entries) == "(no_grant)"


@pytest.mark.parametrize(
    ("consents", "change", "expected"),
    [
        ([CHANGE], CHANGE, "paired"),
        ([CHANGE, OTHER_CHANGE], OTHER_CHANGE, "paired"),
        ([CHANGE], OTHER_CHANGE, "(no_consent)"),
        ([CHANGE], None, "(no_consent)"),
        ([CHANGE], "", "(no_consent)"),
        ([], CHANGE, "(no_consent)"),
    ],
)
async def test_a_disruptive_change_needs_the_consent_for_that_very_change(
    entries: Entries, consents: list[str], change: str | None, expected: str
) -> None:
    await entries.pairing(SUPPORT, UPDATE, consents=consents)

    assert await answer(entries, action="disruptive-change", change=change) == expected


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ((UPDATE,), "paired"),
        (("employees.update",), "paired"),
        (("tests.run",), "paired"),
        ((SUPPORT,), "(not_permitted)"),
        ((SUPPORT, CONFIGURE, LOGS, "recordings.play"), "(not_permitted)"),
        (("disruptive-change",), "(not_permitted)"),
        ((), "(not_permitted)"),
    ],
)
async def test_a_consent_opens_a_change_only_to_who_may_change_something(
    entries: Entries, permissions: tuple[str, ...], expected: str
) -> None:
    await entries.pairing(*permissions, consents=[CHANGE])

    assert await answer(entries, action="disruptive-change", change=CHANGE) == expected


async def test_a_consent_opens_nothing_but_its_change(entries: Entries) -> None:
    await entries.pairing(consents=[CHANGE])

    assert await answer(entries, action="support", change=CHANGE) == "(not_permitted)"


async def test_a_grant_covers_both_modes_and_no_disruptive_change(
    life: StoredLife, entries: Entries
) -> None:
    await life.granted()

    answers = {
        action: await answer(entries, CAROLINE, action, change=CHANGE)
        for action in ("support", "configure", "logs.view", "disruptive-change")
    }

    assert answers == {
        "support": "granted",
        "configure": "granted",
        "logs.view": "granted",
        "disruptive-change": "(no_consent)",
    }


async def test_of_grant_and_pass_the_longer_counts_and_neither_cuts_the_other(
    life: StoredLife, entries: Entries
) -> None:
    await life.granted()
    await entries.group(CAROLINE, group=PARTNER_CARE, owner=CLASSICS)
    pairing = await entries.pairing(SUPPORT, group=PARTNER_CARE)
    gate = SqlGate(entries.engines)

    both = await gate.check(CAROLINE.id, TOM_SAWYER.id)
    by_grant = await gate.check(CAROLINE.id, TOM_SAWYER.id, "configure")
    life.clock.fixed = END
    after = [await answer(entries, CAROLINE, one) for one in ("support", "configure")]

    assert (both.process, both.until) == (pairing, None)
    assert (by_grant.process, by_grant.until) == (life.process, END)
    assert after == ["paired", "(not_permitted)"]


async def test_a_session_under_a_pairing_is_asked_for_by_mode_and_person(entries: Entries) -> None:
    pairing = await entries.pairing(SUPPORT, CONFIGURE)
    visit = await entries.session(pairing, MARY, "support", tenant_id=TOM_SAWYER.id)

    asked = [
        await answer(entries, who, mode, Via.SESSION)
        for who, mode in ((MARY, "support"), (MARY, "configure"), (CHARLES, "support"))
    ]
    await entries.set(t.session, visit, ended_at=START)
    ended = await answer(entries, via=Via.SESSION)

    assert asked == ["paired", "(no_session)", "(no_session)"]
    assert ended == "(no_session)"


async def test_an_open_session_covers_whatever_its_pairing_allows(entries: Entries) -> None:
    pairing = await entries.pairing(SUPPORT, LOGS, UPDATE, consents=[CHANGE])
    visit = await entries.session(pairing, MARY, "support", tenant_id=TOM_SAWYER.id)
    questions = ((MARY, LOGS), (MARY, "recordings.play"), (CHARLES, LOGS))

    asked = [await answer(entries, who, action, Via.SESSION) for who, action in questions]
    change = await answer(entries, MARY, "disruptive-change", Via.SESSION, CHANGE)
    await entries.set(t.session, visit, ended_at=START)
    ended = await answer(entries, MARY, LOGS, Via.SESSION)

    assert asked == ["paired", "(not_permitted)", "(no_session)"]
    assert change == "paired"
    assert ended == "(no_session)"


async def test_a_pairing_neither_closes_nor_opens_the_legacy_channel(entries: Entries) -> None:
    await entries.pairing(SUPPORT, LOGS)

    assert await answer(entries, MARY, "support", Via.LEGACY) == "(no_grant)"
    assert await answer(entries, MARY, LOGS, Via.LEGACY) == "(no_grant)"
    await entries.role(MARY, Role.LEGACY_IMPERSONATOR, NETHERFIELD.id)
    assert await answer(entries, MARY, "support", Via.LEGACY) == "legacy_permission"


async def test_a_pairing_does_not_open_the_legacy_channel_that_a_grant_closed(
    life: StoredLife, entries: Entries
) -> None:
    await life.granted()
    await entries.pairing(SUPPORT)

    assert await answer(entries, MARY, "support", Via.LEGACY) == "(legacy_closed)"
    assert await answer(entries, CAROLINE, "support", Via.LEGACY) == "granted"


async def cloned(entries: Entries) -> tuple[UUID, Callable[[], Awaitable[Decision]]]:
    """Add a clone of Mary's; return its pairing, and a question about it."""
    pairing = await entries.pairing(SUPPORT)
    clone = await entries.clone(pairing, MARY)

    async def asks() -> Decision:
        return await SqlGate(entries.engines).check(clone, TOM_SAWYER.id)

    return pairing, asks


async def test_a_clone_enters_as_its_agent_through_the_open_pairing(entries: Entries) -> None:
    pairing, asks = await cloned(entries)

    found = await asks()

    assert (found.is_open, found.reason.value, found.process) == (True, "paired", pairing)


@pytest.mark.parametrize(
    "event", [suspended, left, hired_away, not_served, inactive, vendor_inactive, locked]
)
async def test_a_clone_is_shut_out_with_its_pairing_and_its_agent(
    entries: Entries, event: Event
) -> None:
    pairing, asks = await cloned(entries)

    await event(entries, pairing)

    assert not (await asks()).is_open


async def test_a_clone_enters_by_no_other_pairing_grant_or_tenant(
    life: StoredLife, entries: Entries
) -> None:
    await life.granted()
    await entries.group(CAROLINE, group=PARTNER_CARE, owner=CLASSICS)
    pairing = await entries.pairing(LOGS, group=PARTNER_CARE)
    await entries.pairing(SUPPORT, group=PARTNER_CARE)
    clone = await entries.clone(pairing, CAROLINE)
    gate = SqlGate(entries.engines)

    answers = [
        (await gate.check(clone, TOM_SAWYER.id, "logs.view")).reason.value,
        (await gate.check(clone, TOM_SAWYER.id, "support")).reason.value,
        (await gate.check(clone, HUNDRED_ACRE.id, "logs.view")).reason.value,
    ]

    assert answers == ["paired", "not_permitted", "unknown"]


async def test_a_session_is_the_clones_or_its_agents_own(entries: Entries) -> None:
    pairing = await entries.pairing(SUPPORT, CONFIGURE)
    clone = await entries.clone(pairing, MARY)
    gate = SqlGate(entries.engines)
    await entries.session(pairing, MARY, "support", tenant_id=TOM_SAWYER.id, clone_id=clone)
    await entries.session(pairing, MARY, "configure", tenant_id=TOM_SAWYER.id)

    found = {
        (name, mode): (await gate.check(who, TOM_SAWYER.id, mode, Via.SESSION)).reason.value
        for name, who in (("clone", clone), ("agent", MARY.id))
        for mode in ("support", "configure")
    }

    assert found == {
        ("clone", "support"): "paired",
        ("clone", "configure"): "no_session",
        ("agent", "support"): "no_session",
        ("agent", "configure"): "paired",
    }


async def test_a_removed_clone_is_nobody(entries: Entries) -> None:
    pairing = await entries.pairing(SUPPORT)
    clone = await entries.clone(pairing, MARY)
    await entries.set(a.clone, clone, removed_at=START)

    found = await SqlGate(entries.engines).check(clone, TOM_SAWYER.id)

    assert (found.is_open, found.reason.value) == (False, "unknown")


async def test_every_way_in_is_one_statement_and_found_by_an_index(entries: Entries) -> None:
    pairing = await entries.pairing(SUPPORT, consents=[CHANGE])
    clone = await entries.clone(pairing, MARY)

    for who in (MARY.id, clone):
        with Counted(entries.engines) as counted:
            found = await SqlGate(entries.engines).check(who, TOM_SAWYER.id, via=Via.REQUEST)

        assert found.is_open
        assert len(counted.queries) == 1
        assert await scans_of(entries.engines, counted) == []


async def test_a_pairing_that_cannot_be_read_means_no(entries: Entries) -> None:
    await entries.pairing(SUPPORT)

    with Fault(entries.engines, "SELECT"):
        assert await answer(entries) == "(unreadable)"
