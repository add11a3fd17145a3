"""Whose command it is: whether a signed message is fresh, and its key speaks for its actor."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from approvals.commands import Signed
from approvals.errors import (
    CommandStaleError,
    KeyRefusedError,
    PasskeyNeededError,
    SignInAgedError,
)
from approvals.people import Directory, PersonId
from approvals.transition import EnrolledKey

SKEW = timedelta(seconds=30)
FRESH = timedelta(minutes=5)
PORTAL = "portal"  # the channel of keys that a portal holds for a person
RECENT = timedelta(minutes=15)  # how old the sign-in may be that decides in the portal


def require_fresh(signed: Signed, now: datetime) -> None:
    """Refuse what was signed five minutes ago or more, or more than 30 seconds ahead."""
    if not -SKEW <= now - signed.issued_at < FRESH:  # the first and last instants must not overflow
        raise CommandStaleError(signed.issued_at, now)


def require_key(
    signed: Signed,
    key: EnrolledKey | None,
    directory: Directory,
    now: datetime,
    passkeys: Collection[UUID] = (),
) -> PersonId:
    """Return the person that the key speaks for. *passkeys* are theirs, if a portal holds the key.

    The key must be the actor's own, enrolled, neither revoked nor expired, and the actor live. One
    that a portal holds decides for 15 minutes only: a browser is easily left open. Raises
    KeyRefusedError, SignInAgedError or PasskeyNeededError.
    """
    if key is None or key.revoked_at is not None or now >= key.expires_at:
        raise KeyRefusedError
    if signed.actor != key.person or not directory.is_live(key.person):
        raise KeyRefusedError
    if key.passkey is not None and key.passkey not in passkeys:  # removed since
        raise KeyRefusedError
    if signed.command.needs_shown or signed.command.needs_recent:
        _require_recent(key, now, passkeys)
    return key.person


def _require_recent(key: EnrolledKey, now: datetime, passkeys: Collection[UUID]) -> None:
    if not is_recent(key, now):
        raise SignInAgedError
    # Whoever has a passkey is known by it alone: a mailbox can be somebody else's by now.
    if key.channel == PORTAL and key.passkey is None and passkeys:
        raise PasskeyNeededError


def is_recent(key: EnrolledKey, now: datetime) -> bool:
    """Whether the key's sign-in is fresh enough to decide with."""
    return key.channel != PORTAL or now - key.enrolled_at < RECENT
