"""The directory file: one TOML document that says in full who and what it lists."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from uuid import UUID

from approvals import toml_files
from approvals.addresses import canonical
from approvals.directory_checks import Checks
from approvals.directory_forms import DirectoryFileError, Problem, Tables
from approvals.people import (
    SITE_ROLES,
    TENANT_ROLES,
    Directory,
    Group,
    GroupId,
    Organization,
    OrganizationId,
    OrganizationKind,
    Person,
    PersonId,
    Role,
    RoleAssignment,
    Site,
    SiteId,
    Tenant,
    TenantId,
)
from approvals.records import Record
from approvals.toml_files import TomlError


class DirectoryFile(Record):
    """All that a directory file can say; what is stored has the same shape."""

    directory: Directory = Directory()
    sites: tuple[Site, ...] = ()
    groups: tuple[Group, ...] = ()


def read(text: str, zones: Collection[str]) -> DirectoryFile:
    """Read the text of a directory file; *zones* are the IANA names that a time zone may have.

    Raises DirectoryFileError with all that is wrong, by entry, line and field.
    """
    try:
        document = toml_files.read(text)
    except TomlError as broken:
        problem = Problem(where="the file", field="", code="toml", sentence=f"Not TOML: {broken}.")
        raise DirectoryFileError([problem]) from None
    return parse(document, zones, text)


def parse(document: Mapping[str, Any], zones: Collection[str], text: str = "") -> DirectoryFile:
    """Check a parsed TOML document as `read` does; with its *text*, problems name their lines."""
    tables = Tables(document, text)
    problems = [*tables.problems, *Checks(tables, zones).problems()]
    if problems:
        raise DirectoryFileError(problems)
    return _Records(tables).file()


class _Records:
    """Turns entries that fit together into records: slugs and addresses become ids."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._homes = {one.form.slug: OrganizationId(one.id) for one in tables.organizations}
        self._zones = {one.form.slug: one.form.time_zone or "UTC" for one in tables.organizations}
        self._tenants = {one.form.slug: TenantId(one.id) for one in tables.tenants}
        self._sites = {one.form.slug: SiteId(one.id) for one in tables.sites}
        self._people = {one.form.key: PersonId(one.id) for one in tables.people}

    def file(self) -> DirectoryFile:
        directory = Directory(
            organizations=tuple(self._organizations()),
            tenants=tuple(self._all_tenants()),
            people=tuple(self._all_people()),
            roles=tuple(self._roles()),
            serves=tuple(self._serves()),
        )
        return DirectoryFile(
            directory=directory, sites=tuple(self._all_sites()), groups=tuple(self._groups())
        )

    def _organizations(self) -> Iterator[Organization]:
        for entry in self._tables.organizations:
            form = entry.form
            yield Organization(
                id=OrganizationId(entry.id),
                slug=form.slug,
                name=form.name,
                kind=OrganizationKind(form.kind),
                time_zone=self._zones[form.slug],
                is_active=form.active,
            )

    def _all_tenants(self) -> Iterator[Tenant]:
        for entry in self._tables.tenants:
            form = entry.form
            yield Tenant(
                id=TenantId(entry.id),
                slug=form.slug,
                name=form.name,
                organization=self._homes[form.organization],
                time_zone=form.time_zone or self._zones[form.organization],
                locale=form.locale,
                is_on=form.on,
                is_locked=form.locked,
            )

    def _all_sites(self) -> Iterator[Site]:
        for entry in self._tables.sites:
            home = self._homes[entry.form.organization]
            yield Site(
                id=SiteId(entry.id),
                slug=entry.form.slug,
                name=entry.form.name,
                organization=home,
            )

    def _groups(self) -> Iterator[Group]:
        for entry in self._tables.groups:
            form = entry.form
            yield Group(
                id=GroupId(entry.id),
                slug=form.slug,
                name=form.name,
                organization=self._homes[form.organization],
                members=tuple(sorted(self._people[canonical(one)] for one in form.members)),
            )

    def _all_people(self) -> Iterator[Person]:
        for entry in self._tables.people:
            form = entry.form
            yield Person(
                id=PersonId(entry.id),
                email=form.email,
                name=form.name,
                organization=self._homes[form.organization],
                locale=form.locale,
                time_zone=form.time_zone or self._zones[form.organization],
                is_active=form.active,
            )

    def _roles(self) -> Iterator[RoleAssignment]:
        for entry in self._tables.people:
            for held in entry.form.roles:
                yield RoleAssignment(
                    person=PersonId(entry.id),
                    role=held.role,
                    scope=self._scope(held.role, held.scope),
                )

    def _scope(self, role: Role, slug: str | None) -> UUID | None:
        if slug is None:
            return None
        if role in TENANT_ROLES:
            return self._tenants[slug]
        return self._sites[slug] if role in SITE_ROLES else self._homes[slug]

    def _serves(self) -> Iterator[tuple[OrganizationId, OrganizationId]]:
        for entry in self._tables.organizations:
            for customer in entry.form.serves:
                yield OrganizationId(entry.id), self._homes[customer]
