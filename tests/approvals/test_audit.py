"""The audit chain: whatever is done to it afterwards is found."""

import hashlib
from typing import Any

import pytest

from approvals.audit import GENESIS, AuditEntry, breaches, text_hash
from approvals.canonical import digest
from tests.factories import ELIZABETH, MINUTE, PROCESS, START, TOM, make_id

VERSIONS = (1, None, 2, None, 3)  # a refusal stands between two changes
VERSION = 3
STATE = digest({"version": VERSION})


def make_entry(seq: int, version: int | None, previous: str) -> AuditEntry:
    """Return one sealed entry; entries without a version are refusals."""
    return AuditEntry(
        process=PROCESS,
        seq=seq,
        version=version,
        at=START + seq * MINUTE,
        actor=TOM.id,
        channel="cli",
        key=make_id("key"),
        nonce="C" * 22,
        command="0" * 64,
        event="granted" if version else "refused:already_decided",
        reason="Welcome." if version else None,
        state=digest({"version": version}) if version else None,
        previous=previous,
    ).sealed()


def make_chain() -> tuple[AuditEntry, ...]:
    """Return a good chain of five entries whose row is at version 3."""
    chain: list[AuditEntry] = []
    for seq, version in enumerate(VERSIONS, start=1):
        chain.append(make_entry(seq, version, chain[-1].hash if chain else GENESIS))
    return tuple(chain)


def altered(number: int, **changes: Any) -> tuple[AuditEntry, ...]:
    """Return the chain with other content in one entry, counted from 0."""
    chain = list(make_chain())
    chain[number] = chain[number].model_copy(update=changes)
    return tuple(chain)


def rewritten(number: int, **changes: Any) -> tuple[AuditEntry, ...]:
    """Return the chain with one entry changed, and it and all after it sealed anew."""
    chain = list(altered(number, **changes))
    for place in range(number, len(chain)):
        previous = chain[place - 1].hash if place else GENESIS
        chain[place] = chain[place].model_copy(update={"previous": previous}).sealed()
    return tuple(chain)


def flipped(text: str) -> str:
    """Return a text whose first character has another lowest bit."""
    return chr(ord(text[0]) ^ 1) + text[1:]


def test_a_good_chain_verifies() -> None:
    assert breaches(make_chain(), VERSION, STATE) == ()


def test_a_chain_read_back_from_json_verifies() -> None:
    texts = [one.model_dump_json() for one in make_chain()]

    chain = tuple(AuditEntry.model_validate_json(text) for text in texts)

    assert breaches(chain, VERSION, STATE) == ()


def test_a_chain_without_a_row_verifies_by_itself() -> None:
    assert breaches(make_chain(), None, None) == ()


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"at": START}, id="time"),
        pytest.param({"actor": ELIZABETH.id}, id="actor"),
        pytest.param({"actor": None}, id="no actor"),
        pytest.param({"channel": flipped("cli")}, id="channel"),
        pytest.param({"key": make_id("other")}, id="key"),
        pytest.param({"nonce": flipped("C" * 22)}, id="nonce"),
        pytest.param({"command": flipped("0" * 64)}, id="command"),
        pytest.param({"event": flipped("granted")}, id="event"),
        pytest.param({"reason": "Never."}, id="reason"),
        pytest.param({"state": "f" * 64}, id="state"),
        pytest.param({"left_out": 1}, id="left out"),
        pytest.param({"process": make_id("other")}, id="process"),
        pytest.param({"seq": 9}, id="seq"),
        pytest.param({"version": 9}, id="version"),
        pytest.param({"hash": "f" * 64}, id="hash"),
        pytest.param({"previous": "f" * 64}, id="previous"),
        pytest.param({"previous": "no hex digits"}, id="previous of other letters"),
        pytest.param({"hash": ""}, id="no hash"),
        pytest.param({"reason": "\ud800"}, id="a text that is no Unicode"),
        pytest.param({"left_out": 2**53}, id="a number beyond what the form holds"),
    ],
)
def test_a_change_of_any_field_of_any_entry_is_found(number: int, changes: dict[str, Any]) -> None:
    found = breaches(altered(number, **changes), VERSION, STATE)

    assert found


@pytest.mark.parametrize("number", range(4))
def test_a_deleted_entry_is_found_where_it_is_missing(number: int) -> None:
    chain = make_chain()

    found = breaches(chain[:number] + chain[number + 1 :], VERSION, STATE)

    assert f"{PROCESS} entry {number + 2}: number {number + 1} should stand here." in found
    assert f"{PROCESS} entry {number + 2}: it does not follow the entry before it." in found


def test_entries_after_a_deleted_one_are_not_blamed() -> None:
    chain = make_chain()

    found = breaches(chain[:1] + chain[2:], VERSION, STATE)

    assert not any("entry 4" in one or "entry 5" in one for one in found)


@pytest.mark.parametrize("number", range(4))
def test_two_swapped_entries_are_found(number: int) -> None:
    chain = list(make_chain())
    chain[number], chain[number + 1] = chain[number + 1], chain[number]

    found = breaches(tuple(chain), VERSION, STATE)

    assert any("should stand here" in one for one in found)


def test_an_entry_told_twice_is_found() -> None:
    chain = make_chain()

    found = breaches((*chain[:2], *chain[1:]), VERSION, STATE)

    assert found


@pytest.mark.parametrize("kept", range(5))
def test_a_tail_cut_back_past_a_change_is_found_by_the_rows_version(kept: int) -> None:
    found = breaches(make_chain()[:kept], VERSION, STATE)

    assert "the row is at version 3, the chain is not: the end was cut." in found


def test_a_row_put_back_to_an_older_version_is_found() -> None:
    assert breaches(make_chain(), 2, digest({"version": 2}))


def test_a_changed_row_is_found_by_what_the_chain_recorded() -> None:
    found = breaches(make_chain(), VERSION, digest({"version": 3, "no_end": True}))

    assert found == ("the row's content is not what the chain's last entry recorded.",)


@pytest.mark.parametrize("number", range(4))
def test_a_rewritten_entry_breaks_the_one_after_it(number: int) -> None:
    chain = list(make_chain())
    chain[number] = chain[number].model_copy(update={"actor": ELIZABETH.id}).sealed()

    found = breaches(tuple(chain), VERSION, STATE)

    assert found == (f"{PROCESS} entry {number + 2}: it does not follow the entry before it.",)


def test_a_change_rewritten_to_the_end_is_found_by_the_row() -> None:
    found = breaches(rewritten(4, state="f" * 64), VERSION, STATE)

    assert found == ("the row's content is not what the chain's last entry recorded.",)


def test_a_chain_rewritten_to_the_end_has_another_head_for_a_checkpoint_to_show() -> None:
    forged = rewritten(1, actor=ELIZABETH.id)

    assert breaches(forged, VERSION, STATE) == ()
    assert forged[-1].hash != make_chain()[-1].hash


def test_a_version_that_was_left_out_is_found_although_the_chain_is_sealed() -> None:
    found = breaches(rewritten(2, version=None), VERSION, STATE)

    assert f"{PROCESS} entry 5: version 2 should stand here." in found


def test_a_reasons_digest_is_the_sha_256_of_its_utf_8() -> None:
    found = text_hash("Zo\u00eb")

    assert found == hashlib.sha256(b"Zo\xc3\xab").hexdigest()
