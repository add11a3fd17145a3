"""Signatures: what a client signs is what the door verifies, byte for byte."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.commands import Command
from approvals.tenant_access.commands import Deny, Grant, Submit
from identity.files import SecretFileError
from identity.signing import Ed25519Signatures, SigningKey, decoded, encoded, fresh_nonce
from tests.factories import BATCH, CAROLINE, PROCESS, START, TOM, make_id, parsed

KEY = SigningKey.fresh()
SIGNATURES = Ed25519Signatures()
DENY = Deny(reason="Not now.", shown="0" * 64)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp", "Cn")))


def signed(command: Command = DENY, **changes: object) -> bytes:
    """Return a message of Tom's."""
    envelope = {
        "actor": TOM.id,
        "key_id": make_id("key"),
        "issued_at": START,
        "nonce": "C" * 22,
        **changes,
    }
    return KEY.signed(PROCESS, command, **envelope)  # type: ignore[arg-type]


def holds(message: bytes) -> bool:
    """Whether the message's signature is good, as the door asks it."""
    found = parsed(message)
    return SIGNATURES.holds(KEY.public, found.body, found.signature)


def test_a_signed_message_is_read_as_what_was_meant() -> None:
    found = parsed(signed())

    assert (found.process, found.actor, found.key) == (PROCESS, TOM.id, make_id("key"))
    assert (found.issued_at, found.nonce) == (START, "C" * 22)
    assert found.command == DENY
    assert holds(signed())


@given(TEXTS.filter(lambda text: 0 < len(text.strip()) <= 2000))
def test_any_message_to_people_keeps_its_signature(text: str) -> None:
    grant = Grant(message=text, no_end=True, shown="0" * 64)

    message = signed(grant)

    assert holds(message)
    assert parsed(message).command == grant


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_any_instant_of_any_offset_keeps_its_signature(moment: datetime, minutes: int) -> None:
    ends_at = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))

    message = signed(Grant(ends_at=ends_at, shown="0" * 64), issued_at=ends_at.astimezone(UTC))

    assert holds(message)
    command = parsed(message).command
    assert isinstance(command, Grant)
    assert command.ends_at == ends_at


def test_a_submission_keeps_its_people_in_order() -> None:
    people = (CAROLINE.id, TOM.id)
    submit = Submit(batch=BATCH, name="SupportAccess", tenant="tom-sawyer", people=people)

    found = parsed(signed(submit)).command

    assert found == submit


def test_another_key_and_another_message_do_not_hold() -> None:
    found = parsed(signed())

    assert not SIGNATURES.holds(SigningKey.fresh().public, found.body, found.signature)
    assert not SIGNATURES.holds(KEY.public, found.body + b" ", found.signature)


@pytest.mark.parametrize("signature", ["", "A", "A" * 85, "A" * 86, "=" * 86, "\u00e9" * 86])
def test_a_broken_signature_is_no_fault_but_a_no(signature: str) -> None:
    assert SIGNATURES.holds(KEY.public, b"message", signature) is False


@pytest.mark.parametrize("public", ["", "A", "A" * 42, "A" * 44, "\u00e9" * 43, "!" * 43])
def test_a_broken_public_key_is_no_fault_but_a_no(public: str) -> None:
    signature = parsed(signed()).signature

    assert SIGNATURES.holds(public, b"message", signature) is False


def test_a_public_key_is_43_characters_and_is_found_again_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "default.key"

    KEY.save(file)

    assert len(KEY.public) == 43
    assert SigningKey.read(file).public == KEY.public
    assert file.read_bytes() == KEY.private.private_bytes_raw()


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "default.key"
    KEY.save(file)
    file.chmod(0o644)

    with pytest.raises(SecretFileError, match="readable by others"):
        SigningKey.read(file)


def test_a_nonce_is_128_bits_and_never_the_same() -> None:
    nonces = {fresh_nonce() for _ in range(100)}

    assert len(nonces) == 100
    assert {len(one) for one in nonces} == {22}
    assert {len(decoded(one)) for one in nonces} == {16}


@given(st.binary(max_size=100))
def test_bytes_come_back_from_base64url_without_padding(data: bytes) -> None:
    assert decoded(encoded(data)) == data
    assert "=" not in encoded(data)
    assert base64.urlsafe_b64decode(encoded(data) + "===") == data


def test_the_key_id_of_a_message_is_signed_too() -> None:
    first, second = (parsed(signed(key_id=make_id(name))) for name in ("a", "b"))

    assert first.body != second.body
    assert not SIGNATURES.holds(KEY.public, second.body, first.signature)
    assert isinstance(first.key, UUID)
