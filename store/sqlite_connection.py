"""SQLite connections for short work: their statements run where they stand.

A thread and back, as aiosqlite does it, costs ten times what the statement does.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import aiosqlite
from sqlalchemy import Connection, Executable, NullPool, Row, create_engine, event

Found = TypeVar("Found")
BUSY_MS = 10_000  # how long a SQLite writer waits for the lock of another process
CHUNK = 64  # rows that an iteration fetches at once, as in aiosqlite.connect


def configure(connection: Any, *, writes: bool) -> None:
    """Set a new connection of the driver up: durable, patient, and with no BEGIN of its own."""
    connection.isolation_level = None  # stop the driver's own late BEGIN
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        f"query_only={'OFF' if writes else 'ON'}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class KeptConnection:
    """One connection that stays open for single reading statements, each its own snapshot.

    To check a connection out of a pool, and the way through asyncio, would cost more than they do.
    """

    def __init__(self, database: str) -> None:
        self.engine = create_engine(
            "sqlite://",
            creator=lambda: _opened(database),
            poolclass=NullPool,
            hide_parameters=True,
        )
        self._connection: Connection | None = None

        @event.listens_for(self.engine, "connect")
        def connected(connection: Any, _record: Any) -> None:
            configure(connection, writes=False)

    def rows(self, query: Executable, given: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Return the rows of a query. Raises SQLAlchemyError; the next one connects anew then."""
        if self._connection is None:
            self._connection = self.engine.connect()
        try:
            return self._connection.execute(query, given).all()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it; a query would open it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class ShortConnection(aiosqlite.Connection):
    """One connection for transactions. To a thread goes only what may wait.

    That is BEGIN for another writer's lock, and COMMIT for the disk. Awaiting it raises
    sqlite3.OperationalError if there is no such file.
    """

    def __init__(self, database: str) -> None:
        super().__init__(lambda: _opened(database), CHUNK)
        self._thread.daemon = True  # as SQLAlchemy does for connections that it opens itself

    async def _execute(self, fn: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        is_begin = bool(args) and str(args[0]).startswith("BEGIN IMMEDIATE")
        if is_begin or fn in (self._conn.commit, self._conn.close):
            waited: Found = await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
            return waited
        return fn(*args, **kwargs)


def _opened(database: str) -> sqlite3.Connection:
    """Open an existing file: only a migration may make one. Raises sqlite3.OperationalError."""
    address = f"file:{quote(database)}?mode=rw"
    return sqlite3.connect(address, uri=True, check_same_thread=False)
