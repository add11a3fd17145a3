"""Builds and upgrades every schema with Alembic, tests' and the embedded stack's included."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from store.engine import Engines

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


async def upgrade(engines: Engines, revision: str = "head") -> None:
    """Bring the database to a revision. Safe to repeat; one transaction.

    A SQLite file that is missing is made here and nowhere else, readable by its owner alone.
    """
    if engines.is_sqlite:
        _made(Path(str(engines.url.database)))
    async with engines.write.begin() as connection:
        await connection.run_sync(_upgrade, revision)


def _made(file: Path) -> None:
    file.touch(mode=0o600)


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(configured(connection), revision)


def configured(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
