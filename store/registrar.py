"""Writes a directory file into the directory: all of it in one transaction, or nothing."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals import audit
from approvals.contacts.record import KIND as CONTACTS
from approvals.contacts.record import Contacts
from approvals.directory_difference import Difference, Listed, signed_out
from approvals.directory_file import DirectoryFile
from approvals.directory_forms import NAMESPACE
from approvals.directory_kept import kept_difference
from approvals.people import Group, GroupId, OrganizationId, PersonId, Site, SiteId
from store import chain, portal_sessions, users
from store import directory as stored_directory
from store import tables as t
from store.directory_changes import entry_row
from store.engine import Engines

EVENT = "directory.imported"
Rows = Mapping[UUID, dict[str, Any]]


class Registrar:
    """Reads and imports the whole directory, for those who hold the database."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def read(self) -> DirectoryFile:
        """Return everything that is stored, in the shape of a directory file."""
        async with self._engines.snapshot() as connection:
            return await _stored(connection)

    async def compare(self, wanted: DirectoryFile) -> Difference:
        """Return what `write` would do. Raises DirectoryFileError where it would refuse."""
        async with self._engines.snapshot() as connection:
            return (await _fitted(connection, wanted))[2]

    async def write(self, wanted: DirectoryFile) -> Difference:
        """Make the directory what the file says of all that it names; audit it; say what changed.

        The contacts of sites that keep them themselves stay as they are, and whoever serves a
        customer that the file does not name goes on.

        Writes nothing, and no audit entry, when nothing differs. Raises DirectoryFileError for a
        slug or address that a stored entry has which the file does not name.
        """
        async with self._engines.write.begin() as connection:
            await self._engines.lock(connection, NAMESPACE)  # one import at a time
            current, fitted, found = await _fitted(connection, wanted)
            if found.is_empty:
                return found
            await _write(connection, current, fitted)
            await self._record(connection, found.summary())
        return found

    async def _record(self, connection: AsyncConnection, summary: str) -> None:
        """Append to the installation's chain; its lock comes last, as in the ledger."""
        await chain.lock_installation(connection)
        now = await self._engines.clock.now(connection)
        entry = chain.entry(audit.INSTALLATION, EVENT, now, channel="owner", reason=summary)
        await chain.append(connection, entry)


async def _fitted(
    connection: AsyncConnection, wanted: DirectoryFile
) -> tuple[DirectoryFile, DirectoryFile, Difference]:
    """Return what is stored, the file as it is to be taken over, and what differs."""
    current, keeping = await _stored(connection), await _keeping(connection)
    members = await users.memberships_of(connection, keeping)
    return current, *kept_difference(current, wanted, keeping, members)


async def _keeping(connection: AsyncConnection) -> tuple[SiteId, ...]:
    """Return the sites whose contacts somebody has saved, so that no file overwrites them."""
    query = select(t.process.c.state).where(t.process.c.kind == CONTACTS)
    states = map(Contacts.model_validate_json, (await connection.execute(query)).scalars())
    return tuple(one.site for one in states if one.saved_at is not None)


async def _stored(connection: AsyncConnection) -> DirectoryFile:
    sites = (await connection.execute(select(t.site).order_by("slug"))).all()
    teams = (await connection.execute(select(t.team).order_by("slug"))).all()
    members: dict[UUID, list[PersonId]] = {}
    for row in await connection.execute(select(t.team_member).order_by("person_id")):
        members.setdefault(row.team_id, []).append(PersonId(row.person_id))
    return DirectoryFile(
        directory=await stored_directory.whole(connection),
        sites=tuple(
            Site(
                id=SiteId(row.id),
                slug=row.slug,
                name=row.name,
                organization=OrganizationId(row.organization_id),
            )
            for row in sites
        ),
        groups=tuple(
            Group(
                id=GroupId(row.id),
                slug=row.slug,
                name=row.name,
                organization=OrganizationId(row.organization_id),
                members=tuple(members.get(row.id, ())),
            )
            for row in teams
        ),
    )


async def _write(
    connection: AsyncConnection, current: DirectoryFile, wanted: DirectoryFile
) -> None:
    old, new = current.directory, wanted.directory
    # Owners come before what belongs to them.
    await _entries(connection, t.organization, old.organizations, new.organizations)
    await _entries(connection, t.tenant, old.tenants, new.tenants)
    await _entries(connection, t.site, current.sites, wanted.sites)
    await _entries(connection, t.team, current.groups, wanted.groups)
    await _entries(connection, t.person, old.people, new.people, unique="email_key")
    named: set[UUID] = {
        *(one.id for one in new.organizations),
        *(one.id for one in wanted.groups),
        *(one.id for one in new.people),
    }
    await _links(connection, t.serves, old.serves, new.serves, named)
    await _links(connection, t.team_member, _members(current), _members(wanted), named)
    await _links(connection, t.role_assignment, _roles(current), _roles(wanted), named)
    await portal_sessions.end_all(connection, signed_out(old, new))


async def _entries(
    connection: AsyncConnection,
    table: Table,
    current: Iterable[Listed],
    wanted: Iterable[Listed],
    unique: str = "slug",
) -> None:
    """Insert or update the rows that differ."""
    before, after = _rows(current), _rows(wanted)
    differing = [row for one, row in after.items() if before.get(one) != row]
    if not differing:
        return
    # Two entries may swap a slug or address; until both have theirs, neither has one.
    for one in before.keys() & after.keys():
        if before[one][unique] != after[one][unique]:
            parked = update(table).where(table.c.id == one).values({unique: one.hex})
            await connection.execute(parked)
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    query = kind.insert(table)
    changes = {name: query.excluded[name] for name in differing[0] if name != "id"}
    await connection.execute(
        query.on_conflict_do_update(index_elements=["id"], set_=changes), differing
    )


async def _links(
    connection: AsyncConnection,
    table: Table,
    current: Iterable[tuple[Any, ...]],
    wanted: Iterable[tuple[Any, ...]],
    owners: Collection[UUID],
) -> None:
    """Make the rows of the *owners* (first column) those of *wanted*, and leave the others."""
    before, after = dict.fromkeys(current), dict.fromkeys(wanted)
    columns = list(table.primary_key.columns)
    gone = [link for link in before if link[0] in owners and link not in after]
    if gone:
        these = delete(table).where(*(one == bindparam(f"old_{one.name}") for one in columns))
        names = [f"old_{one.name}" for one in columns]
        await connection.execute(these, [dict(zip(names, link, strict=True)) for link in gone])
    fresh = [link for link in after if link not in before]
    if fresh:
        names = [one.name for one in columns]
        rows = [dict(zip(names, link, strict=True)) for link in fresh]
        await connection.execute(insert(table), rows)


def _rows(records: Iterable[Listed]) -> Rows:
    """Return each record's row by its id."""
    return {one.id: entry_row(one) for one in records}


def _members(file: DirectoryFile) -> list[tuple[UUID, UUID]]:
    return [(group.id, member) for group in file.groups for member in group.members]


def _roles(file: DirectoryFile) -> list[tuple[UUID, str, UUID]]:
    installation = t.INSTALLATION
    return [(one.person, one.role.value, one.scope or installation) for one in file.directory.roles]
