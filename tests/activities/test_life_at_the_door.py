"""Every command of a tenant access request through the door, and the rows that it writes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from approvals.ports import NoticesOf
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Revoke, Withdraw
from approvals.tenant_access.record import TenantAccess, process_id_of
from store import tables as t
from tests.factories import (
    BATCH,
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    ELIZABETH,
    HUNDRED_ACRE,
    JANE,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    make_request,
)
from tests.store.rows import rows_of
from tests.stored_life import END, StoredLife, code_of, kept


async def grants(life: StoredLife) -> dict[UUID, tuple[Any, bool, datetime | None]]:
    """Return end, no_end and closing of each person's grant."""
    return {
        one["person_id"]: (one["ends_at"], one["no_end"], one["closed_at"])
        for one in await rows_of(life.engines, "access_grant")
    }


async def mails(life: StoredLife, version: int) -> set[tuple[str, UUID]]:
    """Return kind and person of the notices of one version."""
    rows = await rows_of(life.engines, "outbox")
    return {(one["kind"], one["person_id"]) for one in rows if one["version"] == version}


def askers(kind: str) -> set[tuple[str, UUID]]:
    """Return a notice of that kind to the requester and the named people."""
    return {(kind, one.id) for one in (ELIZABETH, CAROLINE, CHARLOTTE)}


async def test_a_submission_writes_the_complete_state_and_the_columns_to_find_it_by(
    life: StoredLife,
) -> None:
    outcome = await life.submitted()

    row = await life.row()
    assert TenantAccess.model_validate_json(row["state"]) == make_request()
    assert (outcome.version, outcome.status, outcome.receipt) == (1, "pending", str(PROCESS))
    assert outcome.due == row["due"] == START + 7 * DAY  # half of the window: the first reminder
    assert (row["kind"], row["version"], row["status"]) == ("tenant_access", 1, "pending")
    assert (row["tenant_id"], row["organization_id"]) == (TOM_SAWYER.id, CLASSICS.id)
    assert (row["requester_id"], row["batch"], row["begun_at"]) == (ELIZABETH.id, BATCH, START)
    involved = await rows_of(life.engines, "involvement")
    assert {one["person_id"] for one in involved} == {CAROLINE.id, CHARLOTTE.id}


async def test_a_submission_queues_mail_for_every_admin_of_the_tenant(life: StoredLife) -> None:
    await life.submitted()

    assert await mails(life, 1) == {("request_received", TOM.id), ("request_received", BECKY.id)}
    assert life.mail.queued == [NoticesOf(process=PROCESS, version=1)]


async def test_a_batch_makes_one_request_a_tenant_and_repeating_it_nothing(
    life: StoredLife,
) -> None:
    second = StoredLife(
        life.installation, life.clock, process=process_id_of(BATCH, HUNDRED_ACRE.slug)
    )
    await life.submitted()
    await second.submitted(HUNDRED_ACRE)

    again = [await life.submitted(), await second.submitted(HUNDRED_ACRE)]

    assert [code_of(one) for one in again] == ["already_submitted"] * 2
    assert len(await rows_of(life.engines, "process")) == 2
    assert (await second.request()).people == (CHARLOTTE.id,)


async def test_a_grant_opens_one_row_a_person(life: StoredLife) -> None:
    outcome = await life.granted()

    assert (outcome.version, outcome.status) == (2, "granted")
    assert await grants(life) == dict.fromkeys((CAROLINE.id, CHARLOTTE.id), (END, False, None))
    assert await mails(life, 2) == askers("request_granted")
    rows = await rows_of(life.engines, "access_grant")
    assert {(one["requested_by"], one["granted_by"]) for one in rows} == {(ELIZABETH.id, TOM.id)}


async def test_a_denial_and_a_withdrawal_open_nothing(life: StoredLife) -> None:
    second = StoredLife(
        life.installation, life.clock, process=process_id_of(BATCH, HUNDRED_ACRE.slug)
    )
    await life.submitted()
    await second.submitted(HUNDRED_ACRE)

    denied = await life.says(TOM, Deny(reason="Not now."))
    withdrawn = await second.says(JANE, Withdraw())

    assert (denied.status, denied.due) == ("denied", None)
    assert (withdrawn.status, withdrawn.due) == ("withdrawn", None)
    assert await grants(life) == {}
    assert await mails(life, 2) >= askers("request_denied")


async def test_the_end_is_moved_removed_and_set_in_the_rows_of_the_gate(life: StoredLife) -> None:
    await life.granted()
    sooner = START + 3 * DAY

    seen = []
    for end in ({"ends_at": sooner}, {"no_end": True}, {"ends_at": END}):
        outcome = await life.says(BECKY, ChangeEnd(**end))
        seen.append((outcome.due, *set((await grants(life)).values())))

    assert seen == [
        (sooner - DAY, (sooner, False, None)),
        (None, (None, True, None)),
        (END - 7 * DAY, (END, False, None)),
    ]
    assert await mails(life, 5) == askers("end_changed")


async def test_a_revocation_closes_the_grants_and_ends_the_sessions(life: StoredLife) -> None:
    await life.granted()
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))
    life.waits(DAY)

    outcome = await life.says(BECKY, Revoke(reason="Enough."))

    (session,) = await rows_of(life.engines, "session")
    assert (outcome.status, outcome.due) == ("revoked", None)
    assert {closed for _, _, closed in (await grants(life)).values()} == {START + DAY}
    assert session["ended_at"] == START + DAY
    assert await mails(life, 4) == askers("access_revoked")


async def test_who_is_done_closes_their_own_row_and_the_last_one_the_request(
    life: StoredLife,
) -> None:
    await life.granted()

    first = await life.says(CAROLINE, Finish())
    closed = {person: end[2] for person, end in (await grants(life)).items()}
    last = await life.says(CHARLOTTE, Finish())

    assert (first.status, closed) == ("granted", {CAROLINE.id: START, CHARLOTTE.id: None})
    assert last.status == "finished"
    assert {closed for _, _, closed in (await grants(life)).values()} == {START}


async def test_a_tm_admin_finishes_for_all(life: StoredLife) -> None:
    await life.granted()

    outcome = await life.says(JANE, Finish(for_all=True))

    assert outcome.status == "finished"
    assert {closed for _, _, closed in (await grants(life)).values()} == {START}


async def test_a_session_is_opened_once_a_mode_and_ended_by_its_person_alone(
    life: StoredLife,
) -> None:
    await life.granted()
    begun = await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))
    (session,) = await rows_of(life.engines, "session")

    foreign = await life.says(CHARLOTTE, EndSession(session=session["id"]))
    ended = await life.says(CAROLINE, EndSession(session=session["id"]))

    assert begun.receipt == str(session["id"])
    assert (session["person_id"], session["mode"]) == (CAROLINE.id, "support")
    assert (code_of(foreign), code_of(ended)) == ("not_found", None)
    assert [one["ended_at"] for one in await rows_of(life.engines, "session")] == [START]


async def test_an_unanswered_request_is_reminded_twice_and_lapses(life: StoredLife) -> None:
    await life.submitted()

    steps = []
    while (due := (await life.request()).due) is not None:
        life.clock.fixed = due
        outcome = await life.ticks()
        steps.append((outcome.version, outcome.status, (due - START).days))

    assert steps == [(2, "pending", 7), (3, "pending", 13), (4, "lapsed", 14)]
    assert await mails(life, 4) == askers("request_lapsed")


async def test_granted_access_is_reminded_twice_and_expires(life: StoredLife) -> None:
    await life.granted()
    await life.says(CAROLINE, BeginSession(mode=Mode.CONFIGURE))

    steps = []
    while (due := (await life.request()).due) is not None:
        life.clock.fixed = due
        outcome = await life.ticks()
        steps.append((outcome.status, (END - due).days))

    assert steps == [("granted", 7), ("granted", 1), ("expired", 0)]
    assert {closed for _, _, closed in (await grants(life)).values()} == {END}
    assert [one["ended_at"] for one in await rows_of(life.engines, "session")] == [END]


async def test_every_change_has_its_entry_and_every_entry_its_change(life: StoredLife) -> None:
    await life.granted()
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))
    await life.says(TOM, ChangeEnd(no_end=True))
    await life.says(CAROLINE, Finish())
    await life.says(BECKY, Revoke(reason="Enough."))

    assert await life.audit() == [
        (1, "submitted"),
        (2, "granted"),
        (3, "session_begun"),
        (4, "end_changed"),
        (5, "finished"),
        (6, "revoked"),
    ]
    await kept(life.engines)


async def test_an_entry_names_who_with_which_key_by_which_way_and_why(life: StoredLife) -> None:
    await life.submitted()
    await life.says(TOM, Deny(reason="Not this month."), nonce="B" * 22, by_signal=True)

    entry = (await life.trail.entries(PROCESS))[-1]

    assert (entry.actor, entry.nonce, entry.channel) == (TOM.id, "B" * 22, "signal")
    assert (entry.event, entry.reason) == ("denied", "Not this month.")
    assert entry.at == START


async def test_what_the_clock_did_is_the_clocks(life: StoredLife) -> None:
    await life.submitted()
    life.clock.fixed = START + 14 * DAY
    await life.ticks()

    entry = (await life.trail.entries(PROCESS))[-1]

    assert (entry.event, entry.channel, entry.actor) == ("lapsed", "clock", UUID(int=0))
    assert (entry.key, entry.nonce, entry.command) == (None, None, None)


async def test_an_admin_who_came_later_is_mailed_and_one_who_left_is_not(
    life: StoredLife,
) -> None:
    await life.submitted()
    async with life.engines.write.begin() as connection:
        roles = t.role_assignment
        await connection.execute(delete(roles).where(roles.c.person_id == TOM.id))
        await connection.execute(
            insert(roles).values(person_id=JANE.id, role="tenant_admin", scope_id=TOM_SAWYER.id)
        )
    life.clock.fixed = START + 7 * DAY

    await life.ticks()

    assert await mails(life, 2) == {("request_reminder", BECKY.id), ("request_reminder", JANE.id)}
