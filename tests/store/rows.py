"""Reads whole tables, to see that something changed, or that nothing else did."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from store import tables as t
from store.engine import Engines

REFUSED = ("audit", "refusal", "command")  # what a refusal may write: the record, and its outcome


async def rows_of(engines: Engines, table: str) -> list[Mapping[str, Any]]:
    """Return all rows of one table, ordered by its primary key."""
    found = t.metadata.tables[table]
    query = select(found).order_by(*found.primary_key.columns)
    async with engines.read.connect() as connection:
        return [dict(row) for row in (await connection.execute(query)).mappings()]


async def digest_of(engines: Engines, besides: tuple[str, ...] = ()) -> str:
    """Return one digest over the content of all tables but those named."""
    found = hashlib.sha256()
    for table in sorted(set(t.metadata.tables) - set(besides)):
        found.update(table.encode())
        for row in await rows_of(engines, table):
            found.update(repr(sorted(row.items())).encode())
    return found.hexdigest()
