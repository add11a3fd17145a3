"""Passkeys: what is kept of one, and what it signs to show that its owner is there (WebAuthn)."""

import hashlib
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID, uuid5

from pydantic import Field, StringConstraints

from approvals.people import PersonId
from approvals.records import Form, Record

LABEL = "gatehouse.passkey.v1"
MOST = 10  # that one person may have at a time
LARGEST_COUNT = 2**32 - 1  # an authenticator counts with 32 bits
_NAMESPACE = UUID("7d0e3a0a-9f5d-4f0c-8a1f-3f6a2b9c5d41")
_TEXT = r"^[A-Za-z0-9_-]+\z"

Credential = Annotated[str, StringConstraints(max_length=1_364, pattern=_TEXT)]  # 1 023 bytes
Encoded = Annotated[str, StringConstraints(max_length=6_000, pattern=_TEXT)]  # base64url
Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]


class Passkey(Record):
    """The public half of a credential, whose private half never leaves its owner's device.

    *sign_count* is what the device counted when it was used last; many count nothing and say 0.
    """

    id: UUID
    person: PersonId
    credential: str
    public_key: str
    sign_count: int
    name: str
    added_at: datetime
    used_at: datetime | None = None
    removed_at: datetime | None = None


class Assertion(Form):
    """What a passkey signed, as the browser returns it; every field is base64url."""

    credential: Credential
    authenticator_data: Encoded
    client_data: Encoded
    signature: Encoded


class Authenticators(Protocol):
    """WebAuthn, behind a port: what the owners of passkeys have signed with them."""

    def counted(self, passkey: Passkey, challenge: bytes, assertion: Assertion) -> int | None:
        """Return what the passkey's device has counted, None unless the assertion holds.

        It must be by this passkey, for this challenge and our own origin, its owner verified by the
        device, and its count higher than the last one.
        """
        ...


def id_of(credential: str) -> UUID:
    """Return a passkey's id: the same credential is the same passkey, whoever brings it."""
    return uuid5(_NAMESPACE, credential)


def challenge(sign_in: UUID, public_key: str) -> bytes:
    """Return what a passkey signs for one sign-in: a digest of its number and its fresh key.

    Nobody can know it before that key is drawn, and it fits no other sign-in.
    """
    return hashlib.sha256(f"{LABEL} {sign_in} {public_key}".encode()).digest()
