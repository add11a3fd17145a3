"""Writes the passes, clones and memberships that are open after a transition; closes the others."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.transition import Clone, Membership, PairingPass, Transition
from store import access_tables as t
from store.upserts import upsert


async def write(connection: AsyncConnection, transition: Transition, now: datetime) -> None:
    """Make the three tables what the transition says of its process."""
    process = transition.after.process_id
    if transition.passes is not None:
        await _passes(connection, process, transition.passes, now)
    if transition.clones is not None:
        await _clones(connection, process, transition.clones, now)
    if transition.memberships is not None:
        await _memberships(connection, process, transition.memberships, now)


async def _passes(
    connection: AsyncConnection, process: UUID, passes: tuple[PairingPass, ...], now: datetime
) -> None:
    table = t.pairing_pass
    await connection.execute(
        update(table)
        .where(
            table.c.process_id == process,
            table.c.closed_at.is_(None),
            table.c.id.not_in([one.id for one in passes]),
        )
        .values(closed_at=now)
    )
    rows = [
        {
            "id": one.id,
            "process_id": one.process,
            "tenant_id": one.tenant,
            "team_id": one.group,
            "person_id": one.person,
            "permissions": list(one.permissions),
            "consents": list(one.consents),
            "closed_at": None,
        }
        for one in passes
    ]
    await upsert(connection, table, rows, ["id"])


async def _clones(
    connection: AsyncConnection, process: UUID, clones: tuple[Clone, ...], now: datetime
) -> None:
    table = t.clone
    await connection.execute(
        update(table)
        .where(
            table.c.process_id == process,
            table.c.removed_at.is_(None),
            table.c.id.not_in([one.id for one in clones]),
        )
        .values(removed_at=now)
    )
    rows = [
        {
            "id": one.id,
            "process_id": one.process,
            "tenant_id": one.tenant,
            "person_id": one.person,
            "added_at": one.added_at,
            "removed_at": None,
        }
        for one in clones
    ]
    await upsert(connection, table, rows, ["id"])


async def _memberships(
    connection: AsyncConnection, process: UUID, memberships: tuple[Membership, ...], now: datetime
) -> None:
    table = t.membership
    closing = update(table).where(table.c.process_id == process, table.c.closed_at.is_(None))
    await connection.execute(closing.values(closed_at=now))
    rows = [
        {
            "process_id": one.process,
            "site_id": one.site,
            "person_id": one.person,
            "privileges": dict(one.privileges),
            "since": one.since,
            "closed_at": None,
        }
        for one in memberships
    ]
    await upsert(connection, table, rows, ["process_id"])
