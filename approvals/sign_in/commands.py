"""What people ask of a sign-in, and how they compare its key."""

import base64
import hashlib
from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from approvals.addresses import Address
from approvals.commands import Command, Digest, PublicKey, Signature
from approvals.directory_forms import Locale
from approvals.passkeys import Assertion, Count, Credential, Encoded
from approvals.records import Form
from approvals.slugs import Slug
from approvals.texts import DisplayName, Required
from approvals.texts import reason as checked_reason

Issuer = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class NewcomerForm(Form):
    """Who somebody is whom nobody has named here, and the site that they come for."""

    name: DisplayName
    locale: Locale = "en"
    site: Slug


class Begin(Command):
    """Ask for a one-time code that will enrol *public_key* for the person of that address.

    With *newcomer* an address that nobody has gets a code too; a known one gets its usual code.
    *voucher* is a portal's signature over `vouched`: the key is one that the portal holds. With
    *issuer* it is over `identified` instead: that provider of identities (OpenID Connect) has told
    the portal whose address it is, and no code is mailed. Nor with *passkey*, which must be theirs.
    """

    kind = "begin"
    is_kept = False  # anybody can type the address of anybody
    email: Address
    public_key: PublicKey
    client: DisplayName
    voucher: Signature | None = None
    issuer: Issuer | None = None
    passkey: UUID | None = None
    newcomer: NewcomerForm | None = None


class Prove(Command):
    """Show that the mailed code is known: SHA-256 of sign-in id, public key and code.

    Where a passkey was announced, *assertion* is what counts; the code is empty then.
    """

    kind = "prove"
    proof: Digest
    assertion: Assertion | None = None


class SignOut(Command):
    """End the key's life; signed by that key."""

    kind = "sign_out"


class RevokeKey(Command):
    """End a key's life from elsewhere: by its person, or by an operator."""

    kind = "revoke_key"
    reason: Annotated[str, Required(partial(checked_reason, why="revoking this key"))]


class AddPasskey(Command):
    """Let a passkey speak for whoever is signed in. The portal has seen it made, just now."""

    kind = "add_passkey"
    needs_recent = True
    credential: Credential
    public_key: Encoded
    sign_count: Count
    name: DisplayName


class RemovePasskey(Command):
    """Take a passkey away: one's own, in the portal, or as an operator somebody else's."""

    kind = "remove_passkey"
    needs_recent = True
    passkey: UUID


def vouched(sign_in: UUID, public_key: str) -> bytes:
    """Return what a portal signs to say that it holds the key of this sign-in."""
    return f"gatehouse.portal.v1 {sign_in} {public_key}".encode()


def identified(sign_in: UUID, public_key: str, issuer: str, email: str) -> bytes:
    """Return what a portal signs to say that an issuer identified who holds the key."""
    return f"gatehouse.portal.identified.v1 {sign_in} {public_key} {issuer} {email}".encode()


def fingerprint(public_key: str) -> str:
    """Return how people compare a key: the first 16 hex digits of its SHA-256, in fours."""
    raw = base64.urlsafe_b64decode(public_key + "=")
    text = hashlib.sha256(raw).hexdigest()[:16]
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))
