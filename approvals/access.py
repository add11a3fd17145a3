"""The gate's rule: access is computed from facts at the moment of the question, never a flag.

Here for tenants; platform_entry.py and site_entry.py hold those for the other resources.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from approvals.permissions import CHANGING, DISRUPTIVE_CHANGE, permission_for
from approvals.records import Record


class Via(StrEnum):
    """The way in: a grant or pairing, an open session under one, or the old impersonation tool."""

    REQUEST = "request"
    SESSION = "session"
    LEGACY = "legacy"


class Reason(StrEnum):
    """Why the gate answers as it does; codes for programs. The glossary has a line for each."""

    GRANTED = "granted"
    PAIRED = "paired"
    LEGACY_PERMISSION = "legacy_permission"
    ACCEPTED = "accepted"
    PRIVILEGE = "privilege"
    NO_GRANT = "no_grant"
    NO_SESSION = "no_session"
    NOT_PERMITTED = "not_permitted"
    NO_CONSENT = "no_consent"
    LEGACY_CLOSED = "legacy_closed"
    TERMS_PENDING = "terms_pending"
    DISABLED = "disabled"
    NEVER_ENABLED = "never_enabled"
    NOT_SERVED = "not_served"
    NOT_MEMBER = "not_member"
    NO_PRIVILEGE = "no_privilege"
    UNKNOWN = "unknown"
    UNKNOWN_ACTION = "unknown_action"
    PERSON_INACTIVE = "person_inactive"
    TENANT_OFF = "tenant_off"
    TENANT_LOCKED = "tenant_locked"
    PARTNER_OFF = "partner_off"
    SITE_OFF = "site_off"
    UNREADABLE = "unreadable"


class Passage(Record):
    """One way of this person into this tenant that the rows still call open.

    A grant has no *permissions*: it covers all but disruptive changes. A pairing's pass covers its
    *permissions*; with a changing one among them also the disruptive changes whose ids are among
    its *consents*.
    """

    process: UUID
    ends_at: datetime | None
    no_end: bool
    has_session: bool = False
    permissions: tuple[str, ...] | None = None
    consents: tuple[str, ...] = ()

    @property
    def is_pass(self) -> bool:
        """Whether it comes from a pairing."""
        return self.permissions is not None

    def is_open(self, now: datetime) -> bool:
        """Whether it is open at *now*; what has neither an end nor no_end is shut."""
        return self.no_end or (self.ends_at is not None and now < self.ends_at)

    def is_consented(self, change: str | None) -> bool:
        """Whether the customer has consented to that disruptive change."""
        return change is not None and change in self.consents

    def covers(self, action: str, change: str | None) -> bool:
        """Whether it allows an action: a session's mode, a permission, or a disruptive change."""
        if action == DISRUPTIVE_CHANGE:
            may_change = any(one in CHANGING for one in self.permissions or ())
            return may_change and self.is_consented(change)
        return self.permissions is None or permission_for(action) in self.permissions


class Standing(Record):
    """What the gate read about one person and one tenant, in one query."""

    is_person_live: bool
    is_tenant_on: bool
    is_tenant_locked: bool
    is_legacy: bool
    was_ever_granted: bool
    passages: tuple[Passage, ...] = ()


class Decision(Record):
    """The gate's answer. *until* is None for no end, or when the answer is no."""

    is_open: bool
    reason: Reason
    process: UUID | None = None
    until: datetime | None = None


def decide(
    standing: Standing | None,
    via: Via,
    now: datetime,
    action: str = "support",
    change: str | None = None,
) -> Decision:
    """Judge the facts at *now* (aware UTC). Ends are exclusive: at the end date the gate is shut.

    Overlapping ways in never cut each other: the longest that covers the action counts. *change*
    is the id of the consent that a disruptive change rests on.
    """
    if standing is None:
        return no(Reason.UNKNOWN)
    if (shut := _shut(standing)) is not None:
        return no(shut)
    valid = [one for one in standing.passages if one.is_open(now) and _is_known(one, via)]
    covering = [one for one in valid if one.covers(action, change)]
    entered = [one for one in covering if one.has_session or via is not Via.SESSION]
    if entered:
        longest = max(entered, key=lambda one: (one.no_end, one.ends_at or now, not one.is_pass))
        return Decision(
            is_open=True,
            reason=Reason.PAIRED if longest.is_pass else Reason.GRANTED,
            process=longest.process,
            until=longest.ends_at,
        )
    if via is Via.LEGACY and action != DISRUPTIVE_CHANGE:
        return _legacy(standing)
    if covering:
        return no(Reason.NO_SESSION)
    if action == DISRUPTIVE_CHANGE and valid and not any(one.is_consented(change) for one in valid):
        return no(Reason.NO_CONSENT)
    return no(Reason.NOT_PERMITTED if valid else Reason.NO_GRANT)


def no(reason: Reason) -> Decision:
    """Answer no, and why."""
    return Decision(is_open=False, reason=reason)


def _is_known(passage: Passage, via: Via) -> bool:
    """Whether the way in has heard of it: the old tool knows nothing of pairings and roles."""
    return via is not Via.LEGACY or not passage.is_pass


def _shut(standing: Standing) -> Reason | None:
    """Return what keeps everybody out of the tenant, or this person out of all of them."""
    if not standing.is_person_live:
        return Reason.PERSON_INACTIVE
    if not standing.is_tenant_on:
        return Reason.TENANT_OFF
    return Reason.TENANT_LOCKED if standing.is_tenant_locked else None


def _legacy(standing: Standing) -> Decision:
    if standing.was_ever_granted:
        return no(Reason.LEGACY_CLOSED)
    if standing.is_legacy:
        return Decision(is_open=True, reason=Reason.LEGACY_PERMISSION)
    return no(Reason.NO_GRANT)
