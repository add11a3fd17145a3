"""The record of one onboarding: its complete state, step by step, and what others read from it."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from approvals.people import OrganizationId, PersonId
from approvals.platform import ImportState, ImportStatus, PbxConnection, PlatformRole
from approvals.policy import OnboardingLimits
from approvals.records import Record
from approvals.transition import Index

KIND = "onboarding"


class Status(StrEnum):
    """The life of an onboarding. The steps run while it is running or undoing."""

    RUNNING = "running"
    PARKED = "parked"
    UNDOING = "undoing"
    READY = "ready"
    ABANDONED = "abandoned"


CLOSED = frozenset({Status.READY, Status.ABANDONED})
WORKS = frozenset({Status.RUNNING, Status.UNDOING})


class Step(StrEnum):
    """What an onboarding is at, in order; the last two take back what the others made."""

    CREATE_CUSTOMER = "create_customer"
    IMPORT = "import"
    ENSURE_ADMINS = "ensure_admins"
    ADD_ROLES = "add_roles"
    ENTER_DIRECTORY = "enter_directory"
    UNDO_USERS = "undo_users"
    UNDO_CUSTOMER = "undo_customer"


class Before(Record):
    """What the platform had of a user before the onboarding touched them."""

    existed: bool
    roles: tuple[str, ...] = ()


class Account(Record):
    """One user who gets *roles*: first everybody who becomes an admin, then all others.

    *before* is kept before anything is changed, so that whatever becomes of that change can be
    taken back.
    """

    email: str
    name: str
    roles: tuple[PlatformRole, ...]
    is_admin: bool
    before: Before | None = None
    is_done: bool = False
    is_undone: bool = False

    @property
    def added(self) -> tuple[PlatformRole, ...]:
        """The roles that the onboarding gave to somebody whom the platform knew."""
        kept = () if self.before is None else self.before.roles
        return tuple(one for one in self.roles if one.value not in kept)

    @property
    def is_to_be_undone(self) -> bool:
        """Whether the platform may still hold something that the onboarding made of this user."""
        if self.before is None or self.is_undone:
            return False
        return not self.before.existed or bool(self.added)


class Onboarding(Record):
    """The complete state of one onboarding. All instants are aware UTC.

    *customer* is the platform's own tenant id, which all later calls use. *trouble* is why the
    platform could not be asked since *trouble_since*; *reason* why this is parked.
    """

    kind: Literal["onboarding"] = "onboarding"
    process_id: UUID
    version: int = 1
    status: Status = Status.RUNNING
    batch: UUID
    vendor: OrganizationId
    operator: PersonId
    slug: str
    name: str
    description: str | None
    reference: str
    time_zone: str
    locale: str
    pbx: PbxConnection
    partner: OrganizationId | None
    limits: OnboardingLimits
    started_at: datetime
    accounts: tuple[Account, ...]
    customer: UUID | None = None
    imported: ImportState | None = None
    import_since: datetime | None = None
    trouble: str | None = None
    trouble_since: datetime | None = None
    reason: str | None = None
    is_abandoning: bool = False
    why_abandoned: str | None = None
    closed_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def is_imported(self) -> bool:
        """Whether the platform has taken over the users of the PBX."""
        return self.imported is not None and self.imported.status is ImportStatus.IMPORTED

    @property
    def waits_since(self) -> datetime | None:
        """Since when the platform has been away, or importing; None while neither holds."""
        importing = None if self.is_imported or self.is_abandoning else self.import_since
        return min((one for one in (self.trouble_since, importing) if one), default=None)

    @property
    def due(self) -> datetime | None:
        """When patience ends: then the onboarding is parked."""
        if self.status not in WORKS or self.waits_since is None:
            return None
        return self.waits_since + self.limits.patience

    @property
    def index(self) -> Index:
        return Index(
            organization=self.vendor,
            requester=self.operator,
            batch=self.batch,
            subject=subject_of(self.slug),
        )

    @property
    def step(self) -> Step | None:
        """What is being done, or will be after a retry; None once it is over."""
        if self.is_closed:
            return None
        if self.is_abandoning:
            is_left = any(one.is_to_be_undone for one in self.accounts)
            return Step.UNDO_USERS if is_left else Step.UNDO_CUSTOMER
        if self.customer is None:
            return Step.CREATE_CUSTOMER
        if not self.is_imported:
            return Step.IMPORT
        at = self.next_account
        if at is None:
            return Step.ENTER_DIRECTORY
        return Step.ENSURE_ADMINS if at.is_admin else Step.ADD_ROLES

    @property
    def next_account(self) -> Account | None:
        """The first user who does not have their roles yet."""
        return next((one for one in self.accounts if not one.is_done), None)


def process_id_of(batch: UUID, customer: str) -> UUID:
    """Return the onboarding's id: the same batch and customer give the same one."""
    return uuid5(batch, customer)


def subject_of(customer: str) -> str:
    """Return the digest by which a slug's onboardings are akin: one may be open at a time."""
    return hashlib.sha256(f"onboarding/{customer}".encode()).hexdigest()
