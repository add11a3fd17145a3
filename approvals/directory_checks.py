"""What the entries of a directory file owe to each other: names that exist, kinds that fit."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from approvals.addresses import canonical
from approvals.directory_forms import (
    Entry,
    EntryForm,
    GroupForm,
    OrganizationForm,
    PersonForm,
    Problem,
    RoleForm,
    SiteForm,
    Tables,
    TenantForm,
)
from approvals.people import (
    INSTALLATION_ROLES,
    SITE_ROLES,
    TENANT_ROLES,
    OrganizationKind,
    Role,
)
from approvals.texts import inert

T = TypeVar("T")
_SERVERS = (OrganizationKind.PARTNER, OrganizationKind.VENDOR)
_CUSTOMERS = (OrganizationKind.CUSTOMER,)
_VENDORS = (OrganizationKind.VENDOR,)
# Whose roles an organization's own people may hold for it; the other roles have other scopes.
_HELD_FOR: Mapping[Role, Sequence[OrganizationKind]] = {
    Role.TM_ADMIN: _SERVERS,
    Role.LEGACY_IMPERSONATOR: _SERVERS,
    Role.PARTNER_ADMIN: (OrganizationKind.PARTNER,),
    Role.SUPPORT_AGENT: _VENDORS,
    Role.TRUST_ADMIN: _CUSTOMERS,
    Role.ONBOARDING_OPERATOR: _VENDORS,
}


class Checks:
    """Every rule that needs more than one entry, on the well-formed entries of one file.

    What refers to an entry that is itself broken is not judged. *zones* are the IANA names.
    """

    def __init__(self, tables: Tables, zones: Collection[str]) -> None:
        self._tables, self._zones = tables, zones
        self._organizations = {one.form.slug: one.form for one in tables.organizations}
        self._people = {one.form.key: one.form for one in tables.people}
        self._scopes = {
            "organization": set(self._organizations),
            "tenant": {one.form.slug for one in tables.tenants},
            "site": {one.form.slug for one in tables.sites},
        }

    def problems(self) -> Iterator[Problem]:
        """Yield all broken rules."""
        yield from self._repeated()
        for organization in self._tables.organizations:
            yield from self._zone(organization, organization.form.time_zone)
            yield from self._serving(organization)
        for tenant in self._tables.tenants:
            yield from self._zone(tenant, tenant.form.time_zone)
            yield from self._owner(tenant, _CUSTOMERS)
        for site in self._tables.sites:
            yield from self._owner(site, _CUSTOMERS)
        for group in self._tables.groups:
            yield from self._owner(group, _VENDORS)
            yield from self._members(group)
        for person in self._tables.people:
            yield from self._zone(person, person.form.time_zone)
            yield from self._owner(person, tuple(OrganizationKind))
            yield from self._roles(person)
        yield from self._primary_contacts()

    def _repeated(self) -> Iterator[Problem]:
        keys: dict[tuple[str, str], Entry[EntryForm]] = {}
        ids: dict[object, Entry[EntryForm]] = {}
        for entry in _all(self._tables):
            first = keys.setdefault((entry.kind, entry.form.key), entry)
            if first is not entry:
                field = "email" if entry.kind == "person" else "slug"
                what = "address (letters compare without case)" if field == "email" else field
                yield entry.problem(field, "duplicate_key", f"{first.where} has this {what} too.")
            elif (first := ids.setdefault(entry.id, entry)) is not entry:
                yield entry.problem(
                    "id",
                    "duplicate_id",
                    f"{first.where} has this id too; an id that is not written is made of the"
                    " slug or address. Write another one.",
                )

    def _zone(self, entry: Entry[EntryForm], zone: str | None) -> Iterator[Problem]:
        if zone is not None and zone not in self._zones:
            yield entry.problem(
                "time_zone",
                "zone_unknown",
                f"'{inert(zone[:64])}' is not a time zone. Write an IANA name such as"
                " Europe/Berlin.",
            )

    def _owner(
        self,
        entry: Entry[TenantForm] | Entry[SiteForm] | Entry[GroupForm] | Entry[PersonForm],
        kinds: Sequence[OrganizationKind],
    ) -> Iterator[Problem]:
        slug = entry.form.organization
        yield from self._organization(
            entry, "organization", slug, kinds, f"A {entry.kind} belongs to"
        )

    def _serving(self, entry: Entry[OrganizationForm]) -> Iterator[Problem]:
        form = entry.form
        if form.serves and OrganizationKind(form.kind) not in _SERVERS:
            yield entry.problem(
                "serves", "wrong_kind", f"A {form.kind} serves nobody; only {_words(_SERVERS)} do."
            )
        for number, slug, is_repeat in _counted(form.serves):
            field = f"serves {number}"
            if is_repeat:
                yield entry.problem(field, "duplicate_key", f"'{slug}' is named twice.")
            yield from self._organization(entry, field, slug, _CUSTOMERS, "An organization serves")

    def _organization(
        self,
        entry: Entry[EntryForm],
        field: str,
        slug: str,
        kinds: Sequence[OrganizationKind],
        rule: str,
    ) -> Iterator[Problem]:
        found = self._organizations.get(slug)
        if found is None and not self._tables.is_unread("organization", slug):
            sentence = f"There is no organization '{slug}' in this file."
            yield entry.problem(field, "unknown_slug", sentence)
        if found is not None and OrganizationKind(found.kind) not in kinds:
            sentence = f"{rule} {_words(kinds)} organization; '{slug}' is a {found.kind}."
            yield entry.problem(field, "wrong_kind", sentence)

    def _members(self, entry: Entry[GroupForm]) -> Iterator[Problem]:
        for number, key, is_repeat in _counted(map(canonical, entry.form.members)):
            field, person = f"members {number}", self._people.get(key)
            if is_repeat:
                yield entry.problem(field, "duplicate_key", f"{key} is named twice.")
            if person is None and not self._tables.is_unread("person", key):
                sentence = f"There is no person {key} in this file."
                yield entry.problem(field, "unknown_person", sentence)
            if person is not None and person.organization != entry.form.organization:
                sentence = f"{key} is not of the group's organization."
                yield entry.problem(field, "wrong_organization", sentence)

    def _roles(self, entry: Entry[PersonForm]) -> Iterator[Problem]:
        for number, one, is_repeat in _counted(entry.form.roles):
            field = f"roles {number}"
            if is_repeat:
                yield entry.problem(field, "duplicate_key", f"{one.role} is named twice.")
            elif (broken := self._scope_problem(one, entry.form)) is not None:
                yield entry.problem(f"{field}.scope", *broken)

    def _scope_problem(self, held: RoleForm, person: PersonForm) -> tuple[str, str] | None:
        """Return code and sentence of what is wrong with a role's scope."""
        role, scope = held.role, held.scope
        if role in INSTALLATION_ROLES:
            if scope is None:
                return None
            return "wrong_scope", f"{role} is held for the whole installation; leave scope out."
        kind, needs = _needed(role)
        if scope is None:
            return "scope_missing", f"{role} needs {needs}."
        if self._tables.is_unread(kind, scope):
            return None
        if scope not in self._scopes[kind]:
            return self._stranger(role, needs, scope)
        if kind != "organization":
            return None
        found = self._organizations[scope]
        if OrganizationKind(found.kind) not in _HELD_FOR[role]:
            return "wrong_kind", f"{role} needs {needs}; '{scope}' is a {found.kind}."
        if scope != person.organization:
            return (
                "wrong_organization",
                f"{role} is held for one's own organization, which is '{person.organization}'.",
            )
        return None

    def _stranger(self, role: Role, needs: str, scope: str) -> tuple[str, str]:
        for kind, slugs in self._scopes.items():
            if scope in slugs:
                what = f"'{scope}' is {'an' if kind == 'organization' else 'a'} {kind}"
                return "wrong_kind", f"{role} needs {needs}; {what}."
        return "unknown_slug", f"{role} needs {needs}; there is no '{scope}' in this file."

    def _primary_contacts(self) -> Iterator[Problem]:
        first: dict[str | None, Entry[PersonForm]] = {}
        for entry in self._tables.people:
            for number, one in enumerate(entry.form.roles, start=1):
                if one.role is not Role.PRIMARY_CONTACT:
                    continue
                other = first.setdefault(one.scope, entry)
                if other is not entry:
                    sentence = f"A site has one primary contact; {other.where} is it already."
                    yield entry.problem(f"roles {number}", "second_primary_contact", sentence)


def _all(tables: Tables) -> Iterator[Entry[EntryForm]]:
    yield from tables.organizations
    yield from tables.tenants
    yield from tables.sites
    yield from tables.groups
    yield from tables.people


def _counted(items: Iterable[T]) -> Iterator[tuple[int, T, bool]]:
    """Yield each item with its number from 1, and whether it stood there before."""
    seen: set[T] = set()
    for number, item in enumerate(items, start=1):
        yield number, item, item in seen
        seen.add(item)


def _needed(role: Role) -> tuple[str, str]:
    """Return the kind of entry for which the role is held, and the same in words."""
    if role in TENANT_ROLES:
        return "tenant", "the slug of a tenant as its scope"
    if role in SITE_ROLES:
        return "site", "the slug of a site as its scope"
    return "organization", f"the slug of {_words(_HELD_FOR[role])} organization as its scope"


def _words(kinds: Sequence[OrganizationKind]) -> str:
    return "a " + " or ".join(kinds)
