"""What a judgement needs beside state, command and time, and how a kind of process asks for it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from approvals.passkeys import Passkey
from approvals.people import Directory, GroupId, OrganizationId, PersonId, SiteId, TenantId
from approvals.policy import Policies
from approvals.records import Record
from approvals.transition import EnrolledKey, Membership


class Counts(Record):
    """Requests of the last hour, and pending ones, for the quotas of a policy."""

    by_person: int = 0
    by_pair: int = 0
    pending_of_pair_and_person: int = 0


class Failures(Record):
    """Wrong codes in a row for one address, and when the last of them came."""

    count: int = 0
    last_at: datetime | None = None


class Kin(Record):
    """The processes of one subject: newest and number of the last ten minutes, and an open one.

    *links* counts the links of offers that were drawn for the subject within the last hour;
    *failures* are the wrong codes at its sign-ins.
    """

    newest: UUID | None = None
    recent: int = 0
    open: UUID | None = None
    links: int = 0
    failures: Failures = Failures()


class LastUse(Record):
    """When somebody last signed in or opened a session, whichever came later."""

    person: PersonId
    at: datetime


class FreshSecret(Record):
    """A secret drawn for one mail: *check* is what the row keeps, *sealed* what the mail opens."""

    check: str
    sealed: str


class Facts(Record):
    """What was read in the transaction of the judgement.

    *secret* and *proof_check* are there where `Needed` asked for them, *kin* for its subject,
    *memberships* (the open ones) for its sites, *last_uses* for their users. *passkeys* are those
    of whoever signed, if a portal holds their key; *passkey* is the one that was asked for, removed
    or not, and *counted* what it counted, if it signed what this sign-in needs.
    """

    directory: Directory = Directory()
    policies: Policies = Policies()
    counts: Counts = Counts()
    key: EnrolledKey | None = None
    passkeys: tuple[UUID, ...] = ()
    passkey: Passkey | None = None
    counted: int | None = None
    subject: str = ""
    kin: Kin = Kin()
    secret: FreshSecret | None = None
    proof_check: str | None = None
    memberships: tuple[Membership, ...] = ()
    last_uses: tuple[LastUse, ...] = ()


class Needed(Record):
    """Which facts a judgement needs. Role holders and companies of what is named come along.

    *scopes* are organizations (or sites) whose role holders are read too. *with_in_charge* reads
    the tenants of the named organizations, and whoever holds a role there or in them. *subject* is
    a digest by which processes are akin; *keyed_subject* is a text that becomes one under the
    server's key. *with_memberships* reads the open memberships of the sites and holds them
    against change; *with_users* their people too, and when each was last here.
    """

    people: tuple[PersonId, ...] = ()
    emails: tuple[str, ...] = ()
    tenants: tuple[TenantId, ...] = ()
    slugs: tuple[str, ...] = ()
    organizations: tuple[OrganizationId, ...] = ()
    organization_slugs: tuple[str, ...] = ()
    sites: tuple[SiteId, ...] = ()
    site_slugs: tuple[str, ...] = ()
    groups: tuple[GroupId, ...] = ()
    group_slugs: tuple[str, ...] = ()
    scopes: tuple[UUID, ...] = ()
    with_memberships: bool = False
    with_users: bool = False
    with_own_tenants: bool = False
    with_in_charge: bool = False
    subject: str | None = None
    keyed_subject: str | None = None
    draws: Literal["code", "link"] | None = None
    proof: str | None = None
    passkey: UUID | None = None
