"""Every command of a pairing through the door, and the rows that it writes."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.engine import URL

from approvals.access import Via
from approvals.pairing.commands import (
    AddClone,
    AskConsent,
    AssignRoles,
    BeginSession,
    Decline,
    DefineRole,
    GiveConsent,
    RecordChange,
    Reissue,
    RemoveRoles,
    Resume,
    Revoke,
    Suspend,
    Withdraw,
)
from approvals.pairing.record import process_id_of
from approvals.permissions import DISRUPTIVE_CHANGE, ROLES
from approvals.sessions import Mode
from store import tables as t
from store.engine import Engines, connect
from store.gate import SqlGate
from store.pairings import Pairings
from tests.factories import BECKY, CAROLINE, CLASSICS, DAY, HOUR, MARY, START, TOM, TOM_SAWYER
from tests.installation import CarriedClock, Installation
from tests.pairings import (
    CARE,
    CHARLES,
    FITZWILLIAM,
    GEORGIANA,
    LOUISA,
    make_offer,
    pass_of,
)
from tests.store.entries import Entries
from tests.store.rows import rows_of
from tests.stored_life import code_of, kept
from tests.stored_pairing import StoredPairing, fill_paired

WEEK = 7 * DAY
VENDORS = {CHARLES.id, LOUISA.id, FITZWILLIAM.id}
CUSTOMERS = {TOM.id, BECKY.id}
BEGIN = BeginSession(mode=Mode.SUPPORT)


@pytest.fixture
async def installation(engines: Engines) -> Installation:
    """The directory with a support group, and everybody's key."""
    return await fill_paired(Installation(engines))


@pytest.fixture
def life(installation: Installation, clock: CarriedClock) -> StoredPairing:
    """One pairing, which nobody has offered yet."""
    return StoredPairing(installation, clock)


async def mails(life: StoredPairing, version: int) -> dict[str, set[UUID]]:
    """Return who is mailed what about one version."""
    found: dict[str, set[UUID]] = {}
    for row in await life.outbox():
        if row["version"] == version:
            found.setdefault(row["kind"], set()).add(row["person_id"])
    return found


async def is_open(life: StoredPairing, person: Any, action: str = "support", **more: Any) -> bool:
    """Ask the gate."""
    gate = SqlGate(life.engines)
    return (await gate.check(person.id, TOM_SAWYER.id, action, **more)).is_open


async def test_an_offer_writes_its_row_and_mails_the_link_to_who_may_accept(
    life: StoredPairing,
) -> None:
    outcome = await life.offered()

    row = await life.row()
    assert (outcome.version, outcome.status, outcome.due) == (1, "offered", START + WEEK)
    assert (row["kind"], row["tenant_id"], row["due"]) == ("pairing", TOM_SAWYER.id, START + WEEK)
    assert len(row["subject"]) == 64
    assert await mails(life, 1) == {"pairing_offered": CUSTOMERS}
    (token,) = await life.tokens()
    assert token.startswith("apl_")
    assert len(token) == 47


async def test_a_token_stands_nowhere_in_clear(life: StoredPairing) -> None:
    await life.offered()
    await life.says(CHARLES, Reissue())
    await life.says(TOM, await life.accept())
    tokens = await life.tokens()

    held = json.dumps(
        [
            {name: str(value) for name, value in row.items()}
            for table in ("process", "audit", "outbox", "command", "refusal")
            for row in await rows_of(life.engines, table)
        ]
    )

    assert len(set(tokens)) == 2
    for token in tokens:
        assert token not in held
        assert token[4:] not in held


async def test_a_link_works_once_and_a_reissued_one_voids_the_older(life: StoredPairing) -> None:
    await life.offered()
    await life.says(CHARLES, Reissue())
    old, new = await life.tokens()

    voided = await life.says(TOM, await life.accept(old))
    stranger = await life.says(CAROLINE, await life.accept(new))
    accepted = await life.says(TOM, await life.accept(new))
    again = await life.says(BECKY, await life.accept(new))

    assert [code_of(one) for one in (voided, stranger, accepted, again)] == [
        "link_invalid", "link_invalid", None, "link_used",
    ]  # fmt: skip
    assert await mails(life, 3) == {"pairing_accepted": VENDORS}
    assert "refused.link_used" in [event for _, event in await life.audit()]


async def test_an_offer_lapses_and_opens_again(life: StoredPairing) -> None:
    await life.offered()
    life.waits(WEEK)
    late = await life.says(TOM, await life.accept())
    lapsed = await life.ticks()
    again = await life.says(LOUISA, Reissue())

    assert (code_of(late), lapsed.status) == ("link_expired", "lapsed")
    assert (again.status, again.due) == ("offered", START + 2 * WEEK)
    assert await mails(life, 2) == {"pairing_lapsed": VENDORS}
    assert (await life.row())["is_closed"] is False
    assert (await life.says(TOM, await life.accept())).status == "paired"


async def test_roles_open_the_gate_exactly_as_far_as_they_allow(life: StoredPairing) -> None:
    await life.paired()
    assert not await is_open(life, CHARLES)

    await life.says(TOM, AssignRoles(roles=("support",)))
    await life.says(TOM, DefineRole(name="ears", permissions=("recordings.play",)))
    await life.says(TOM, AssignRoles(roles=("ears",), person=GEORGIANA.id))

    passes = await life.open_rows("pairing_pass", "closed_at")
    assert {one["id"]: one["permissions"] for one in passes} == {
        pass_of(CARE.id): sorted(ROLES["support"]),
        pass_of(GEORGIANA.id): ["recordings.play"],
    }
    assert [await is_open(life, one) for one in (CHARLES, GEORGIANA, FITZWILLIAM)] == [
        True, True, False,
    ]  # fmt: skip
    assert await is_open(life, GEORGIANA, "recordings.play")
    assert not await is_open(life, CHARLES, "recordings.play")
    assert not await is_open(life, CHARLES, "configuration.update")


async def test_the_switch_shuts_the_gate_and_loses_nothing(life: StoredPairing) -> None:
    await life.active()
    clone = UUID((await life.says(CHARLES, AddClone())).receipt or "")
    await life.says(CHARLES, BEGIN)
    assert await is_open(life, CHARLES, via=Via.SESSION)

    await life.says(TOM, Suspend(message="Audit week."))
    shut = [await is_open(life, CHARLES), await life.open_rows("session", "ended_at")]
    kept_clones = await life.open_rows("clone", "removed_at")
    await life.says(TOM, Resume())

    assert shut == [False, []]
    assert [one["id"] for one in kept_clones] == [clone]
    assert await is_open(life, CHARLES)


@pytest.mark.parametrize("way", ["revoked", "without roles"])
async def test_nothing_outlives_what_it_rests_on(life: StoredPairing, way: str) -> None:
    await life.active()
    await life.says(CHARLES, AddClone())
    await life.says(CHARLES, BeginSession(mode=Mode.SUPPORT, as_clone=True))
    await life.says(GEORGIANA, BEGIN)
    revoke, remove = Revoke(reason="Enough."), RemoveRoles(roles=("support",))

    outcome = await life.says(TOM, revoke if way == "revoked" else remove)

    assert outcome.status == ("revoked" if way == "revoked" else "paired")
    assert await life.open_rows("session", "ended_at") == []
    assert await life.open_rows("pairing_pass", "closed_at") == []
    assert len(await life.open_rows("clone", "removed_at")) == (way != "revoked")
    assert not await is_open(life, CHARLES)


async def test_a_disruptive_change_passes_the_gate_with_its_own_consent_alone(
    life: StoredPairing,
) -> None:
    await life.active()
    consent = UUID((await life.says(CHARLES, AskConsent(what="Restart."))).receipt or "")
    about = {"action": DISRUPTIVE_CHANGE, "change": str(consent)}
    before = await is_open(life, CHARLES, **about)
    await life.says(TOM, GiveConsent(consent=consent))

    during = await is_open(life, CHARLES, **about)
    another = await is_open(life, CHARLES, DISRUPTIVE_CHANGE, change=str(uuid4()))
    await life.says(CHARLES, RecordChange(what="Restarted.", consent=consent))

    assert (before, during, another) == (False, True, False)
    assert not await is_open(life, CHARLES, **about)


async def test_a_breach_is_mailed_to_both_sides(life: StoredPairing) -> None:
    await life.active()

    outcome = await life.says(CHARLES, RecordChange(what="Restarted.", is_disruptive=True))

    assert await mails(life, outcome.version) == {"change_breach": CUSTOMERS | VENDORS}


async def test_a_customers_list_of_people_shows_the_clone(life: StoredPairing) -> None:
    await life.active()
    clone = (await life.says(CHARLES, AddClone())).receipt

    (listed,) = await Pairings(life.engines).clones()

    assert (str(listed.id), listed.email) == (clone, CHARLES.email)
    assert (listed.organization, listed.vendor) == ("tom-sawyer", "netherfield")
    assert await mails(life, 4) == {"clone_added": CUSTOMERS}


async def test_a_second_offer_for_the_same_group_and_tenant_is_refused(
    life: StoredPairing,
) -> None:
    await life.offered()
    batch = uuid4()
    second = StoredPairing(life.installation, life.clock)
    second.process = process_id_of(batch, TOM_SAWYER.slug)

    refused = await second.says(LOUISA, make_offer(batch=batch))
    await life.says(TOM, Decline(reason="No."))
    accepted = await second.says(LOUISA, make_offer(batch=batch))

    assert (code_of(refused), code_of(accepted)) == ("already_paired", None)


async def test_lists_hold_only_what_one_has_part_in(life: StoredPairing) -> None:
    await life.offered()
    lists = Pairings(life.engines)
    early = await lists.of(GEORGIANA.id)
    await life.says(TOM, await life.accept())
    await life.says(TOM, AssignRoles(roles=("support",)))

    seen = {one.name: len(await lists.of(one.id)) for one in (CHARLES, GEORGIANA, TOM, CAROLINE)}

    assert early == []
    assert seen == {CHARLES.name: 1, GEORGIANA.name: 1, TOM.name: 1, CAROLINE.name: 0}
    assert await lists.of(TOM.id, ["offered"]) == []
    assert len(await lists.ways_in(GEORGIANA.id, TOM_SAWYER.slug)) == 1
    assert await lists.ways_in(GEORGIANA.id, "hundred-acre") == []
    assert await lists.ways_in(FITZWILLIAM.id, TOM_SAWYER.slug) == []


async def test_who_left_the_vendor_finds_nothing_in_the_lists_of_its_group(
    life: StoredPairing,
) -> None:
    await life.active()

    await life.set("person", GEORGIANA.id, organization_id=CLASSICS.id)

    lists = Pairings(life.engines)
    assert await lists.of(GEORGIANA.id) == []
    assert await lists.ways_in(GEORGIANA.id, TOM_SAWYER.slug) == []


async def test_a_session_as_a_clone_is_the_clones_alone(life: StoredPairing) -> None:
    await life.active()
    clone = UUID((await life.says(CHARLES, AddClone())).receipt or "")
    await life.says(CHARLES, BeginSession(mode=Mode.SUPPORT, as_clone=True))
    (session,) = await life.installation.inbox.sessions(CHARLES.id)
    gate = SqlGate(life.engines)

    answers = [
        (await gate.check(one, TOM_SAWYER.id, via=Via.SESSION)).is_open
        for one in (clone, CHARLES.id)
    ]

    assert session.clone == clone
    assert answers == [True, False]
    assert (await gate.check_session(session)).is_open


async def test_a_session_goes_on_by_its_own_pairing_alone(life: StoredPairing) -> None:
    await life.active()
    await life.says(GEORGIANA, BEGIN)
    (session,) = await life.installation.inbox.sessions(GEORGIANA.id)
    gate = SqlGate(life.engines)
    before = await gate.check_session(session)

    await life.set("person", GEORGIANA.id, organization_id=CLASSICS.id)
    await Entries(life.engines).grant(GEORGIANA)

    assert (before.is_open, before.process) == (True, life.process)
    assert (await gate.check(GEORGIANA.id, TOM_SAWYER.id)).is_open  # by the grant
    assert not (await gate.check_session(session)).is_open


async def test_an_operator_finds_what_they_offered_for_a_vendor(life: StoredPairing) -> None:
    await life.set("person", MARY.id, organization_id=CLASSICS.id)
    await life.says(MARY, make_offer(organization="netherfield"))
    lists = Pairings(life.engines)

    found = await lists.of(MARY.id)
    async with life.engines.write.begin() as connection:
        gone = t.role_assignment.c.person_id == MARY.id
        await connection.execute(t.role_assignment.delete().where(gone))

    assert [one.process_id for one in found] == [life.process]
    assert await lists.of(MARY.id) == []


async def test_every_change_has_its_entry_and_every_entry_its_change(life: StoredPairing) -> None:
    await life.active()
    await life.says(CHARLES, AddClone())
    await life.says(CHARLES, BEGIN)
    await life.says(CHARLES, Withdraw())
    life.waits(HOUR)
    await life.says(BECKY, Revoke(reason="Enough."))

    assert await life.audit() == [
        (1, "offered"),
        (2, "accepted"),
        (3, "roles_assigned"),
        (4, "clone_added"),
        (5, "session_begun"),
        (None, "refused.already_decided"),
        (6, "revoked"),
    ]
    await kept(life.engines)


async def test_of_many_who_open_one_link_at_once_one_accepts(
    life: StoredPairing, database_url: URL, clock: CarriedClock
) -> None:
    await life.offered()
    accept = await life.accept()
    said = [await life.signed(who, accept) for who in (TOM, BECKY) * 6]
    other = Installation(engines := connect(database_url, clock))
    other.keys = life.installation.keys
    racers = (life, StoredPairing(other, clock))

    answers = await asyncio.gather(*(racers[turn % 2].hears(one) for turn, one in enumerate(said)))

    await engines.close()
    codes = sorted(code_of(one) or "" for one in answers)
    assert codes == ["", *["link_used"] * 11]
    assert [version for version, _ in await life.audit() if version] == [1, 2]


async def test_of_a_reissue_and_an_acceptance_at_once_the_older_link_wins_or_is_void(
    life: StoredPairing,
) -> None:
    await life.offered()
    said = [await life.signed(TOM, await life.accept()), await life.signed(CHARLES, Reissue())]

    answers = await asyncio.gather(*(life.hears(one) for one in said))

    state = await life.pairing()
    assert [code_of(one) for one in answers] in (
        [None, "not_allowed_now"],
        ["link_invalid", None],
    )
    assert state.status == ("paired" if code_of(answers[0]) is None else "offered")


async def test_two_offers_at_once_make_one_pairing(life: StoredPairing) -> None:
    async def offered(number: int) -> str | None:
        batch = uuid4()
        one = StoredPairing(life.installation, life.clock)
        one.process = process_id_of(batch, TOM_SAWYER.slug)
        return code_of(await one.says((CHARLES, LOUISA)[number % 2], make_offer(batch=batch)))

    answers = await asyncio.gather(*(offered(number) for number in range(6)))

    assert sorted(one or "" for one in answers) == ["", *["already_paired"] * 5]


async def test_offering_and_withdrawing_again_and_again_mails_no_more_links_than_six_an_hour(
    life: StoredPairing, clock: CarriedClock
) -> None:
    async def offers() -> tuple[StoredPairing, str | None]:
        one, batch = StoredPairing(life.installation, clock), uuid4()
        one.process = process_id_of(batch, TOM_SAWYER.slug)
        return one, code_of(await one.says(CHARLES, make_offer(batch=batch)))

    for _ in range(3):
        one, refused = await offers()
        assert refused is None
        assert code_of(await one.says(CHARLES, Reissue())) is None
        await one.says(CHARLES, Withdraw())

    assert (await offers())[1] == "rate_limited"
    life.waits(HOUR)
    assert (await offers())[1] is None
