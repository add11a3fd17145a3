"""The migrations: what they build is what the tables say, and they can be repeated and undone."""

from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from store import tables as t
from store.engine import Engines
from store.schema import configured, upgrade
from tests.installation import Installation
from tests.store.faults import Fault
from tests.store.rows import digest_of, rows_of


@pytest.fixture
def changes_the_schema() -> bool:
    """Migrations are undone here."""
    return True


async def with_connection(engines: Engines, work: Any) -> Any:
    """Run a synchronous function on a writing connection."""
    async with engines.write.begin() as connection:
        return await connection.run_sync(work)


def downgraded(connection: Connection) -> None:
    """Undo every migration."""
    command.downgrade(configured(connection), "base")


def table_names(connection: Connection) -> set[str]:
    """Return the names of all tables."""
    return set(inspect(connection).get_table_names())


async def test_the_migrations_build_what_the_tables_say(engines: Engines) -> None:
    def difference(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, t.metadata)

    assert await with_connection(engines, difference) == []


async def test_the_migrations_name_every_constraint_as_the_tables_do(engines: Engines) -> None:
    def names(connection: Connection) -> set[str | None]:
        look = inspect(connection)
        found = [
            one["name"]
            for table in t.metadata.tables
            for listed in (
                [look.get_pk_constraint(table)],
                look.get_foreign_keys(table),
                look.get_unique_constraints(table),
                look.get_check_constraints(table),
            )
            for one in listed
        ]
        return set(found)

    said = {one.name for table in t.metadata.tables.values() for one in table.constraints}
    assert await with_connection(engines, names) == said


async def test_upgrading_again_changes_nothing(installation: Installation) -> None:
    before = await digest_of(installation.engines)

    await upgrade(installation.engines)

    assert await digest_of(installation.engines) == before


async def test_everything_can_be_undone_and_built_again(installation: Installation) -> None:
    engines = installation.engines
    await with_connection(engines, downgraded)
    left = await with_connection(engines, table_names)

    await upgrade(engines)
    await installation.fill()

    assert left == {"alembic_version"}
    assert await with_connection(engines, table_names) == {*t.metadata.tables, "alembic_version"}
    assert len(await rows_of(engines, "person")) == 10


async def test_a_migration_that_breaks_off_leaves_nothing_half_built(engines: Engines) -> None:
    await with_connection(engines, downgraded)

    with Fault(engines, "\nCREATE TABLE outbox"), pytest.raises(ConnectionError):
        await upgrade(engines)

    assert await with_connection(engines, table_names) == {"alembic_version"}
