"""One-time codes: eight digits, sealed for one mail, compared by a keyed hash alone."""

import base64
import hashlib
import hmac

import pytest

from identity.enrolment import KeyedCodes, proof_of
from tests.factories import PUBLIC_KEY, make_id

LOGIN = make_id("login")
PROOF_KEY, OUTBOX_KEY = b"p" * 32, b"o" * 32
CODES = KeyedCodes(PROOF_KEY, OUTBOX_KEY)


def test_a_code_has_eight_digits_and_is_drawn_anew_each_time() -> None:
    codes = [CODES.opened(CODES.fresh(LOGIN, PUBLIC_KEY).sealed) for _ in range(200)]

    assert all(len(one) == 8 and one.isdecimal() and one.isascii() for one in codes)
    assert len(set(codes)) > 190
    assert any(one.startswith("0") for one in codes)


def test_what_the_row_keeps_is_the_keyed_hash_of_the_right_proof() -> None:
    fresh = CODES.fresh(LOGIN, PUBLIC_KEY)
    proof = proof_of(LOGIN, PUBLIC_KEY, CODES.opened(fresh.sealed))

    assert fresh.check == CODES.keyed(proof)
    assert fresh.check == hmac.new(PROOF_KEY, proof.encode(), hashlib.sha256).hexdigest()


def test_a_proof_is_the_digest_of_login_key_and_code() -> None:
    said = f"{LOGIN} {PUBLIC_KEY} 01234567".encode()

    assert proof_of(LOGIN, PUBLIC_KEY, "01234567") == hashlib.sha256(said).hexdigest()


def test_another_login_key_code_or_server_has_another_check() -> None:
    checks = {
        CODES.keyed(proof_of(LOGIN, PUBLIC_KEY, "01234567")),
        CODES.keyed(proof_of(make_id("other"), PUBLIC_KEY, "01234567")),
        CODES.keyed(proof_of(LOGIN, "B" * 43, "01234567")),
        CODES.keyed(proof_of(LOGIN, PUBLIC_KEY, "01234568")),
        KeyedCodes(b"x" * 32, OUTBOX_KEY).keyed(proof_of(LOGIN, PUBLIC_KEY, "01234567")),
    }

    assert len(checks) == 5


def test_a_sealed_code_shows_nothing_and_looks_different_each_time() -> None:
    sealed = [CODES.fresh(LOGIN, PUBLIC_KEY).sealed for _ in range(50)]

    assert len(set(sealed)) == 50
    assert len({one[:16] for one in sealed}) == 50  # the nonce
    for one in sealed:
        assert CODES.opened(one).encode() not in base64.b64decode(one)


def test_only_the_outbox_key_opens_it() -> None:
    sealed = CODES.fresh(LOGIN, PUBLIC_KEY).sealed

    with pytest.raises(ValueError, match="not sealed with the outbox key"):
        KeyedCodes(PROOF_KEY, b"x" * 32).opened(sealed)


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_a_changed_seal_is_refused(place: int) -> None:
    data = bytearray(base64.b64decode(CODES.fresh(LOGIN, PUBLIC_KEY).sealed))
    data[place] ^= 1

    with pytest.raises(ValueError, match="not sealed"):
        CODES.opened(base64.b64encode(data).decode())


@pytest.mark.parametrize("sealed", ["", "A", "AAAA", "not base64!", "\u00e9", "A" * 40])
def test_what_was_never_sealed_is_refused(sealed: str) -> None:
    with pytest.raises(ValueError, match="not sealed"):
        CODES.opened(sealed)
