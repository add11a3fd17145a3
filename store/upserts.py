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
    changing: Sequence[str] = (),
) -> None:
    """Insert the rows, or give those of the same *keys* the new values. No rows: nothing.

    With *changing* only those columns of a row change that is there already.
    """
    if not rows:
        return
    names = tuple(changing or (name for name in rows[0] if name not in keys))
    await connection.execute(_upserting(connection.dialect.name, table, names, tuple(keys)), rows)


@cache
def _upserting(dialect: str, table: Table, names: tuple[str, ...], keys: tuple[str, ...]) -> Insert:
    query = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    changes = {name: query.excluded[name] for name in names}
    upserting: Insert = query.on_conflict_do_update(index_elements=keys, set_=changes)
    return upserting
