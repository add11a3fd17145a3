"""Who exists: organizations, tenants, people and their roles, as the directory holds them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NewType
from uuid import UUID

from approvals.records import Record

PersonId = NewType("PersonId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
TenantId = NewType("TenantId", UUID)
SiteId = NewType("SiteId", UUID)
GroupId = NewType("GroupId", UUID)


class OrganizationKind(StrEnum):
    """What an organization is to the others."""

    PARTNER = "partner"
    VENDOR = "vendor"
    CUSTOMER = "customer"
    GUEST = "guest"  # of people who proved an address of their own; it gives no right whatever


class Role(StrEnum):
    """The roles of the glossary; each is held for one scope (an organization, a tenant, ...)."""

    TM_ADMIN = "tm_admin"
    LEGACY_IMPERSONATOR = "legacy_impersonator"
    TENANT_ADMIN = "tenant_admin"
    PARTNER_ADMIN = "partner_admin"
    SUPPORT_AGENT = "support_agent"
    TRUST_ADMIN = "trust_admin"
    PRIMARY_CONTACT = "primary_contact"
    SECONDARY_CONTACT = "secondary_contact"
    ONBOARDING_OPERATOR = "onboarding_operator"
    OPERATOR = "operator"
    SECURITY_CONTACT = "security_contact"


TENANT_ROLES = frozenset({Role.TENANT_ADMIN, Role.SECURITY_CONTACT})
SITE_ROLES = frozenset({Role.PRIMARY_CONTACT, Role.SECONDARY_CONTACT})
INSTALLATION_ROLES = frozenset({Role.OPERATOR})


class Organization(Record):
    """A company: partner, vendor or customer."""

    id: OrganizationId
    slug: str
    name: str
    kind: OrganizationKind
    time_zone: str = "UTC"
    is_active: bool = True


class Tenant(Record):
    """A customer's isolated account. Its time zone is an IANA name."""

    id: TenantId
    slug: str
    name: str
    organization: OrganizationId
    time_zone: str = "UTC"
    locale: str = "en"
    is_on: bool = True
    is_locked: bool = False


class Site(Record):
    """A customer's account with the vendor, run by contacts."""

    id: SiteId
    slug: str
    name: str
    organization: OrganizationId


class Group(Record):
    """A vendor's support group and its people."""

    id: GroupId
    slug: str
    name: str
    organization: OrganizationId
    members: tuple[PersonId, ...] = ()


class Person(Record):
    """Somebody, known by id; the e-mail address may change."""

    id: PersonId
    email: str
    name: str
    organization: OrganizationId
    locale: str = "en"
    time_zone: str = "UTC"
    is_active: bool = True


class RoleAssignment(Record):
    """One role of one person for one scope: an id, or None for the whole installation."""

    person: PersonId
    role: Role
    scope: UUID | None


class Directory(Record):
    """The part of the directory that one question needs, read in one moment."""

    organizations: tuple[Organization, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    people: tuple[Person, ...] = ()
    roles: tuple[RoleAssignment, ...] = ()
    serves: tuple[tuple[OrganizationId, OrganizationId], ...] = ()
    sites: tuple[Site, ...] = ()
    groups: tuple[Group, ...] = ()

    def person(self, wanted: UUID | None) -> Person | None:
        """Return the person of that id, or None."""
        return next((one for one in self.people if one.id == wanted), None)

    def person_of(self, email: str) -> Person | None:
        """Return the person whose address compares equal, or None."""
        return next((one for one in self.people if one.email.casefold() == email.casefold()), None)

    def organization(self, wanted: UUID | None) -> Organization | None:
        """Return the organization of that id, or None."""
        return next((one for one in self.organizations if one.id == wanted), None)

    def organization_of(self, slug: str) -> Organization | None:
        """Return the organization of that slug, or None."""
        return next((one for one in self.organizations if one.slug == slug), None)

    def tenant(self, wanted: UUID | None) -> Tenant | None:
        """Return the tenant of that id, or None."""
        return next((one for one in self.tenants if one.id == wanted), None)

    def tenant_of(self, slug: str) -> Tenant | None:
        """Return the tenant of that slug, or None."""
        return next((one for one in self.tenants if one.slug == slug), None)

    def site(self, wanted: UUID | None) -> Site | None:
        """Return the site of that id, or None."""
        return next((one for one in self.sites if one.id == wanted), None)

    def site_of(self, slug: str) -> Site | None:
        """Return the site of that slug, or None."""
        return next((one for one in self.sites if one.slug == slug), None)

    def group(self, wanted: UUID | None) -> Group | None:
        """Return the group of that id, or None."""
        return next((one for one in self.groups if one.id == wanted), None)

    def group_of(self, slug: str) -> Group | None:
        """Return the group of that slug, or None."""
        return next((one for one in self.groups if one.slug == slug), None)

    def is_live(self, wanted: UUID | None) -> bool:
        """Whether the person and their organization are both active."""
        person = self.person(wanted)
        if person is None or not person.is_active:
            return False
        organization = self.organization(person.organization)
        return organization is not None and organization.is_active

    def holds(self, person: UUID | None, role: Role, scope: UUID | None) -> bool:
        """Whether a live person holds the role for exactly that scope."""
        return self.is_live(person) and any(
            one.person == person and one.role is role and one.scope == scope for one in self.roles
        )

    def speaks_for(self, person: UUID | None, organization: OrganizationId) -> bool:
        """Whether a live person is still of the organization, or an operator who acts for it."""
        found = self.person(person)
        is_theirs = found is not None and found.organization == organization
        return self.is_live(person) and (is_theirs or self.holds(person, Role.OPERATOR, None))

    def holders(self, role: Role, scope: UUID | None) -> tuple[PersonId, ...]:
        """Return the live people who hold the role for that scope, ordered by id."""
        found = {one.person for one in self.roles if one.role is role and one.scope == scope}
        return tuple(sorted(one for one in found if self.is_live(one)))

    def is_served(self, server: OrganizationId, customer: OrganizationId) -> bool:
        """Whether *server* (partner or vendor) serves *customer*."""
        return (server, customer) in self.serves

    def name_of(self, wanted: UUID) -> str:
        """Return the person's name, or words for somebody who is not known any more."""
        person = self.person(wanted)
        return person.name if person else "somebody no longer listed"


def named(people: Iterable[Person]) -> str:
    """Write people's names as one list for a sentence."""
    return ", ".join(person.name for person in people)
