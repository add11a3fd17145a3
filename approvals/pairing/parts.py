"""The parts of a pairing's record: roles and who has them, consents, changes, visits."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from approvals.people import PersonId
from approvals.records import Record
from approvals.transition import Session


class Assignment(Record):
    """The roles of the vendor's group (without a person), or of one of its people."""

    person: PersonId | None = None
    roles: tuple[str, ...]


class OwnRole(Record):
    """A role that the customer defined for this pairing."""

    name: str
    permissions: tuple[str, ...]


class RoleAsk(Record):
    """Roles that the vendor asks for, and why. One that was answered is not kept."""

    id: UUID
    roles: tuple[str, ...]
    person: PersonId | None = None
    reason: str
    asked_by: PersonId
    asked_at: datetime


class Consent(Record):
    """A disruptive change that the vendor wants to make, and the customer's answer.

    A consent that was given is *spent* once its change is recorded: it covers that one alone.
    """

    id: UUID
    what: str
    asked_by: PersonId
    asked_at: datetime
    answer: Literal["asked", "given", "refused", "spent"] = "asked"
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class Change(Record):
    """A change that the vendor made. A breach is a disruptive one without its consent."""

    id: UUID
    what: str
    is_disruptive: bool
    consent: UUID | None = None
    is_breach: bool = False
    made_by: PersonId
    recorded_at: datetime
    reverted_by: PersonId | None = None
    reverted_at: datetime | None = None
    note: str | None = None


Visit = Session  # of a person of the group, as themselves or as their clone
