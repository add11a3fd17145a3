"""Writes what a process puts into the directory, in the transaction of its commit."""

from typing import Any

from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.addresses import canonical
from approvals.people import Organization, Person, RoleAssignment, Tenant
from approvals.transition import DirectoryChange
from store import tables as t

Entry = Organization | Tenant | Person


async def write(connection: AsyncConnection, change: DirectoryChange) -> None:
    """Insert or update the entries by id, and give and take the roles. Repeating it is harmless."""
    await _entries(connection, t.organization, change.organizations)
    await _entries(connection, t.tenant, change.tenants)
    await _entries(connection, t.person, change.people)
    serving = [{"server_id": one, "customer_id": other} for one, other in change.serves]
    await _links(connection, t.serves, serving)
    for role in change.takes:
        these = delete(t.role_assignment)
        for name, value in _role(role).items():
            these = these.where(t.role_assignment.c[name] == value)
        await connection.execute(these)
    await _links(connection, t.role_assignment, [_role(one) for one in change.gives])


def entry_row(entry: Any) -> dict[str, Any]:
    """Return an entry of the directory as the row of its table."""
    row: dict[str, Any] = entry.model_dump(exclude={"members"})
    if "organization" in row:
        row["organization_id"] = row.pop("organization")
    if isinstance(entry, Person):
        row["email_key"] = canonical(entry.email)
    return row


async def _entries(connection: AsyncConnection, table: Table, entries: tuple[Entry, ...]) -> None:
    if not entries:
        return
    rows = [entry_row(one) for one in entries]
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    query = kind.insert(table)
    changes = {name: query.excluded[name] for name in rows[0] if name != "id"}
    await connection.execute(query.on_conflict_do_update(index_elements=["id"], set_=changes), rows)


async def _links(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        kind = sqlite if connection.dialect.name == "sqlite" else postgresql
        await connection.execute(kind.insert(table).on_conflict_do_nothing(), rows)


def _role(role: RoleAssignment) -> dict[str, Any]:
    return {
        "person_id": role.person,
        "role": role.role.value,
        "scope_id": role.scope or t.INSTALLATION,
    }
