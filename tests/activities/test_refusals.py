"""Refusals are audited and capped, and change nothing else."""

from uuid import uuid4

import pytest

from approvals import audit
from approvals.tenant_access.commands import Deny, Grant, Revoke, Withdraw
from approvals.tenant_access.record import process_id_of
from tests.factories import (
    BATCH,
    BECKY,
    HUNDRED_ACRE,
    LYDIA,
    MINUTE,
    START,
    TOM,
    make_submit,
)
from tests.installation import key_id
from tests.store.faults import Fault
from tests.store.rows import REFUSED, digest_of, rows_of
from tests.stored_life import END, StoredLife, code_of, kept

NONSENSE = b"\x00\xff"
REFUSAL = (None, "refused.invalid_decision")


async def test_a_refusal_writes_one_entry_without_a_version_and_changes_nothing_else(
    life: StoredLife,
) -> None:
    await life.submitted()
    before = await digest_of(life.engines, besides=REFUSED)

    outcome = await life.says(LYDIA, Withdraw())

    assert (outcome.version, outcome.status, code_of(outcome)) == (1, "pending", "not_found")
    assert await digest_of(life.engines, besides=REFUSED) == before
    assert await life.audit() == [(1, "submitted"), (None, "refused.not_found")]


async def test_a_refusal_sends_no_mail(life: StoredLife) -> None:
    await life.submitted()
    queued = list(life.mail.queued)

    await life.says(LYDIA, Withdraw())

    assert life.mail.queued == queued


async def test_a_refused_command_is_recorded_with_its_person_key_and_digest(
    life: StoredLife,
) -> None:
    await life.submitted()

    await life.says(LYDIA, Withdraw(), nonce="A" * 22)

    (entry,) = [one for one in await life.trail.entries(life.process) if one.version is None]
    assert (entry.actor, entry.key, entry.nonce) == (LYDIA.id, key_id(LYDIA), "A" * 22)
    assert (entry.channel, len(entry.command or "")) == ("cli", 64)


async def test_what_nobody_signed_is_recorded_as_nobodys(life: StoredLife) -> None:
    await life.submitted()
    said = await life.signed(TOM, Grant(ends_at=END))

    await life.hears(said.replace(b'"signature":"', b'"signature":"AAAA')[:-6] + b'"}')

    (entry,) = [one for one in await life.trail.entries(life.process) if one.version is None]
    assert (entry.actor, entry.key, entry.nonce, entry.channel) == (None, None, None, "unknown")
    assert len(await rows_of(life.engines, "command")) == 1  # the submission's, nothing of Tom's


async def test_one_entry_a_reason_and_minute_is_written_and_the_next_carries_the_count(
    life: StoredLife,
) -> None:
    await life.submitted()
    for _ in range(10):
        await life.hears(NONSENSE)
    capped = await life.audit()
    life.waits(MINUTE)
    await life.hears(NONSENSE)

    counts = [one.left_out for one in await life.trail.entries(life.process)]

    assert capped == [(1, "submitted"), REFUSAL]
    assert await life.audit() == [(1, "submitted"), REFUSAL, REFUSAL]
    assert counts == [0, 0, 9]


async def test_the_count_starts_anew_after_it_was_told(life: StoredLife) -> None:
    await life.submitted()
    for minute in range(3):
        life.clock.fixed = START + minute * MINUTE
        for _ in range(3 - minute):
            await life.hears(NONSENSE)

    counts = [one.left_out for one in await life.trail.entries(life.process)]

    assert counts == [0, 0, 2, 1]


async def test_another_reason_or_process_has_its_own_cap(life: StoredLife) -> None:
    await life.submitted()
    other = StoredLife(
        life.installation, life.clock, process=process_id_of(BATCH, HUNDRED_ACRE.slug)
    )
    await other.submitted(HUNDRED_ACRE)
    for _ in range(2):
        await life.hears(NONSENSE)
        await life.says(LYDIA, Withdraw())
        await other.hears(NONSENSE)

    assert await life.audit() == [(1, "submitted"), REFUSAL, (None, "refused.not_found")]
    assert await other.audit() == [(1, "submitted"), REFUSAL]


async def test_what_names_no_process_goes_to_the_chain_of_the_installation(
    life: StoredLife,
) -> None:
    for _ in range(3):
        await life.hears(NONSENSE, process=uuid4())
    await life.says(TOM, Grant(ends_at=END, shown="0" * 64))

    entries = await life.trail.entries(audit.INSTALLATION)

    assert [one.event for one in entries] == ["refused.invalid_decision", "refused.not_found"]
    assert await rows_of(life.engines, "process") == []
    await kept(life.engines)


async def test_a_submission_that_is_refused_leaves_no_process(life: StoredLife) -> None:
    before = await digest_of(life.engines, besides=REFUSED)

    outcome = await life.says(TOM, make_submit())

    assert (outcome.version, code_of(outcome)) == (0, "role_not_approvable")
    assert await digest_of(life.engines, besides=REFUSED) == before


async def test_the_chain_verifies_with_refusals_between_the_changes(life: StoredLife) -> None:
    await life.submitted()
    await life.hears(NONSENSE)
    await life.says(LYDIA, Withdraw())
    await life.says(TOM, Grant(ends_at=END))
    await life.says(BECKY, Deny(reason="No."))
    await life.says(BECKY, Revoke(reason="No."))

    entries = await life.trail.entries(life.process)

    assert [one.seq for one in entries] == [1, 2, 3, 4, 5, 6]
    assert [one.version for one in entries] == [1, None, None, 2, None, 3]
    await kept(life.engines)


async def test_a_refusal_that_cannot_be_audited_is_no_answer(life: StoredLife) -> None:
    await life.submitted()
    before = await digest_of(life.engines)

    with Fault(life.engines, "INSERT INTO audit"), pytest.raises(ConnectionError):
        await life.says(LYDIA, Withdraw())

    assert await digest_of(life.engines) == before
