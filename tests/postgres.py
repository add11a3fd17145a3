"""A PostgreSQL server of the tests, spoken to as its owner."""

import asyncio
from pathlib import Path

import asyncpg
from sqlalchemy.engine import URL


def address(folder: Path, name: str) -> URL:
    """Return the address of a database at the server whose socket is in *folder*."""
    host = {"host": str(folder)}
    return URL.create("postgresql+asyncpg", username="postgres", database=name, query=host)


def execute(folder: Path, statements: str, database: str = "postgres") -> None:
    """Run statements at the server whose socket is in *folder*."""
    asyncio.run(_executed(folder, statements, database))


async def _executed(folder: Path, statements: str, database: str) -> None:
    connection = await asyncpg.connect(user="postgres", database=database, host=str(folder))
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
