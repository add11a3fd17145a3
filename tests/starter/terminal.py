"""A terminal for tests: runs a command's group and says how it ended and what it wrote where."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import typer
from sqlalchemy.engine import URL
from typer.testing import CliRunner

from store.engine import Engines, connect
from tests.installation import CarriedClock, Installation
from tests.stored_life import StoredLife

T = TypeVar("T")


class End(NamedTuple):
    """How a command ended; *err* is one line, since terminals break long ones."""

    code: int
    out: str
    err: str


def run(app: typer.Typer, *words: str, typed: str | bytes | None = None) -> End:
    """Run one command of a group; an exception that is not an exit fails the test."""
    ended = CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)
    return End(ended.exit_code, ended.stdout, " ".join(ended.stderr.split()))


def with_database(
    home: Path, work: Callable[[Engines], Awaitable[T]], clock: CarriedClock | None = None
) -> T:
    """Do something on the database of an installation's folder, between two commands."""

    async def body() -> T:
        url = URL.create("sqlite+aiosqlite", database=str(home / "gatehouse.db"))
        engines = connect(url, clock)
        try:
            return await work(engines)
        finally:
            await engines.close()

    return asyncio.run(body())


def with_life(home: Path, work: Callable[[StoredLife], Awaitable[T]]) -> T:
    """Fill the database with the directory of the tests, and lead one request at this moment."""
    clock = CarriedClock()
    clock.fixed = datetime.now(UTC)

    async def body(engines: Engines) -> T:
        installation = Installation(engines)
        await installation.fill()
        return await work(StoredLife(installation, clock))

    return with_database(home, body, clock)
