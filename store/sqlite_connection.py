"""A SQLite connection for short transactions: its statements run where they are awaited.

aiosqlite sends each to a thread and back, which costs ten times what the statement does. Only what
may wait goes there: BEGIN for another writer's lock, COMMIT for the disk.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import aiosqlite

Found = TypeVar("Found")
CHUNK = 64  # rows that an iteration fetches at once, as in aiosqlite.connect


class ShortConnection(aiosqlite.Connection):
    """One connection to an existing file: only a migration may make one.

    Awaiting it raises sqlite3.OperationalError if there is no such file.
    """

    def __init__(self, database: str) -> None:
        address = f"file:{quote(database)}?mode=rw"

        def opened() -> sqlite3.Connection:
            return sqlite3.connect(address, uri=True, check_same_thread=False)

        super().__init__(opened, CHUNK)
        self._thread.daemon = True  # as SQLAlchemy does for connections that it opens itself

    async def _execute(self, fn: Callable[..., Found], *args: Any, **kwargs: Any) -> Found:
        is_begin = bool(args) and str(args[0]).startswith("BEGIN IMMEDIATE")
        if is_begin or fn in (self._conn.commit, self._conn.close):
            waited: Found = await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
            return waited
        return fn(*args, **kwargs)
