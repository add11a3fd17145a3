"""The platform's own SQLite file: its tables, its clock, and short transactions."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    reference TEXT NOT NULL,
    request_key TEXT UNIQUE,
    request_digest TEXT NOT NULL,
    created_at REAL NOT NULL,
    deleted_at REAL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_live_reference ON customer (reference)
    WHERE deleted_at IS NULL;
CREATE TABLE IF NOT EXISTS pbx (
    customer TEXT PRIMARY KEY REFERENCES customer (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    username TEXT NOT NULL,
    started_at REAL NOT NULL,
    fault TEXT,
    handled INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS user (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customer (id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    unit TEXT,
    imported INTEGER NOT NULL,
    calls_tracked INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS user_role (
    user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (user, role)
);
CREATE TABLE IF NOT EXISTS token (
    digest TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS visit (
    digest TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    person TEXT NOT NULL,
    mode TEXT NOT NULL,
    ends_at REAL NOT NULL
);
"""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Read this machine's clock."""
    return datetime.now(UTC)


class Database:
    """One connection, used by one event loop: a transaction never waits inside."""

    def __init__(self, file: Path, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the block writes, or nothing of it if it raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def now(self) -> float:
        """Return the time in seconds since 1970, UTC."""
        return self._clock().timestamp()

    def close(self) -> None:
        """Close the file; whatever was answered is in it."""
        self._connection.close()
