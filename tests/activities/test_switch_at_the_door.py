"""Every command of a customer's access through the door, the rows it writes, and its mail."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert

from approvals.customer_access.commands import BeginSession, Disable
from approvals.customer_access.record import LONGEST_VISIT, CustomerAccess
from approvals.sessions import EndSession
from approvals.tenant_access.commands import ChangeEnd, Deny, Grant, Revoke
from approvals.tenant_access.record import process_id_of
from store import tables as t
from store.gate import SqlGate
from tests.factories import (
    BATCH,
    BECKY,
    CAROLINE,
    CLASSICS,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    JANE,
    MARY,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    make_submit,
)
from tests.installation import CarriedClock, Installation
from tests.store.rows import rows_of
from tests.stored_life import END, StoredLife, code_of, kept
from tests.switching import NEWER, ON, OTHER_SWITCH, SWITCH, accepting, fill

OFF, ENTERS = Disable(), BeginSession()


@pytest.fixture
async def switch(installation: Installation, clock: CarriedClock) -> StoredLife:
    """The switch of one customer, which nobody has turned yet."""
    await fill(installation.engines)
    return StoredLife(installation, clock, process=SWITCH)


async def stored(life: StoredLife) -> CustomerAccess:
    """Return the stored state."""
    state = await life.installation.inbox.state(life.process)
    assert isinstance(state, CustomerAccess)
    return state


async def accepted(life: StoredLife) -> None:
    """Let Jane switch it on, and Tom accept."""
    assert (await life.says(JANE, ON)).refusal is None
    assert (await life.says(TOM, accepting())).refusal is None


async def mails(life: StoredLife) -> list[set[tuple[str, UUID]]]:
    """Return kind and person of the notices of each version, oldest first."""
    rows = await life.outbox()
    return [
        {(one["kind"], one["person_id"]) for one in rows if one["version"] == version}
        for version in range(1, (await stored(life)).version + 1)
    ]


async def test_switching_on_writes_the_row_and_the_columns_to_find_it_by(
    switch: StoredLife,
) -> None:
    outcome = await switch.says(JANE, ON)

    row = await switch.row()
    assert (outcome.version, outcome.status, outcome.due) == (1, "pending", None)
    assert outcome.receipt == str(SWITCH)
    assert (row["kind"], row["is_closed"]) == ("customer_access", False)
    assert (row["organization_id"], row["customer_id"]) == (CLASSICS.id, FENCE_PAINTING.id)
    assert (row["tenant_id"], row["requester_id"]) == (None, JANE.id)


async def test_a_life_has_its_entries_and_its_mails(switch: StoredLife) -> None:
    await accepted(switch)
    await switch.says(TOM, ENTERS)
    await switch.says(JANE, OFF)
    await switch.says(JANE, ON)

    assert await switch.audit() == [
        (1, "enabled"), (2, "accepted"), (3, "session_begun"), (4, "disabled"), (5, "enabled"),
    ]  # fmt: skip
    in_charge = (TOM.id, BECKY.id)  # Becky holds two such roles and is told once
    on = {("customer_enabled", one) for one in in_charge}
    off = {("customer_disabled", one) for one in (*in_charge, JANE.id)}
    assert await mails(switch) == [on, {("terms_accepted", JANE.id)}, set(), off, on]
    assert len(await switch.outbox()) == 8
    await kept(switch.engines)


async def test_a_mail_names_both_sides_and_who_accepted(switch: StoredLife) -> None:
    await accepted(switch)

    (mail,) = [one for one in await switch.outbox() if one["kind"] == "terms_accepted"]
    assert mail["facts"]["organization"] == CLASSICS.name
    assert mail["facts"]["customer"] == FENCE_PAINTING.name
    assert (mail["facts"]["person_name"], mail["facts"]["terms"]) == (TOM.name, "1")


async def test_a_repeated_turn_is_refused_in_a_sentence_that_says_how_it_stands(
    switch: StoredLife,
) -> None:
    await accepted(switch)

    again = await switch.says(JANE, ON)

    assert code_of(again) == "already_decided"
    assert again.refusal is not None
    assert "already switched on by Jane Bennet" in again.refusal.sentence
    assert "It is accepted: the customer's people can sign in." in again.refusal.sentence
    assert again.version == 2


async def test_the_newest_terms_of_the_policy_are_what_is_accepted(
    installation: Installation, clock: CarriedClock
) -> None:
    await fill(installation.engines)
    switch = StoredLife(installation, clock, NEWER, process=SWITCH)
    await switch.says(JANE, ON)

    older = await switch.says(TOM, accepting("1"))
    newer = await switch.says(TOM, accepting("2"))

    assert (code_of(older), code_of(newer)) == ("stale", None)
    state = await stored(switch)
    assert state.accepted is not None
    assert (state.accepted.terms, state.accepted.person, state.accepted.at) == ("2", TOM.id, START)


async def test_a_visit_is_a_row_without_a_tenant_and_the_newer_one_replaces_it(
    switch: StoredLife,
) -> None:
    await accepted(switch)

    first = await switch.says(TOM, ENTERS)
    switch.waits(HOUR)
    second = await switch.says(TOM, ENTERS)

    rows = {str(one["id"]): one for one in await rows_of(switch.engines, "session")}
    assert second.due == START + HOUR + LONGEST_VISIT
    assert rows[first.receipt or ""]["ended_at"] == START + HOUR
    assert rows[second.receipt or ""]["ended_at"] is None
    assert {(one["mode"], one["tenant_id"]) for one in rows.values()} == {("platform", None)}


async def test_a_visit_ends_by_its_person_by_the_switch_and_by_the_clock(
    switch: StoredLife,
) -> None:
    await accepted(switch)

    ends = []
    for ending in ("person", "switch", "clock"):
        begun = await switch.says(TOM, ENTERS)
        switch.waits(HOUR)
        if ending == "person":
            await switch.says(TOM, EndSession(session=UUID(begun.receipt)))
        elif ending == "switch":
            await switch.says(JANE, OFF)
            await switch.says(JANE, ON)
        else:
            switch.clock.fixed = begun.due
            await switch.ticks()
        rows = await rows_of(switch.engines, "session")
        ends.append(next(one["ended_at"] for one in rows if str(one["id"]) == begun.receipt))

    assert ends == [START + HOUR, START + 2 * HOUR, START + 2 * HOUR + LONGEST_VISIT]
    assert (await stored(switch)).due is None


async def test_a_customer_that_is_switched_off_keeps_every_right_in_gatehouse(
    switch: StoredLife,
) -> None:
    await accepted(switch)
    request, other, third = (
        StoredLife(switch.installation, switch.clock, process=process_id_of(batch, TOM_SAWYER.slug))
        for batch in (BATCH, CLASSICS.id, FENCE_PAINTING.id)
    )
    for one, batch in ((request, BATCH), (other, CLASSICS.id), (third, FENCE_PAINTING.id)):
        await one.says(ELIZABETH, make_submit(batch=batch))
    await request.says(TOM, Grant(ends_at=END))

    await switch.says(JANE, OFF)
    shortened = await request.says(TOM, ChangeEnd(ends_at=START + DAY))
    revoked = await request.says(BECKY, Revoke(reason="Enough."))
    denied = await other.says(TOM, Deny(reason="Not now."))
    granted = await third.says(BECKY, Grant(ends_at=END))

    assert [code_of(one) for one in (shortened, revoked, denied, granted)] == [None] * 4
    assert (revoked.status, denied.status, granted.status) == ("revoked", "denied", "granted")
    gate = SqlGate(switch.engines)
    assert (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
    assert not (await gate.check_platform(TOM.id, CLASSICS.id)).is_open


async def test_two_partners_switch_one_customer_without_each_other(switch: StoredLife) -> None:
    other = StoredLife(switch.installation, switch.clock, process=OTHER_SWITCH)
    await accepted(switch)
    await other.says(WICKHAM, ON)

    await other.says(WICKHAM, OFF)
    foreign = [await switch.says(WICKHAM, OFF), await other.says(JANE, ON)]

    assert [code_of(one) for one in foreign] == ["not_found", "not_found"]
    assert ((await stored(switch)).status, (await stored(other)).status) == ("accepted", "disabled")


async def test_who_starts_a_switch_under_another_number_starts_nothing(switch: StoredLife) -> None:
    stray = StoredLife(switch.installation, switch.clock, process=PROCESS)

    outcome = await stray.says(JANE, ON)

    assert code_of(outcome) == "invalid_decision"
    assert await rows_of(switch.engines, "process") == []


async def test_an_operator_starts_it_and_the_audit_names_both(switch: StoredLife) -> None:
    named = ON.model_copy(update={"partner": CLASSICS.slug})

    outcome = await switch.says(MARY, named)

    (entry,) = await switch.trail.entries(SWITCH)
    assert outcome.status == "pending"
    assert (entry.actor, entry.reason) == (MARY.id, "tom-sawyer for classics")


async def test_without_anybody_in_charge_it_is_switched_on_all_the_same(
    switch: StoredLife,
) -> None:
    for one in (TOM, BECKY):
        await switch.disable(one)

    outcome = await switch.says(JANE, ON)

    assert outcome.status == "pending"
    assert await switch.outbox() == []


async def test_a_new_tenants_admin_is_told_too(switch: StoredLife) -> None:
    await accepted(switch)
    tenant = {
        "id": UUID(int=77), "slug": "second", "name": "Second", "time_zone": "UTC", "locale": "en",
        "organization_id": FENCE_PAINTING.id, "is_on": True, "is_locked": False,
    }  # fmt: skip
    role = {"person_id": CAROLINE.id, "role": "tenant_admin", "scope_id": tenant["id"]}
    async with switch.engines.write.begin() as connection:
        await connection.execute(insert(t.tenant).values(tenant))
        await connection.execute(insert(t.role_assignment).values(role))

    await switch.says(JANE, OFF)

    assert ("customer_disabled", CAROLINE.id) in (await mails(switch))[-1]


@pytest.mark.parametrize("early", [timedelta(microseconds=1), HOUR])
async def test_an_early_tick_ends_no_visit(switch: StoredLife, early: timedelta) -> None:
    await accepted(switch)
    begun = await switch.says(TOM, ENTERS)
    assert begun.due is not None
    switch.clock.fixed = begun.due - early

    outcome = await switch.ticks()

    assert (outcome.version, outcome.due) == (3, begun.due)
