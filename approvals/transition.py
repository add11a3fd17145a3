"""All that one command causes, as data. What is not in a Transition does not happen."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import AwareDatetime

from approvals.errors import ApprovalError
from approvals.passkeys import Passkey
from approvals.people import (
    GroupId,
    Organization,
    OrganizationId,
    Person,
    PersonId,
    Role,
    RoleAssignment,
    SiteId,
    Tenant,
    TenantId,
)
from approvals.records import Record

Fact = str | bool | list[str] | None


class State(Protocol):
    """What the row, the shell and the lists need to know of any process."""

    @property
    def kind(self) -> str: ...
    @property
    def process_id(self) -> UUID: ...
    @property
    def version(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def due(self) -> datetime | None:
        """The next instant at which a tick would do something."""

    @property
    def is_closed(self) -> bool: ...
    @property
    def index(self) -> "Index": ...
    def model_dump_json(self) -> str: ...


class Index(Record):
    """What the lists find a process by. *subject* is a digest, never an address."""

    tenant: TenantId | None = None
    organization: OrganizationId | None = None
    requester: PersonId | None = None
    batch: UUID | None = None
    subject: str | None = None
    named: tuple[PersonId, ...] = ()
    customer: OrganizationId | None = None
    site: SiteId | None = None


class AccessGrant(Record):
    """One person's open access to one tenant, from one process."""

    process: UUID
    person: PersonId
    tenant: TenantId
    requested_by: PersonId
    granted_by: PersonId
    ends_at: datetime | None
    no_end: bool


class Session(Record):
    """An open visit of one person to one tenant, in one mode; to the platform without a tenant.

    *clone* is the cloned user as which the person came.
    """

    id: UUID
    process: UUID
    person: PersonId
    tenant: TenantId | None
    mode: str
    begun_at: datetime
    clone: UUID | None = None


class PairingPass(Record):
    """What a vendor's group, or one person of it, may do in a tenant under an active pairing.

    *consents* are the ids of the disruptive changes that the customer has consented to.
    """

    id: UUID
    process: UUID
    tenant: TenantId
    group: GroupId
    person: PersonId | None = None
    permissions: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()


class Clone(Record):
    """A support agent who shows among the customer's people, and enters only by the pairing."""

    id: UUID
    process: UUID
    tenant: TenantId
    person: PersonId
    added_at: datetime


class Membership(Record):
    """One person's privileges at one site, as pairs of an area and a level."""

    process: UUID
    site: SiteId
    person: PersonId
    privileges: tuple[tuple[str, str], ...]
    since: datetime


class EnrolledKey(Record):
    """A public key that may sign for a person until *expires_at*.

    *passkey* is the one that enrolled it, None where a mailed code or a provider did.
    """

    id: UUID
    person: PersonId
    public_key: str
    channel: str
    client: str
    enrolled_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None = None
    passkey: UUID | None = None


class DirectoryChange(Record):
    """What a process writes into the directory: entries new or changed, roles given and taken."""

    organizations: tuple[Organization, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    people: tuple[Person, ...] = ()
    serves: tuple[tuple[OrganizationId, OrganizationId], ...] = ()
    gives: tuple[RoleAssignment, ...] = ()
    takes: tuple[RoleAssignment, ...] = ()


class Letterbox(Record):
    """An address to write to and how its reader is greeted, where the directory does not say so."""

    email: str
    name: str
    locale: str = "en"
    time_zone: str = "UTC"


class Notice(Record):
    """Something to tell people: by id, and whoever holds a role at the moment of the commit.

    *stranger* is somebody whom the directory does not know; *elsewhere* are addresses of people's
    that count for this mail instead of their own. With *spoken_for*, *people* are told only while
    they are of that organization, or operators.
    """

    kind: str
    people: tuple[PersonId, ...] = ()
    spoken_for: OrganizationId | None = None
    stranger: Letterbox | None = None
    elsewhere: tuple[tuple[PersonId, str], ...] = ()
    holders: tuple[tuple[Role, UUID], ...] = ()
    facts: dict[str, Fact] = {}
    requester: PersonId | None = None
    organization: OrganizationId | None = None
    tenant: TenantId | None = None
    customer: OrganizationId | None = None
    site: SiteId | None = None
    group: GroupId | None = None
    shown_people: tuple[PersonId, ...] = ()
    about: PersonId | None = None
    sealed: str | None = None


@dataclass(frozen=True)
class Transition:
    """The state after (version + 1), and everything that must be written with it.

    *grants*, *sessions*, *passes*, *clones* and *memberships* are all those open after it: the
    ledger closes the others of this process; None says that this kind never has any. *passkeys* are
    those that are new or changed. *signs_out* are people who lose something by which they are
    known, or a role: they sign in anew at the portal. *refusal* is a no that nevertheless changes
    the state, such as a wrong code.
    """

    after: State
    event: str
    actor: PersonId | None
    reason: str | None = None
    notices: tuple[Notice, ...] = ()
    grants: tuple[AccessGrant, ...] = ()
    sessions: tuple[Session, ...] = ()
    key: EnrolledKey | None = None
    passkeys: tuple[Passkey, ...] = ()
    passes: tuple[PairingPass, ...] | None = None
    clones: tuple[Clone, ...] | None = None
    memberships: tuple[Membership, ...] | None = None
    directory: DirectoryChange | None = None
    signs_out: tuple[PersonId, ...] = ()
    receipt: str = field(default="")
    refusal: ApprovalError | None = None
