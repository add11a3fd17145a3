"""Reads the directory: the part that one question needs, or all of it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.addresses import canonical
from approvals.people import (
    Directory,
    Organization,
    OrganizationId,
    OrganizationKind,
    Person,
    PersonId,
    Role,
    RoleAssignment,
    Tenant,
    TenantId,
)
from approvals.rules import Needed
from store import tables as t

INSTALLATION = UUID(int=0)  # how a role without a scope is stored


async def part_of(connection: AsyncConnection, needed: Needed, *, hold: bool) -> Directory:
    """Read what *needed* names, the holders of roles in its tenants, and all their companies.

    With *hold*, the rows of people and roles cannot change until the transaction ends, so that a
    role taken away meanwhile comes wholly before or wholly after this decision.
    """
    wanted = _wanted_tenants(needed)
    tenants = tuple(_tenant(row) for row in await _rows(connection, select(t.tenant).where(wanted)))
    people = await _people(connection, needed, [one.id for one in tenants], hold=hold)
    organizations = await _organizations(connection, needed, people, tenants)
    serves = select(t.serves).where(t.serves.c.server_id.in_([one.id for one in organizations]))
    roles = select(t.role_assignment).where(
        t.role_assignment.c.person_id.in_([one.id for one in people])
    )
    return Directory(
        organizations=organizations,
        tenants=tenants,
        people=people,
        roles=tuple(_role(row) for row in await _rows(connection, roles, hold=hold)),
        serves=tuple(_serving(row) for row in await _rows(connection, serves)),
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


def _wanted_tenants(needed: Needed) -> ColumnElement[bool]:
    wanted = or_(t.tenant.c.id.in_(needed.tenants), t.tenant.c.slug.in_(needed.slugs))
    if not needed.with_own_tenants:
        return wanted
    owners = select(t.person.c.organization_id).where(t.person.c.id.in_(needed.people))
    return or_(wanted, t.tenant.c.organization_id.in_(owners))


async def _people(
    connection: AsyncConnection, needed: Needed, tenants: Sequence[UUID], *, hold: bool
) -> tuple[Person, ...]:
    holders = select(t.role_assignment.c.person_id).where(t.role_assignment.c.scope_id.in_(tenants))
    query = select(t.person).where(
        or_(
            t.person.c.id.in_(needed.people),
            t.person.c.email_key.in_([canonical(one) for one in needed.emails]),
            t.person.c.id.in_(holders),
        )
    )
    return tuple(_person(row) for row in await _rows(connection, query, hold=hold))


async def _organizations(
    connection: AsyncConnection,
    needed: Needed,
    people: Iterable[Person],
    tenants: Iterable[Tenant],
) -> tuple[Organization, ...]:
    ids = {
        *needed.organizations,
        *(one.organization for one in people),
        *(one.organization for one in tenants),
    }
    query = select(t.organization).where(
        or_(t.organization.c.id.in_(ids), t.organization.c.slug.in_(needed.organization_slugs))
    )
    return tuple(_organization(row) for row in await _rows(connection, query))


async def _rows(
    connection: AsyncConnection, query: Select[Any], *, hold: bool = False
) -> Sequence[RowMapping]:
    if hold and connection.dialect.name != "sqlite":  # SQLite has one writer at a time anyway
        query = query.with_for_update(read=True)
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
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
    scope = None if row["scope_id"] == INSTALLATION else row["scope_id"]
    return RoleAssignment(person=PersonId(row["person_id"]), role=Role(row["role"]), scope=scope)


def _serving(row: RowMapping) -> tuple[OrganizationId, OrganizationId]:
    return OrganizationId(row["server_id"]), OrganizationId(row["customer_id"])
