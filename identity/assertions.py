"""Session assertions: short signed tokens that open a tenant (JWT, EdDSA; RFC 7519, RFC 8693)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from approvals.records import Record
from identity.signing import SigningKey

LIFE = timedelta(minutes=5)


class OpenSession(Record):
    """A committed, open session, as the gate reads it. *ends_at* None means no end.

    Under a pairing *permissions* are all that it may do, and *clone* is as whom it is.
    """

    id: UUID
    person: UUID
    tenant: UUID
    mode: str
    ends_at: datetime | None
    permissions: tuple[str, ...] | None = None
    clone: UUID | None = None


def minted(session: OpenSession, key: SigningKey, issuer: str, now: datetime) -> str:
    """Return the session's assertion: at most five minutes, never past the access's end.

    ``sub`` is the tenant's synthetic administrator, or a clone; ``act.sub`` is the person who acts
    as it. ``permissions`` is there under a pairing alone, and then nothing else is allowed.
    """
    expires = now + LIFE if session.ends_at is None else min(now + LIFE, session.ends_at)
    limits = {} if session.permissions is None else {"permissions": list(session.permissions)}
    claims = {
        "iss": issuer,
        "aud": f"tenant:{session.tenant}",
        "sub": f"tenant:{session.tenant}:{_subject(session)}",
        "act": {"sub": str(session.person)},
        "sid": str(session.id),
        "mode": session.mode,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
        **limits,
    }
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key_id(key)})


def _subject(session: OpenSession) -> str:
    return "administrator" if session.clone is None else f"clone:{session.clone}"


def jwks(keys: Sequence[SigningKey]) -> dict[str, Any]:
    """Return the public halves as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": key_id(key),
                "x": key.public,
            }
            for key in keys
        ]
    }


def key_id(key: SigningKey) -> str:
    """Return a key's short name: the start of the SHA-256 of its public half."""
    return hashlib.sha256(key.public.encode()).hexdigest()[:16]
