"""Checks session assertions: signed by a published key, for a tenant here, and not past its end."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx2
import jwt

KEYS_LAST = 300.0  # seconds until published keys are read again
PAUSE = 10.0  # seconds before an unknown key makes us read them once more
LONGEST = 300  # seconds that an assertion may live
REQUIRED = ["iss", "aud", "sub", "act", "mode", "iat", "exp"]


class Visit(NamedTuple):
    """Who acts as a tenant's administrator, in which mode, until when."""

    tenant: UUID
    person: str
    mode: str
    ends_at: datetime


class BadAssertion(Exception):
    """Why an assertion opens nothing, in a sentence for the person who brought it."""


class PublishedKeys:
    """A JSON Web Key Set at a URL or in a file, kept for a while."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = -KEYS_LAST

    async def key(self, name: str) -> jwt.PyJWK:
        """Return the key with this id. Raises BadAssertion."""
        age = time.monotonic() - self._read_at
        if age > KEYS_LAST or (name not in self._keys and age > PAUSE):
            self._keys, self._read_at = await self._published(), time.monotonic()
        if name not in self._keys:
            raise BadAssertion("This session was signed with a key that we do not know.")
        return self._keys[name]

    async def _published(self) -> dict[str, jwt.PyJWK]:
        try:
            if self._source.startswith(("http://", "https://")):
                async with httpx2.AsyncClient(timeout=5) as client:
                    found = (await client.get(self._source)).raise_for_status().json()
            else:
                found = _in_file(self._source)
            return {
                str(key.key_id): key
                for key in jwt.PyJWKSet.from_dict(found).keys
                if key.key_type == "OKP"
            }
        except (httpx2.HTTPError, OSError, ValueError, jwt.PyJWTError, AttributeError):
            raise BadAssertion(
                "We cannot read the keys that sessions are signed with. Try again in a minute."
            ) from None


async def verified(token: str, keys: PublishedKeys, issuer: str, now: datetime) -> Visit:
    """Return what an assertion says, if all of it holds at *now*. Raises BadAssertion.

    Standards: RFC 7519, and RFC 8693 for the claim `act`.
    """
    try:
        header = jwt.get_unverified_header(token)
        key = await keys.key(str(header.get("kid")))
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=["EdDSA"],
            issuer=issuer,
            options={
                "require": REQUIRED,
                # Judged below: the time by the platform's clock, the audience by its tenants.
                "verify_exp": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
        visit = _visit(claims)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadAssertion("This session is not valid here.") from None
    if now >= visit.ends_at:
        raise BadAssertion("This session has ended. Open the tenant again.")
    return visit


def _visit(claims: dict[str, Any]) -> Visit:
    scheme, _, tenant = claims["aud"].partition(":")
    is_administrator = claims["sub"] == f"tenant:{tenant}:administrator"
    is_short = 0 < claims["exp"] - claims["iat"] <= LONGEST
    if scheme != "tenant" or not is_administrator or not is_short:
        raise ValueError
    if claims["mode"] not in ("configure", "support"):
        raise ValueError
    ends_at = datetime.fromtimestamp(claims["exp"], UTC)
    return Visit(UUID(tenant), str(UUID(claims["act"]["sub"])), claims["mode"], ends_at)


def _in_file(name: str) -> Any:
    return json.loads(Path(name).read_bytes())
