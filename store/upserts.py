"""Insert-or-update in both dialects."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = PostgresInsert | SqliteInsert


async def upsert(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
) -> None:
    """Insert the rows, or give those of the same *keys* the new values. No rows: nothing."""
    if not rows:
        return
    names = tuple(rows[0])
    await connection.execute(_upserting(connection.dialect.name, table, names, tuple(keys)), rows)


@cache
def _upserting(dialect: str, table: Table, names: tuple[str, ...], keys: tuple[str, ...]) -> Insert:
    query = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    changes = {name: query.excluded[name] for name in names if name not in keys}
    upserting: Insert = query.on_conflict_do_update(index_elements=keys, set_=changes)
    return upserting
