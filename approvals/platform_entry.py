"""The gate's rule for the platform: may a customer's person sign in, or only accept the terms?"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from approvals.access import Decision, Reason, no
from approvals.customer_access.record import LONGEST_VISIT, Status
from approvals.records import Record


class PlatformAction(StrEnum):
    """What somebody wants at the platform's door."""

    SIGN_IN = "sign_in"
    ACCEPT_TERMS = "accept_terms"


class PlatformStanding(Record):
    """What the gate read about one person and one partner, in one query.

    *status* is that of the customer's access with the partner, None without any; *begun_at* is
    the start of the person's open visit.
    """

    is_person_live: bool
    is_partner_on: bool
    is_served: bool
    process: UUID | None = None
    status: str | None = None
    begun_at: datetime | None = None


def decide_platform(
    standing: PlatformStanding | None, action: str, now: datetime, *, in_session: bool = False
) -> Decision:
    """Judge the facts at *now* (aware UTC); with *in_session* an open visit is needed too."""
    if standing is None:
        return no(Reason.UNKNOWN)
    if (shut := _shut(standing)) is not None:
        return no(shut)
    if action not in set(PlatformAction):
        return no(Reason.UNKNOWN_ACTION)
    if standing.status == Status.PENDING:
        is_open = action == PlatformAction.ACCEPT_TERMS and not in_session
        return Decision(is_open=is_open, reason=Reason.TERMS_PENDING, process=standing.process)
    if standing.status != Status.ACCEPTED:  # a word that a newer version may have written
        return no(Reason.DISABLED)
    until = None if standing.begun_at is None else standing.begun_at + LONGEST_VISIT
    if in_session and (until is None or now >= until):
        return no(Reason.NO_SESSION)
    return Decision(
        is_open=True,
        reason=Reason.ACCEPTED,
        process=standing.process,
        until=until if in_session else None,
    )


def _shut(standing: PlatformStanding) -> Reason | None:
    if not standing.is_person_live:
        return Reason.PERSON_INACTIVE
    if not standing.is_partner_on:
        return Reason.PARTNER_OFF
    if standing.status is None:
        return Reason.NEVER_ENABLED
    if standing.status == Status.DISABLED:
        return Reason.DISABLED
    return None if standing.is_served else Reason.NOT_SERVED
