"""Reads enrolled keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.people import PersonId
from approvals.transition import EnrolledKey
from store import tables as t


def key_of(row: Row[Any]) -> EnrolledKey:
    """Turn a row into a key."""
    return EnrolledKey(
        id=row.id,
        person=PersonId(row.person_id),
        public_key=row.public_key,
        channel=row.channel,
        client=row.client,
        enrolled_at=row.enrolled_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        passkey=row.passkey_id,
    )


async def keys_of(connection: AsyncConnection, person: PersonId) -> Sequence[EnrolledKey]:
    """Return a person's keys, newest first; revoked and expired ones too."""
    query = select(t.key).where(t.key.c.person_id == person).order_by(t.key.c.enrolled_at.desc())
    return [key_of(row) for row in await connection.execute(query)]
