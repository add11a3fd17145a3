"""Tables that say what is open under a process: a row that is over stays, with its end."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.upserts import upsert


class OpenRows:
    """One such table. The last of *keys* tells the rows of one process apart; *end* ends a row."""

    def __init__(self, table: Table, keys: Sequence[str] = ("id",), end: str = "closed_at") -> None:
        self._table, self._keys, self._end = table, keys, end
        # Built once: building an expression costs more than running it.
        self._ending = update(table).where(
            table.c.process_id == bindparam("process"),
            table.c[end].is_(None),
            table.c[keys[-1]].not_in(bindparam("kept", expanding=True)),
        )

    async def write(
        self,
        connection: AsyncConnection,
        process: UUID,
        rows: Sequence[Mapping[str, Any]],
        now: datetime,
        *,
        is_new: bool = False,
    ) -> None:
        """Make *rows* all that is open under a process. One that *is_new* has nothing to end."""
        if not is_new:
            kept = [row[self._keys[-1]] for row in rows]
            given = {"process": process, "kept": kept, self._end: now}
            await connection.execute(self._ending, given)
        await upsert(connection, self._table, rows, self._keys)
