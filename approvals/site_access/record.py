"""The record of one person's access to one site: its complete state, and what others read of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from approvals import canonical
from approvals.errors import say
from approvals.people import OrganizationId, PersonId, SiteId
from approvals.policy import Policy
from approvals.records import Record
from approvals.transition import Index, Membership

KIND = "site_access"
DAY = timedelta(days=1)


class Status(StrEnum):
    """The life of somebody's access to a site."""

    ASKED = "asked"
    MEMBER = "member"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    REMOVED = "removed"


CLOSED = frozenset(Status) - {Status.ASKED, Status.MEMBER}


class SiteAccess(Record):
    """The complete state of one person's access to one site. All instants are aware UTC.

    What is closed may be opened again, by asking or by being added: it stays one process.
    *clock_from* is the moment from which reminders are counted, *asks* are those of the last hour.
    """

    kind: Literal["site_access"] = "site_access"
    process_id: UUID
    version: int = 1
    status: Status
    site: SiteId
    organization: OrganizationId
    person: PersonId
    message: str | None = None
    policy: Policy
    asked_at: datetime | None = None
    asks: tuple[datetime, ...] = ()
    due_at: datetime | None = None
    clock_from: datetime
    privileges: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    closed_by: PersonId | None = None
    closed_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def due(self) -> datetime | None:
        if self.status is not Status.ASKED:
            return None
        return min((one for one in self._instants() if one > self.clock_from), default=None)

    @property
    def index(self) -> Index:
        return Index(
            organization=self.organization,
            requester=self.person,
            named=(self.person,),
            customer=self.organization,
            site=self.site,
        )

    def _instants(self) -> tuple[datetime, ...]:
        if self.due_at is None or self.asked_at is None:
            return ()
        if not self.policy.reminders:
            return (self.due_at,)
        half = self.asked_at + (self.due_at - self.asked_at) / 2
        return (half, self.due_at - DAY, self.due_at)


def process_id_of(site: SiteId, person: PersonId) -> UUID:
    """Return the process of one site and one person: there is one for ever."""
    return uuid5(site, str(person))


def shown_digest(state: SiteAccess) -> str:
    """Return the digest that a decision on this state carries."""
    return canonical.digest(
        {
            "person": str(state.person),
            "site": str(state.site),
            "status": state.status.value,
            "message": state.message,
            "due_at": None if state.due_at is None else state.due_at.isoformat(),
            "privileges": [list(one) for one in state.privileges],
        }
    )


def memberships_of(state: SiteAccess) -> tuple[Membership, ...]:
    """Return the open membership that this state gives: one, or none."""
    if state.status is not Status.MEMBER or state.since is None:
        return ()
    return (
        Membership(
            process=state.process_id,
            site=state.site,
            person=state.person,
            privileges=state.privileges,
            since=state.since,
        ),
    )


def standing(state: SiteAccess) -> str:
    """Say where it stands, as the end of a sentence."""
    if state.status is Status.ASKED and state.due_at is not None:
        return f"the request waits for a decision until {say(state.due_at)}."
    if state.status is Status.MEMBER:
        held = ", ".join(f"{area} {level}" for area, level in state.privileges if level != "none")
        return f"the person is a member with {held or 'no privileges'}."
    return f"it is {state.status.value}."
