"""Builds and upgrades every schema with Alembic, tests' and the embedded stack's included."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from store.engine import Engines, SchemaError

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


async def upgrade(engines: Engines, revision: str = "head") -> None:
    """Bring the database to a revision. Safe to repeat; one transaction.

    A SQLite file that is missing is made here and nowhere else, readable by its owner alone.
    Raises SchemaError for a database of a newer version.
    """
    if engines.is_sqlite:
        _made(Path(str(engines.url.database)))
    async with engines.write.begin() as connection:
        await connection.run_sync(_upgrade, revision)


async def pending(engines: Engines) -> list[str]:
    """Return what `upgrade` would do, a line a revision, oldest first; nothing is made.

    Raises SchemaError for a database of a newer version.
    """
    current = None
    if not (engines.is_sqlite and _is_missing(Path(str(engines.url.database)))):
        async with engines.read.connect() as connection:
            current = await connection.run_sync(_current)
    found = _script().iterate_revisions("head", current or "base")
    return [f"{one.revision}: {one.doc}" for one in found][::-1]


def _is_missing(file: Path) -> bool:
    return not file.exists()


def _made(file: Path) -> None:
    file.touch(mode=0o600)


def _upgrade(connection: Connection, revision: str) -> None:
    _current(connection)
    command.upgrade(configured(connection), revision)


def _current(connection: Connection) -> str | None:
    """Return the revision of a database, None for one without tables of ours."""
    found = MigrationContext.configure(connection).get_current_revision()
    known = {one.revision for one in _script().walk_revisions()}
    if found is not None and found not in known:
        raise SchemaError(
            f"The database has a schema that this version does not know ({found}): a newer version"
            " has migrated it. Use that one. Nothing was changed."
        )
    return found


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def configured(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
