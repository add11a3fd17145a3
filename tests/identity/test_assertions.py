"""Session assertions: standard tokens, five minutes at most, and good for nothing else."""

from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.errors import InvalidDecisionError
from identity.assertions import LIFE, OpenSession, jwks, key_id, minted
from identity.signing import SigningKey
from tests.factories import CAROLINE, HUNDRED_ACRE, MINUTE, START, TOM_SAWYER, make_id, parsed

ISSUER = "https://gatehouse.example.com"
AUDIENCE = f"tenant:{TOM_SAWYER.id}"
KEY = SigningKey.fresh()


def make_session(ends_at: datetime | None = None) -> OpenSession:
    """Return Caroline's session in Tom Sawyer's tenant."""
    return OpenSession(
        id=make_id("session"),
        person=CAROLINE.id,
        tenant=TOM_SAWYER.id,
        mode="support",
        ends_at=ends_at,
    )


def verified(token: str, keys: dict[str, Any], audience: str = AUDIENCE) -> dict[str, Any]:
    """Verify as a target application does: with the published keys alone, at START."""
    found = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token,
        found.key,
        algorithms=["EdDSA"],
        audience=audience,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub", "aud"]},
    )
    return claims


def test_an_assertion_verifies_with_the_published_keys() -> None:
    claims = verified(minted(make_session(), KEY, ISSUER, START), jwks([KEY]))

    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": f"tenant:{TOM_SAWYER.id}:administrator",
        "act": {"sub": str(CAROLINE.id)},
        "sid": str(make_id("session")),
        "mode": "support",
        "iat": int(START.timestamp()),
        "exp": int((START + 5 * MINUTE).timestamp()),
    }


def test_the_person_who_acts_is_not_the_subject() -> None:
    claims = verified(minted(make_session(), KEY, ISSUER, START), jwks([KEY]))

    assert claims["act"] == {"sub": str(CAROLINE.id)}
    assert str(CAROLINE.id) not in claims["sub"]


@given(
    st.timedeltas(timedelta(microseconds=1), timedelta(days=1)),
    st.timedeltas(timedelta(0), timedelta(seconds=2)),
)
def test_an_assertion_ends_with_the_access_and_within_five_minutes(
    left: timedelta, past: timedelta
) -> None:
    now = START + past
    token = minted(make_session(now + left), KEY, ISSUER, now)

    claims = verified(token, jwks([KEY]))

    assert claims["exp"] <= (now + left).timestamp()
    assert claims["exp"] - claims["iat"] <= LIFE.total_seconds()


def test_an_assertion_after_the_end_is_expired_when_it_is_made() -> None:
    token = minted(make_session(START - MINUTE), KEY, ISSUER, START)

    claims = verified(token, jwks([KEY]))

    assert claims["exp"] < claims["iat"]


def test_an_assertion_for_one_tenant_opens_no_other() -> None:
    token = minted(make_session(), KEY, ISSUER, START)

    with pytest.raises(jwt.InvalidAudienceError):
        verified(token, jwks([KEY]), audience=f"tenant:{HUNDRED_ACRE.id}")


def test_a_changed_assertion_does_not_verify() -> None:
    head, body, signature = minted(make_session(), KEY, ISSUER, START).split(".")
    other = minted(make_session(), SigningKey.fresh(), ISSUER, START).split(".")

    for forged in (f"{head}.{body}.{other[2]}", f"{head}.{other[1][:-2]}AA.{signature}"):
        with pytest.raises(jwt.InvalidTokenError):
            verified(forged, jwks([KEY]))


def test_two_keys_are_published_while_one_takes_over_from_the_other() -> None:
    older, newer = SigningKey.fresh(), SigningKey.fresh()
    keys = jwks([older, newer])

    for key in (older, newer):
        verified(minted(make_session(), key, ISSUER, START), keys)
    assert [one["kid"] for one in keys["keys"]] == [key_id(older), key_id(newer)]


def test_the_published_keys_hold_no_private_half() -> None:
    (published,) = jwks([KEY])["keys"]

    assert set(published) == {"kty", "crv", "use", "alg", "kid", "x"}
    assert (published["kty"], published["crv"], published["alg"]) == ("OKP", "Ed25519", "EdDSA")


def test_an_assertion_is_no_command() -> None:
    with pytest.raises(InvalidDecisionError):
        parsed(minted(make_session(), KEY, ISSUER, START).encode())
