"""Where the chains of the record end: of all of them, or of those that went on lately."""

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.checkpoints import Heads
from store import tables as t
from store.engine import Engines


class SqlHeads:
    """Reads heads from the audit itself: no second table could tell them wrong."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def all(self) -> Heads:
        """Return the heads of all chains; costs one pass over the audit's key."""
        return await self._read(_ends())

    async def since(self, moment: datetime) -> Heads:
        """Return the heads of the chains with an entry at or after *moment*: one indexed query."""
        lately = select(t.audit.c.process_id).where(t.audit.c.at >= moment)
        return await self._read(_ends().where(t.audit.c.process_id.in_(lately)))

    async def now(self) -> datetime:
        """Return the moment by the clock that the entries bear."""
        async with self._engines.read.connect() as connection:
            return await self._engines.clock.now(connection)

    async def count_since(self, moment: datetime) -> int:
        """Return how many entries are later than *moment*."""
        query = select(func.count()).select_from(t.audit).where(t.audit.c.at > moment)
        async with self._engines.read.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def _read(self, ends: "Select[tuple[object, int]]") -> Heads:
        async with self._engines.snapshot() as connection:
            return await _heads(connection, ends)


def _ends() -> "Select[tuple[object, int]]":
    return select(t.audit.c.process_id, func.max(t.audit.c.seq).label("seq")).group_by(
        t.audit.c.process_id
    )


async def _heads(connection: AsyncConnection, ends: "Select[tuple[object, int]]") -> Heads:
    end = ends.subquery()
    query = select(t.audit.c.process_id, t.audit.c.seq, t.audit.c.hash).join(
        end, (t.audit.c.process_id == end.c.process_id) & (t.audit.c.seq == end.c.seq)
    )
    return {row[0]: (row[1], row[2]) for row in await connection.execute(query)}
