"""People's passkeys: read for the door and for pages, written by transitions alone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.passkeys import Passkey
from approvals.people import PersonId
from store import tables as t
from store.engine import Engines
from store.upserts import upsert

_LIVE = (
    select(t.passkey)
    .where(t.passkey.c.person_id == bindparam("person"), t.passkey.c.removed_at.is_(None))
    .order_by(t.passkey.c.added_at, t.passkey.c.id)
)
_ONE = select(t.passkey).where(t.passkey.c.id == bindparam("passkey"))


async def live_of(connection: AsyncConnection, person: PersonId) -> tuple[UUID, ...]:
    """Return a person's passkeys; none of them is removed until the transaction ends."""
    rows = await connection.execute(_LIVE.with_for_update(read=True), {"person": person})
    return tuple(row.id for row in rows)


async def ids_of(connection: AsyncConnection, person: PersonId | None) -> tuple[UUID, ...]:
    """Return a person's passkeys as of now, for a page."""
    if person is None:
        return ()
    return tuple(row.id for row in await connection.execute(_LIVE, {"person": person}))


async def held(connection: AsyncConnection, passkey: UUID) -> Passkey | None:
    """Return one passkey; nobody else uses or removes it until the transaction ends."""
    row = (await connection.execute(_ONE.with_for_update(), {"passkey": passkey})).first()
    return None if row is None else _passkey(row)


async def write(connection: AsyncConnection, process: UUID, passkeys: Sequence[Passkey]) -> None:
    """Write passkeys that are new or changed. What added one stays its process."""
    for one in passkeys:
        changing = {
            "sign_count": one.sign_count, "used_at": one.used_at, "removed_at": one.removed_at,
        }  # fmt: skip
        row = {
            "id": one.id,
            "process_id": process,
            "person_id": one.person,
            "credential": one.credential,
            "public_key": one.public_key,
            "name": one.name,
            "added_at": one.added_at,
            **changing,
        }
        await upsert(connection, t.passkey, [row], ["id"], changing=tuple(changing))


class Passkeys:
    """What pages show of passkeys, and what the portal compares before it asks the door."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def of(self, person: PersonId) -> list[Passkey]:
        """Return a person's passkeys, oldest first, without the removed ones."""
        async with self._engines.read.connect() as connection:
            return [_passkey(row) for row in await connection.execute(_LIVE, {"person": person})]

    async def one(self, passkey: UUID) -> Passkey | None:
        """Return one passkey, unless it is removed."""
        async with self._engines.read.connect() as connection:
            row = (await connection.execute(_ONE, {"passkey": passkey})).first()
        return None if row is None or row.removed_at is not None else _passkey(row)


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        id=row.id,
        person=PersonId(row.person_id),
        credential=row.credential,
        public_key=row.public_key,
        sign_count=row.sign_count,
        name=row.name,
        added_at=row.added_at,
        used_at=row.used_at,
        removed_at=row.removed_at,
    )
