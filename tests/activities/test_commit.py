"""The one door: only what a person's own key signed, once and in time, changes anything."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from approvals.commands import Command
from approvals.people import Person, Role
from approvals.ports import MailQueue, NoticesOf
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import process_id_of
from identity.signing import SigningKey, fresh_nonce
from store import tables as t
from tests.factories import (
    BATCH,
    BECKY,
    CAROLINE,
    CHRISTOPHER,
    DAY,
    ELIZABETH,
    HUNDRED_ACRE,
    JANE,
    LYDIA,
    MARY,
    MINUTE,
    MS,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    make_submit,
)
from tests.installation import key_id
from tests.store.faults import Fault
from tests.store.rows import digest_of
from tests.stored_life import END, StoredLife, code_of, kept

GRANT = Grant(ends_at=END)
DENY = Deny(reason="Not now.")

ALTERED: dict[str, Callable[[dict[str, Any]], object]] = {
    "process_id": lambda body: body.update(process_id=str(uuid4())),
    "command.kind": lambda body: body["command"].update(kind="withdraw"),
    "command.shown": lambda body: body["command"].update(shown="0" * 64),
    "command.args": lambda body: body["command"]["args"].update(ends_at="2026-12-24T12:00:00Z"),
    "actor": lambda body: body.update(actor=str(BECKY.id)),
    "issued_at": lambda body: body.update(issued_at="2026-03-02T09:00:01.000000Z"),
    "key_id": lambda body: body.update(key_id=str(key_id(BECKY))),
    "nonce": lambda body: body.update(nonce=fresh_nonce()),
}


def altered(said: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the message with another content under the old signature."""
    body = json.loads(said)
    change(body)
    return json.dumps(body).encode()


class BrokenQueue(MailQueue):
    """Breaks the worker off right after the database's commit."""

    async def enqueue(self, notices: NoticesOf, fairness_key: str) -> None:
        raise RuntimeError("the worker was killed")


@pytest.mark.parametrize("by_signal", [False, True], ids=["update", "signal"])
async def test_a_message_with_any_signed_field_altered_changes_nothing(
    life: StoredLife, by_signal: bool
) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT)
    before = await digest_of(life.engines, besides=("audit", "refusal"))

    codes = {
        field: code_of(await life.hears(altered(said, change), by_signal=by_signal))
        for field, change in ALTERED.items()
    }

    assert codes == dict.fromkeys(ALTERED, "invalid_decision")
    assert await digest_of(life.engines, besides=("audit", "refusal")) == before
    assert code_of(await life.hears(said)) is None


async def test_a_message_without_a_good_signature_changes_nothing(life: StoredLife) -> None:
    await life.submitted()
    body = json.loads(await life.signed(TOM, GRANT))
    right = body.pop("signature")
    before = await digest_of(life.engines, besides=("audit", "refusal"))

    codes = [
        code_of(await life.hears(json.dumps(message).encode()))
        for message in (
            body,
            {**body, "signature": ""},
            {**body, "signature": None},
            {**body, "signature": "A" * 86},
            {**body, "signature": right[:-1]},
            json.loads(life.resigned(BECKY, body)),  # the same words
        )
    ]

    assert codes == ["invalid_decision"] * 6
    assert await digest_of(life.engines, besides=("audit", "refusal")) == before


async def test_the_same_bytes_a_hundred_times_have_one_effect_and_one_answer(
    life: StoredLife,
) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT)
    first = await life.hears(said)
    after = await digest_of(life.engines)

    again = [await life.hears(said, by_signal=turn % 2 == 1) for turn in range(99)]

    assert again == [first] * 99
    assert (first.version, first.status) == (2, "granted")
    assert await digest_of(life.engines) == after


async def test_a_repeated_command_is_answered_the_same_when_it_is_old_and_overtaken(
    life: StoredLife,
) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT)
    first = await life.hears(said)
    await life.says(BECKY, Revoke(reason="Enough."))
    life.waits(DAY)

    again = await life.hears(said)

    assert (again.receipt, again.refusal) == (first.receipt, first.refusal)
    assert (again.version, again.status) == (3, "revoked")  # where the row stands now


async def test_a_refusal_too_is_answered_the_same_for_ever(life: StoredLife) -> None:
    await life.submitted()
    said = await life.signed(TOM, ChangeEnd(ends_at=END))
    first = await life.hears(said)
    await life.says(TOM, GRANT)

    again = await life.hears(said)

    assert code_of(first) == "not_allowed_now"
    assert (again.receipt, again.refusal) == (first.receipt, first.refusal)


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (-30 * timedelta(seconds=1), None),
        (-30 * timedelta(seconds=1) - MS, "command_stale"),
        (5 * MINUTE - MS, None),
        (5 * MINUTE, "command_stale"),
    ],
    ids=["30 s early", "more than 30 s early", "just within 5 min", "5 min + 0 s"],
)
async def test_a_command_counts_from_thirty_seconds_before_to_five_minutes_after(
    life: StoredLife, late: timedelta, expected: str | None
) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT, at=life.now + DAY)
    life.waits(DAY + late)

    outcome = await life.hears(said)

    assert code_of(outcome) == expected


async def test_a_message_copied_to_another_process_is_refused_there(life: StoredLife) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT)
    second = process_id_of(BATCH, HUNDRED_ACRE.slug)
    other = StoredLife(life.installation, life.clock, process=second)
    await other.submitted(HUNDRED_ACRE)

    outcome = await life.hears(said, process=other.process)

    assert outcome.refusal is not None
    assert outcome.refusal.code == "invalid_decision"
    assert "another process" in outcome.refusal.sentence
    assert await other.audit() == [(1, "submitted"), (None, "refused.invalid_decision")]


async def test_a_nonce_with_another_body_is_refused_and_keeps_its_first_outcome(
    life: StoredLife,
) -> None:
    await life.submitted()
    nonce = fresh_nonce()
    said = await life.signed(TOM, GRANT, nonce=nonce)
    first = await life.hears(said)

    second = await life.says(TOM, Revoke(reason="Enough."), nonce=nonce)

    assert code_of(second) == "nonce_reused"
    assert await life.hears(said) == first
    assert (await life.request()).status == "granted"


async def test_nobody_burns_the_nonce_of_another_key(life: StoredLife) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT)
    nonce = json.loads(said)["nonce"]
    await life.says(BECKY, Withdraw(), nonce=nonce)
    await life.says(LYDIA, DENY, nonce=nonce)
    await life.hears(altered(said, ALTERED["command.kind"]))

    outcome = await life.hears(said)

    assert (code_of(outcome), outcome.status) == (None, "granted")


async def test_a_key_speaks_for_its_own_person_only(life: StoredLife) -> None:
    await life.submitted()

    outcome = await life.says(BECKY, GRANT, actor=TOM)

    assert code_of(outcome) == "key_refused"


async def test_a_key_that_nobody_enrolled_signs_nothing(life: StoredLife) -> None:
    await life.submitted()
    key = SigningKey.fresh()  # such as the one that signs session assertions
    grant = GRANT.model_copy(update={"shown": await life.installation.shown(PROCESS)})

    codes = [
        code_of(
            await life.hears(
                key.signed(
                    PROCESS,
                    grant,
                    actor=TOM.id,
                    key_id=one,
                    issued_at=life.now,
                    nonce=fresh_nonce(),
                )
            )
        )
        for one in (uuid4(), key_id(TOM))
    ]

    assert codes == ["invalid_decision"] * 2


@pytest.mark.parametrize(
    ("table", "one", "changes"),
    [
        ("key", key_id(TOM), {"revoked_at": START - MINUTE}),
        ("key", key_id(TOM), {"expires_at": START}),
        ("person", TOM.id, {"is_active": False}),
        ("organization", TOM_SAWYER.organization, {"is_active": False}),
    ],
    ids=["revoked key", "expired key", "disabled person", "disabled organization"],
)
async def test_what_no_longer_holds_signs_nothing(
    life: StoredLife, table: str, one: UUID, changes: dict[str, Any]
) -> None:
    await life.submitted()
    await life.set(table, one, **changes)

    outcome = await life.says(TOM, GRANT)

    assert code_of(outcome) == "key_refused"
    assert (await life.request()).status == "pending"


async def test_who_lacks_the_part_is_refused_and_strangers_learn_nothing(life: StoredLife) -> None:
    await life.submitted()
    asked: list[tuple[Person, Command, str]] = [
        (CHRISTOPHER, GRANT, "not_found"),  # another tenant's admin
        (WICKHAM, Withdraw(), "not_found"),  # another partner's TM admin
        (LYDIA, Withdraw(), "not_found"),  # a colleague without a part
        (MARY, GRANT, "not_found"),  # the operator
        (ELIZABETH, GRANT, "role_not_approvable"),
        (CAROLINE, GRANT, "role_not_approvable"),
        (JANE, DENY, "role_not_approvable"),
        (TOM, Withdraw(), "role_not_approvable"),
        (TOM, Finish(for_all=True), "role_not_approvable"),
    ]

    answers = [(who, what, code_of(await life.says(who, what))) for who, what, _ in asked]

    assert answers == asked
    assert (await life.request()).version == 1


@pytest.mark.parametrize("decider", [ELIZABETH, CAROLINE], ids=["requester", "named person"])
async def test_nobody_decides_for_themselves_although_they_hold_the_role(
    life: StoredLife, decider: Person
) -> None:
    await life.submitted()
    async with life.engines.write.begin() as connection:
        await connection.execute(
            insert(t.role_assignment).values(
                person_id=decider.id, role=Role.TENANT_ADMIN.value, scope_id=TOM_SAWYER.id
            )
        )

    codes = [code_of(await life.says(decider, one)) for one in (GRANT, DENY)]

    assert codes == ["own_request", "own_request"]


@pytest.mark.parametrize(
    ("offset", "expected", "then"),
    [(-MS, None, "granted"), (0 * MS, "too_late", "lapsed"), (MS, "too_late", "lapsed")],
    ids=["1 ms before", "at due_at", "1 ms after"],
)
async def test_a_decision_counts_until_due_at_and_not_at_it(
    life: StoredLife, offset: timedelta, expected: str | None, then: str
) -> None:
    await life.submitted()
    life.clock.fixed = (await life.request()).due_at + offset

    outcome = await life.says(TOM, Grant(no_end=True))

    assert code_of(outcome) == expected
    assert (await life.ticks()).status == then


async def test_a_decision_on_what_changed_meanwhile_gets_the_difference(life: StoredLife) -> None:
    await life.granted()
    seen = await life.installation.shown(PROCESS)
    await life.says(TOM, ChangeEnd(no_end=True))

    outcome = await life.says(BECKY, ChangeEnd(ends_at=END, shown=seen))

    assert outcome.refusal is not None
    assert outcome.refusal.code == "stale"
    assert "without an end date" in outcome.refusal.sentence


async def test_a_tick_before_anything_is_due_changes_nothing_and_says_when(
    life: StoredLife,
) -> None:
    sent = await life.submitted()
    before = await digest_of(life.engines)

    early = await life.ticks()

    assert (early.version, early.status, early.due) == (1, "pending", sent.due)
    assert await digest_of(life.engines) == before


async def test_a_tick_for_a_process_that_is_not_there_leaves_no_trace(life: StoredLife) -> None:
    before = await digest_of(life.engines)

    outcome = await life.ticks()

    assert (outcome.version, outcome.status, outcome.refusal) == (0, "", None)
    assert await digest_of(life.engines) == before


async def test_a_tick_that_is_repeated_does_its_work_once(life: StoredLife) -> None:
    await life.submitted()
    life.clock.fixed = (await life.request()).due_at
    first = await life.ticks()
    after = await digest_of(life.engines)

    again = await life.ticks()

    assert (first.version, first.status) == (2, "lapsed")
    assert (again.version, again.status) == (2, "lapsed")
    assert await digest_of(life.engines) == after


async def test_the_second_admin_is_told_who_was_first_and_when(life: StoredLife) -> None:
    await life.submitted()
    await life.says(TOM, DENY)

    outcome = await life.says(BECKY, GRANT)

    assert outcome.refusal is not None
    assert outcome.refusal.sentence == (
        "This request was already denied by Tom Sawyer on 2026-03-02 09:00:00 UTC."
        " Nothing was changed."
    )


async def test_a_worker_killed_after_the_databases_commit_repeats_nothing(
    life: StoredLife,
) -> None:
    dying = StoredLife(life.installation, life.clock, mail=BrokenQueue())
    said = await life.signed(ELIZABETH, make_submit())
    with pytest.raises(RuntimeError):
        await dying.hears(said)
    after = await digest_of(life.engines)

    outcome = await life.hears(said)

    assert (outcome.version, outcome.status) == (1, "pending")
    assert await digest_of(life.engines) == after


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE process",
        "INSERT INTO access_grant",
        "UPDATE session",
        "INSERT INTO audit",
        "INSERT INTO outbox",
        "INSERT INTO command",
        "COMMIT",
    ],
)
async def test_a_fault_in_the_middle_of_writing_leaves_nothing_half_done(
    life: StoredLife, statement: str
) -> None:
    await life.submitted()
    said = await life.signed(TOM, GRANT)
    before = await digest_of(life.engines)

    with Fault(life.engines, statement), pytest.raises(ConnectionError):
        await life.hears(said)

    assert await digest_of(life.engines) == before
    assert (await life.hears(said)).status == "granted"
    await kept(life.engines)
