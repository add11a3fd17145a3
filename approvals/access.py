"""The gate's rule: access is computed from facts at the moment of the question, never a flag."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from approvals.records import Record


class Via(StrEnum):
    """The way in: a grant, an open session under one, or the old impersonation tool."""

    REQUEST = "request"
    SESSION = "session"
    LEGACY = "legacy"


class Reason(StrEnum):
    """Why the gate answers as it does; codes for programs."""

    GRANTED = "granted"
    LEGACY_PERMISSION = "legacy_permission"
    NO_GRANT = "no_grant"
    NO_SESSION = "no_session"
    LEGACY_CLOSED = "legacy_closed"
    UNKNOWN = "unknown"
    PERSON_INACTIVE = "person_inactive"
    TENANT_OFF = "tenant_off"
    TENANT_LOCKED = "tenant_locked"
    UNREADABLE = "unreadable"


class Passage(Record):
    """One grant of this person for this tenant that the row still calls open."""

    process: UUID
    ends_at: datetime | None
    no_end: bool
    has_session: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether it is open at *now*; what has neither an end nor no_end is shut."""
        return self.no_end or (self.ends_at is not None and now < self.ends_at)


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


def decide(standing: Standing | None, via: Via, now: datetime) -> Decision:
    """Judge the facts at *now* (aware UTC). Ends are exclusive: at the end date the gate is shut.

    Overlapping grants never cut each other: the longest counts.
    """
    if standing is None:
        return _no(Reason.UNKNOWN)
    if not standing.is_person_live:
        return _no(Reason.PERSON_INACTIVE)
    if not standing.is_tenant_on:
        return _no(Reason.TENANT_OFF)
    if standing.is_tenant_locked:
        return _no(Reason.TENANT_LOCKED)
    valid = [one for one in standing.passages if one.is_open(now)]
    if via is Via.SESSION and valid and not any(one.has_session for one in valid):
        return _no(Reason.NO_SESSION)
    if via is Via.SESSION:
        valid = [one for one in valid if one.has_session]
    if valid:
        longest = max(valid, key=lambda one: (one.no_end, one.ends_at or now))
        return Decision(
            is_open=True, reason=Reason.GRANTED, process=longest.process, until=longest.ends_at
        )
    if via is not Via.LEGACY:
        return _no(Reason.NO_GRANT)
    if standing.was_ever_granted:
        return _no(Reason.LEGACY_CLOSED)
    if standing.is_legacy:
        return Decision(is_open=True, reason=Reason.LEGACY_PERMISSION)
    return _no(Reason.NO_GRANT)


def _no(reason: Reason) -> Decision:
    return Decision(is_open=False, reason=reason)
