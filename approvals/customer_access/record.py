"""The record of one customer's access to the platform: its complete state, and who reads it how."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from approvals import canonical
from approvals.people import OrganizationId, PersonId
from approvals.records import Record
from approvals.transition import Index, Session

KIND = "customer_access"
PLATFORM = "platform"  # the mode of its sessions
LONGEST_VISIT = timedelta(hours=12)


class Status(StrEnum):
    """How a customer stands with a partner. Who was never switched on has no record at all."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DISABLED = "disabled"


CLOSED: frozenset[Status] = frozenset()  # a switch is never thrown for the last time


class Acceptance(Record):
    """Who of the customer accepted which version of the terms, and when."""

    person: PersonId
    terms: str
    at: datetime


class CustomerAccess(Record):
    """The complete state of one switch. All instants are aware UTC.

    *accepted* stays through every later turn of the switch, and through newer terms.
    """

    kind: Literal["customer_access"] = "customer_access"
    process_id: UUID
    version: int = 1
    status: Status = Status.PENDING
    partner: OrganizationId
    customer: OrganizationId
    requester: PersonId
    begun_at: datetime
    switched_by: PersonId
    switched_at: datetime
    accepted: Acceptance | None = None
    sessions: tuple[Session, ...] = ()

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def due(self) -> datetime | None:
        return min((ends(one) for one in self.sessions), default=None)

    @property
    def index(self) -> Index:
        return Index(organization=self.partner, customer=self.customer, requester=self.requester)

    @property
    def is_on(self) -> bool:
        """Whether the partner's switch is on."""
        return self.status is not Status.DISABLED

    @property
    def changed_at(self) -> datetime:
        """When the status became what it is."""
        if self.accepted is None or self.status is not Status.ACCEPTED:
            return self.switched_at
        return max(self.switched_at, self.accepted.at)


def process_id_of(partner: OrganizationId, customer: OrganizationId) -> UUID:
    """Return the process of a partner and a customer: there is exactly one."""
    return uuid5(partner, str(customer))


def ends(session: Session) -> datetime:
    """Return when a visit to the platform ends by itself."""
    return session.begun_at + LONGEST_VISIT


def shown_digest(partner: OrganizationId, customer: OrganizationId, terms: str) -> str:
    """Return the digest that an acceptance carries: whose terms were read, and which version."""
    shown = {"partner": str(partner), "customer": str(customer), "terms": terms}
    return canonical.digest(shown)
