"""The record of one tenant access request: its complete state, and what others read from it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from approvals import canonical
from approvals.errors import say
from approvals.people import OrganizationId, PersonId, TenantId
from approvals.policy import Policy
from approvals.records import Record
from approvals.transition import AccessGrant, Index, Session

KIND = "tenant_access"
DAY = timedelta(days=1)
BEFORE_END = (7 * DAY, DAY)


class Status(StrEnum):
    """The life of a request."""

    PENDING = "pending"
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FINISHED = "finished"


CLOSED = frozenset(Status) - {Status.PENDING, Status.GRANTED}


class TenantAccess(Record):
    """The complete state of one request. All instants are aware UTC.

    *clock_from* is the moment from which reminders are counted: what lies before it was sent or
    is not wanted any more.
    """

    kind: Literal["tenant_access"] = "tenant_access"
    process_id: UUID
    version: int = 1
    status: Status = Status.PENDING
    batch: UUID
    name: str
    message: str | None
    organization: OrganizationId
    tenant: TenantId
    requester: PersonId
    people: tuple[PersonId, ...]
    policy: Policy
    submitted_at: datetime
    due_at: datetime
    clock_from: datetime
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    ends_at: datetime | None = None
    no_end: bool = False
    finished: tuple[PersonId, ...] = ()
    sessions: tuple[Session, ...] = ()
    closed_by: PersonId | None = None
    closed_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def due(self) -> datetime | None:
        if self.is_closed:
            return None
        return min(
            (moment for moment in self._instants() if moment > self.clock_from), default=None
        )

    @property
    def index(self) -> Index:
        return Index(
            tenant=self.tenant,
            organization=self.organization,
            requester=self.requester,
            batch=self.batch,
            named=self.people,
        )

    @property
    def ends(self) -> datetime | None:
        """The end of the present stretch: of the window while pending, of the access after."""
        return self.due_at if self.status is Status.PENDING else self.ends_at

    def _instants(self) -> tuple[datetime, ...]:
        if self.ends is None:
            return ()
        if not self.policy.reminders:
            return (self.ends,)
        if self.status is Status.PENDING:
            half = self.submitted_at + (self.due_at - self.submitted_at) / 2
            return (half, self.due_at - DAY, self.due_at)
        return (*(self.ends - before for before in BEFORE_END), self.ends)


def process_id_of(batch: UUID, tenant: str) -> UUID:
    """Return the request's id: the same batch and tenant give the same one, so nothing doubles."""
    return uuid5(batch, tenant)


def shown_to_decider(state: TenantAccess) -> dict[str, object]:
    """Return what a decision rests on: never the name, and the people only where they are shown."""
    ends = None if state.ends_at is None else state.ends_at.isoformat()
    return {
        "organization": str(state.organization),
        "tenant": str(state.tenant),
        "message": state.message,
        "status": state.status.value,
        "due_at": state.due_at.isoformat(),
        "ends_at": ends,
        "no_end": state.no_end,
        "people": [str(one) for one in state.people] if state.policy.show_people else [],
    }


def shown_digest(state: TenantAccess) -> str:
    """Return the digest that a decision on this state carries."""
    return canonical.digest(shown_to_decider(state))


def split(associations: list[tuple[list[PersonId], list[str]]]) -> dict[str, tuple[PersonId, ...]]:
    """Turn associations (people x tenants) into the people of each tenant: one request a tenant.

    Each tenant gets the union over its associations, every person once, in order of mention.
    """
    people: dict[str, dict[PersonId, None]] = {}
    for persons, tenants in associations:
        for tenant in tenants:
            people.setdefault(tenant, {}).update(dict.fromkeys(persons))
    return {tenant: tuple(found) for tenant, found in people.items()}


def grants_of(state: TenantAccess) -> tuple[AccessGrant, ...]:
    """Return the open access that this state gives: one row a person who is not done."""
    if state.status is not Status.GRANTED or state.decided_by is None:
        return ()
    return tuple(
        AccessGrant(
            process=state.process_id,
            person=person,
            tenant=state.tenant,
            requested_by=state.requester,
            granted_by=state.decided_by,
            ends_at=state.ends_at,
            no_end=state.no_end,
        )
        for person in state.people
        if person not in state.finished
    )


def standing(state: TenantAccess) -> str:
    """Say where the request stands, as the end of a sentence."""
    if state.status is Status.PENDING:
        return f"it is pending and waits for a decision until {say(state.due_at)}."
    until = "without an end date" if state.ends_at is None else f"until {say(state.ends_at)}"
    return f"it is granted {until}."
