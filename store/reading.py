"""One statement at a time, in one step: a connection is taken, asked and given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Row
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.util import await_, greenlet_spawn

from store.engine import Engines

Given = Mapping[str, Any]
Rows = Sequence[Row[Any]]


class Reader:
    """Reads rows over one connection; without one, over a connection of the pool each time.

    Raises SQLAlchemyError, OSError or TimeoutError where the database cannot be read.
    """

    def __init__(self, engines: Engines, connection: AsyncConnection | None = None) -> None:
        self._engines, self._connection = engines, connection

    async def rows(self, query: Executable, given: Given) -> Rows:
        """Return the rows of a query."""
        if self._connection is not None:
            return (await self._connection.execute(query, given)).all()
        if self._engines.kept is not None:
            return self._engines.kept.rows(query, given)
        return await greenlet_spawn(self._rows, query, given)

    async def rows_and_moment(self, query: Executable, given: Given) -> tuple[Rows, datetime]:
        """Return the rows of a query, and the moment (aware UTC) just after they were read."""
        if self._connection is not None:
            rows = (await self._connection.execute(query, given)).all()
            return rows, await self._engines.clock.now(self._connection)
        if self._engines.kept is not None:
            rows = self._engines.kept.rows(query, given)
            return rows, await self._engines.clock.now(None)
        return await greenlet_spawn(self._rows_and_moment, query, given)

    # SQLAlchemy's AsyncConnection enters a greenlet for each of its steps, and a task to close.
    # Inside one greenlet the whole errand costs half.

    def _rows(self, query: Executable, given: Given) -> Rows:
        with self._engines.single.sync_engine.connect() as connection:
            return connection.execute(query, given).all()

    def _rows_and_moment(self, query: Executable, given: Given) -> tuple[Rows, datetime]:
        with self._engines.single.sync_engine.connect() as connection:
            rows = connection.execute(query, given).all()
            return rows, await_(self._engines.clock.now(self._over(connection)))

    def _over(self, connection: Connection) -> AsyncConnection:
        return AsyncConnection(self._engines.single, connection)
