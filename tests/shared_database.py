"""One PostgreSQL database for many tests, emptied before each: far cheaper than a new one."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL

from store import tables as t
from tests.postgres import address, execute

__all__ = ["changes_the_schema", "database_url", "shared_postgres"]


class SharedPostgres:
    """A database that is made from the template when it is first needed."""

    def __init__(self, folder: Path, template: str) -> None:
        self._folder, self._template = folder, template
        self._name: str | None = None

    def emptied(self) -> URL:
        """Return the address of the database, without a row in any table."""
        if self._name is None:
            self._name = f"shared_{uuid4().hex}"
            execute(self._folder, f"CREATE DATABASE {self._name} TEMPLATE {self._template}")
        else:
            tables = "; ".join(f'DELETE FROM "{one}"' for one in t.metadata.tables)
            # As a replica: no trigger keeps the audit, no foreign key asks for an order.
            emptying = f"SET session_replication_role = replica; {tables}"
            execute(self._folder, emptying, self._name)
        return address(self._folder, self._name)

    def dropped(self) -> None:
        """Drop the database; the next test gets a new one."""
        if self._name is not None:
            execute(self._folder, f"DROP DATABASE {self._name} WITH (FORCE)")
            self._name = None


@pytest.fixture(scope="session")
def shared_postgres(postgres_folder: Path, postgres_template: str) -> Iterator[SharedPostgres]:
    """The database that tests use one after the other."""
    shared = SharedPostgres(postgres_folder, postgres_template)
    yield shared
    shared.dropped()


@pytest.fixture
def changes_the_schema() -> bool:
    """Whether the test drops triggers or tables, so that nobody may use its database after it."""
    return False


@pytest.fixture
def database_url(
    database: str, request: pytest.FixtureRequest, tmp_path: Path, changes_the_schema: bool
) -> Iterator[URL]:
    """The address of a migrated, empty database that nobody else uses meanwhile."""
    if database == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        file = tmp_path / "gatehouse.db"
        shutil.copy(template, file)
        yield URL.create("sqlite+aiosqlite", database=str(file))
        return
    shared: SharedPostgres = request.getfixturevalue("shared_postgres")
    yield shared.emptied()
    if changes_the_schema:
        shared.dropped()
