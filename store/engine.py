"""Database engines that lose no update: one writer at a time on SQLite, row locks on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from store.sqlite_connection import KeptConnection, ShortConnection, configure

READERS = 5
POSTGRES_POOL = 20
POSTGRES_SETTINGS = {
    "lock_timeout": "5s",
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
}


class SchemaError(ValueError):
    """The database's schema is not one that this version can use."""


class Clock(Protocol):
    """Where the moment of a decision comes from."""

    async def now(
        self, connection: AsyncConnection | None, carried: datetime | None = None
    ) -> datetime:
        """Return aware UTC. *carried* is the workflow's time, which only tests may use.

        A read of SQLite has no *connection* to show.
        """
        ...


class HostClock:
    """The single host's clock, for SQLite."""

    async def now(
        self, connection: AsyncConnection | None, carried: datetime | None = None
    ) -> datetime:
        return datetime.now(UTC)


class DatabaseClock:
    """PostgreSQL's clock: ``now()`` would be frozen at the start of the transaction."""

    async def now(
        self, connection: AsyncConnection | None, carried: datetime | None = None
    ) -> datetime:
        assert connection is not None  # noqa: S101  # only SQLite reads without one
        found = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        moment: datetime = found
        return moment.astimezone(UTC)


@dataclass(frozen=True)
class Engines:
    """The writing and the reading engine of one database, and its clock."""

    url: URL
    write: AsyncEngine
    read: AsyncEngine
    clock: Clock

    @property
    def is_sqlite(self) -> bool:
        return self.write.dialect.name == "sqlite"

    @cached_property
    def kept(self) -> KeptConnection | None:
        """SQLite's connection for single reading statements; None on PostgreSQL."""
        return KeptConnection(str(self.url.database)) if self.is_sqlite else None

    @cached_property
    def single(self) -> AsyncEngine:
        """PostgreSQL's reading engine for single statements, with no transaction around them."""
        return self.read.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def readers(self) -> tuple[Engine, ...]:
        """Whatever executes reading statements, for those who look on."""
        return (self.read.sync_engine, *(() if self.kept is None else (self.kept.engine,)))

    async def lock(self, connection: AsyncConnection, process: UUID) -> None:
        """Keep everybody else from this process until the transaction ends.

        SQLite's BEGIN IMMEDIATE has done so already. On PostgreSQL an advisory lock also covers a
        process that has no row yet.
        """
        if not self.is_sqlite:
            number = int.from_bytes(process.bytes[:8], signed=True)
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:number)"), {"number": number}
            )

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection that sees one moment, however long it reads."""
        async with self.read.connect() as connection:
            if not self.is_sqlite:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    async def require_readable(self) -> None:
        """Ask the database for nothing. Raises SQLAlchemyError or OSError when it is away."""
        async with self.read.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        if self.kept is not None:
            self.kept.close()
        await self.write.dispose()
        if self.read is not self.write:
            await self.read.dispose()


def connect(url: str | URL, clock: Clock | None = None) -> Engines:
    """Return the engines of a database URL (sqlite+aiosqlite or postgresql+asyncpg).

    Raises ValueError for any other kind.
    """
    parsed = make_url(url)
    match parsed.drivername:
        case "sqlite+aiosqlite":
            return Engines(
                parsed,
                _sqlite(parsed, write=True),
                _sqlite(parsed, write=False),
                clock or HostClock(),
            )
        case "postgresql+asyncpg":
            engine = create_async_engine(
                parsed,
                hide_parameters=True,
                pool_size=POSTGRES_POOL,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args={"server_settings": POSTGRES_SETTINGS},
            )
            return Engines(parsed, engine, engine, clock or DatabaseClock())
        case other:
            raise ValueError(
                "Gatehouse keeps its rows in sqlite+aiosqlite or postgresql+asyncpg,"
                f" not in {other}."
            )


def _sqlite(url: URL, *, write: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=1 if write else READERS,
        max_overflow=0,
        async_creator=lambda: ShortConnection(str(url.database)),
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        configure(connection, writes=write)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
