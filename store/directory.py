"""Reads the directory: the part that one question needs, or all of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, RowMapping, Select, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.addresses import canonical
from approvals.facts import Needed
from approvals.people import (
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
from store import tables as t


def _each(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


# Built once: building an expression costs more than running it. By whether the rows are held.
TENANTS = select(t.tenant).where(
    or_(
        t.tenant.c.id.in_(_each("tenants")),
        t.tenant.c.slug.in_(_each("slugs")),
        t.tenant.c.organization_id.in_(
            select(t.person.c.organization_id).where(t.person.c.id.in_(_each("owners")))
        ),
    )
)
_PEOPLE = select(t.person).where(
    or_(
        t.person.c.id.in_(_each("people")),
        t.person.c.email_key.in_(_each("emails")),
        t.person.c.id.in_(
            select(t.role_assignment.c.person_id).where(
                t.role_assignment.c.scope_id.in_(_each("scopes"))
            )
        ),
        t.person.c.id.in_(
            select(t.team_member.c.person_id).where(t.team_member.c.team_id.in_(_each("groups")))
        ),
    )
)
_ROLES = select(t.role_assignment).where(t.role_assignment.c.person_id.in_(_each("people")))
PEOPLE = {False: _PEOPLE, True: _PEOPLE.with_for_update(read=True)}
ROLES = {False: _ROLES, True: _ROLES.with_for_update(read=True)}
ORGANIZATIONS = select(t.organization).where(
    or_(t.organization.c.id.in_(_each("organizations")), t.organization.c.slug.in_(_each("slugs")))
)
SITES = select(t.site).where(
    or_(t.site.c.id.in_(_each("sites")), t.site.c.slug.in_(_each("slugs")))
)
GROUPS = select(t.team).where(
    or_(t.team.c.id.in_(_each("groups")), t.team.c.slug.in_(_each("slugs")))
)
MEMBERS = (
    select(t.team_member)
    .where(t.team_member.c.team_id.in_(_each("groups")))
    .order_by(t.team_member.c.person_id)
)
OWNED = select(t.tenant).where(t.tenant.c.organization_id.in_(_each("owners")))
SERVES = select(t.serves).where(
    t.serves.c.server_id.in_(_each("organizations")),
    t.serves.c.customer_id.in_(_each("organizations")),
)


def scopes_of(person: PersonId, role: Role) -> Select[Any]:
    """Return the query for the scopes in which a person holds a role, for use in another."""
    return select(t.role_assignment.c.scope_id).where(
        t.role_assignment.c.person_id == person, t.role_assignment.c.role == role.value
    )


async def part_of(connection: AsyncConnection, needed: Needed, *, hold: bool) -> Directory:
    """Read what *needed* names, the holders of roles in its tenants, and all their companies.

    With *hold*, the rows of people and roles cannot change until the transaction ends, so that a
    role taken away meanwhile comes wholly before or wholly after this decision.
    """
    mine = needed.people if needed.with_own_tenants else ()
    asked = {"tenants": needed.tenants, "slugs": needed.slugs, "owners": mine}
    tenants = tuple(_tenant(row) for row in await _rows(connection, TENANTS, asked))
    homes = await _homes(connection, needed)
    if homes:
        owned = [_tenant(row) for row in await _rows(connection, OWNED, {"owners": homes})]
        tenants = (*tenants, *(one for one in owned if one not in tenants))
    sites, groups = await _sites(connection, needed), await _groups(connection, needed)
    scopes = [
        *needed.scopes,
        *homes,
        *(one.id for one in tenants),
        *(one.id for one in sites),
        # A group is paired with a tenant: the agents of the one and the deciders of the other.
        *(one.organization for one in tenants if groups),
        *(one.organization for one in groups),
    ]
    wanted = {
        "people": needed.people,
        "emails": [canonical(one) for one in needed.emails],
        "scopes": scopes,
        "groups": [one.id for one in groups],
    }
    people = tuple(_person(row) for row in await _rows(connection, PEOPLE[hold], wanted))
    owners = {
        *needed.organizations,
        *(one.organization for one in people),
        *(one.organization for one in tenants),
        *(one.organization for one in sites),
        *(one.organization for one in groups),
    }
    organizations = await _organizations(connection, owners, needed.organization_slugs)
    ids = {"organizations": [one.id for one in organizations]}
    holders = {"people": [one.id for one in people]}
    return Directory(
        organizations=organizations,
        tenants=tenants,
        people=people,
        roles=tuple(_role(row) for row in await _rows(connection, ROLES[hold], holders)),
        serves=tuple(_serving(row) for row in await _rows(connection, SERVES, ids)),
        sites=sites,
        groups=groups,
    )


async def whole(connection: AsyncConnection) -> Directory:
    """Read all of the directory, ordered by slug and address."""
    organizations = await _rows(connection, select(t.organization).order_by("slug"))
    tenants = await _rows(connection, select(t.tenant).order_by("slug"))
    people = await _rows(connection, select(t.person).order_by("email_key"))
    roles = await _rows(connection, select(t.role_assignment))
    serves = await _rows(connection, select(t.serves))
    return Directory(
        organizations=tuple(_organization(row) for row in organizations),
        tenants=tuple(_tenant(row) for row in tenants),
        people=tuple(_person(row) for row in people),
        roles=tuple(_role(row) for row in roles),
        serves=tuple(_serving(row) for row in serves),
    )


async def _organizations(
    connection: AsyncConnection,
    ids: Iterable[OrganizationId],
    slugs: Iterable[str],
) -> tuple[Organization, ...]:
    wanted = {"organizations": list(ids), "slugs": list(slugs)}
    return tuple(_organization(row) for row in await _rows(connection, ORGANIZATIONS, wanted))


async def _homes(connection: AsyncConnection, needed: Needed) -> tuple[OrganizationId, ...]:
    """Return the organizations whose people in charge are read."""
    if not needed.with_in_charge:
        return ()
    found = await _organizations(connection, needed.organizations, needed.organization_slugs)
    return tuple(one.id for one in found)


async def _sites(connection: AsyncConnection, needed: Needed) -> tuple[Site, ...]:
    if not (needed.sites or needed.site_slugs):
        return ()
    asked = {"sites": needed.sites, "slugs": needed.site_slugs}
    return tuple(_site(row) for row in await _rows(connection, SITES, asked))


async def _groups(connection: AsyncConnection, needed: Needed) -> tuple[Group, ...]:
    if not (needed.groups or needed.group_slugs):
        return ()
    asked = {"groups": needed.groups, "slugs": needed.group_slugs}
    rows = await _rows(connection, GROUPS, asked)
    members = await _rows(connection, MEMBERS, {"groups": [row["id"] for row in rows]})
    return tuple(
        _group(row, [one["person_id"] for one in members if one["team_id"] == row["id"]])
        for row in rows
    )


async def _rows(
    connection: AsyncConnection, query: Select[Any], given: Mapping[str, Any] | None = None
) -> Sequence[RowMapping]:
    rows: Sequence[RowMapping] = (await connection.execute(query, given)).mappings().all()
    return rows


def _organization(row: RowMapping) -> Organization:
    return Organization(
        id=OrganizationId(row["id"]),
        slug=row["slug"],
        name=row["name"],
        kind=OrganizationKind(row["kind"]),
        time_zone=row["time_zone"],
        is_active=row["is_active"],
    )


def _tenant(row: RowMapping) -> Tenant:
    return Tenant(
        id=TenantId(row["id"]),
        slug=row["slug"],
        name=row["name"],
        organization=OrganizationId(row["organization_id"]),
        time_zone=row["time_zone"],
        locale=row["locale"],
        is_on=row["is_on"],
        is_locked=row["is_locked"],
    )


def _site(row: RowMapping) -> Site:
    return Site(
        id=SiteId(row["id"]),
        slug=row["slug"],
        name=row["name"],
        organization=OrganizationId(row["organization_id"]),
    )


def _group(row: RowMapping, members: Iterable[UUID]) -> Group:
    return Group(
        id=GroupId(row["id"]),
        slug=row["slug"],
        name=row["name"],
        organization=OrganizationId(row["organization_id"]),
        members=tuple(PersonId(one) for one in members),
    )


def _person(row: RowMapping) -> Person:
    return Person(
        id=PersonId(row["id"]),
        email=row["email"],
        name=row["name"],
        organization=OrganizationId(row["organization_id"]),
        locale=row["locale"],
        time_zone=row["time_zone"],
        is_active=row["is_active"],
    )


def _role(row: RowMapping) -> RoleAssignment:
    scope = None if row["scope_id"] == t.INSTALLATION else row["scope_id"]
    return RoleAssignment(person=PersonId(row["person_id"]), role=Role(row["role"]), scope=scope)


def _serving(row: RowMapping) -> tuple[OrganizationId, OrganizationId]:
    return OrganizationId(row["server_id"]), OrganizationId(row["customer_id"])
