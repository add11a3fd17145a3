"""The shipped engines: no update is lost, readers write nothing, and the file is the owner's."""

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from store import tables as t
from store.engine import DatabaseClock, Engines, HostClock, connect
from store.schema import upgrade
from tests.factories import PROCESS, START
from tests.installation import Installation
from tests.store.rows import rows_of

WRITERS, INCREMENTS = 40, 10


async def increment(engines: Engines) -> None:
    """Read a number and write the next one, as the door does: under the process's lock."""
    async with engines.write.begin() as connection:
        await engines.lock(connection, PROCESS)
        count = (await connection.execute(select(t.refusal.c.left_out))).scalar_one()
        await asyncio.sleep(0)
        await connection.execute(update(t.refusal).values(left_out=count + 1))


def modes_in(folder: Path) -> dict[str, int]:
    """Return name and mode of each file."""
    return {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


async def test_forty_writers_lose_no_increment(engines: Engines, database_url: URL) -> None:
    second = connect(database_url)  # another worker on the same database
    async with engines.write.begin() as connection:
        await connection.execute(
            insert(t.refusal).values(process_id=PROCESS, code="x", minute=START, left_out=0)
        )

    async def writes(number: int) -> None:
        for _ in range(INCREMENTS):
            await increment((engines, second)[number % 2])

    await asyncio.gather(*map(writes, range(WRITERS)))
    await second.close()

    (row,) = await rows_of(engines, "refusal")
    assert row["left_out"] == WRITERS * INCREMENTS


@pytest.mark.parametrize("database", ["sqlite"])  # PostgreSQL's reader is a role of its own
async def test_a_write_through_the_reader_fails(engines: Engines) -> None:
    with pytest.raises(DBAPIError, match="readonly database"):
        async with engines.read.begin() as connection:
            await connection.execute(text("DELETE FROM refusal"))


async def test_the_databases_are_set_as_the_reference_demands(engines: Engines) -> None:
    sqlite = {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 10_000,
        "foreign_keys": 1,
        "trusted_schema": 0,
    }
    postgresql = {
        "lock_timeout": "5s",
        "statement_timeout": "10s",
        "idle_in_transaction_session_timeout": "15s",
    }
    wanted, ask = (sqlite, "PRAGMA") if engines.is_sqlite else (postgresql, "SHOW")

    for engine in (engines.write, engines.read):
        async with engine.connect() as connection:
            for name, value in wanted.items():
                found = (await connection.execute(text(f"{ask} {name}"))).scalar_one()
                assert (name, found) == (name, value)


async def test_an_error_of_the_database_shows_no_value(engines: Engines) -> None:
    row = {"person_id": PROCESS, "role": "canary-role", "scope_id": PROCESS}

    with pytest.raises(DBAPIError) as caught:  # nobody of that id
        async with engines.write.begin() as connection:
            await connection.execute(insert(t.role_assignment).values(row))

    assert "canary-role" not in str(caught.value).split("DETAIL")[0]


async def test_a_new_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    engines = connect(URL.create("sqlite+aiosqlite", database=str(file)))
    await upgrade(engines)
    await Installation(engines).fill()

    modes = modes_in(tmp_path)
    await engines.close()

    assert modes.keys() >= {"new.db", "new.db-wal"}
    assert set(modes.values()) == {0o600}


async def test_a_missing_file_is_not_made_by_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "missing.db"
    engines = connect(URL.create("sqlite+aiosqlite", database=str(file)))

    with pytest.raises(DBAPIError):
        await rows_of(engines, "process")
    await engines.close()

    assert modes_in(tmp_path) == {}


@pytest.mark.parametrize(
    "url",
    [
        "mysql+aiomysql://localhost/gatehouse",
        "sqlite:///gatehouse.db",
        "sqlite+pysqlite:///gatehouse.db",
        "postgresql://localhost/gatehouse",
        "postgresql+psycopg://localhost/gatehouse",
    ],
)
def test_another_kind_of_database_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite\+aiosqlite or postgresql\+asyncpg"):
        connect(url)


async def test_the_clock_of_a_decision_goes_on_within_a_transaction(engines: Engines) -> None:
    clock = HostClock() if engines.is_sqlite else DatabaseClock()

    async with engines.write.begin() as connection:
        first = await clock.now(connection, START)
        second = await clock.now(connection, START)

    assert first.utcoffset() == timedelta(0)
    assert first < second
    assert abs(second - datetime.now(UTC)) < timedelta(minutes=1)
