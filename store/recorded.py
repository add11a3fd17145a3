"""What the checks of an installation read: answers, mails, processes, and all texts."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from store import tables as t
from store.engine import Engines

TEXTS = (  # what people and rules wrote
    (t.audit, "reason"),
    (t.outbox, "facts"),
    (t.outbox, "reply"),
    (t.command, "body"),
    (t.command, "outcome"),
    (t.process, "state"),
)


async def answers(engines: Engines) -> dict[tuple[UUID, str], str]:
    """Return the recorded outcome of every command, by its key and nonce."""
    query = select(t.command.c.key_id, t.command.c.nonce, t.command.c.outcome)
    async with engines.read.connect() as connection:
        return {(row[0], row[1]): row[2] for row in await connection.execute(query)}


async def mails(engines: Engines) -> Sequence[Row[Any]]:
    """Return the rows of the outbox, each with the place of its change in the record as *seq*."""
    entry = t.audit.c
    is_its = (entry.process_id == t.outbox.c.process_id) & (entry.version == t.outbox.c.version)
    query = select(t.outbox, entry.seq).select_from(t.outbox).outerjoin(t.audit, is_its)
    async with engines.read.connect() as connection:
        return (await connection.execute(query)).all()


async def processes(engines: Engines) -> tuple[dict[UUID, Row[UUID, bool, Any]], datetime]:
    """Return each process's *is_closed* and *changed_at* by its id, and the moment of the read."""
    process = t.process.c
    query = (
        select(process.id, process.is_closed, func.max(t.audit.c.at).label("changed_at"))
        .outerjoin(t.audit, t.audit.c.process_id == process.id)
        .group_by(process.id, process.is_closed)
    )
    async with engines.read.connect() as connection:
        found = {one.id: one for one in await connection.execute(query)}
        return found, await engines.clock.now(connection)


async def texts(engines: Engines) -> AsyncIterator[tuple[str, str]]:
    """Yield the name of a table and a text in it, for every text."""
    for table, column in TEXTS:
        async with engines.snapshot() as connection:
            async for (value,) in await connection.stream(select(table.c[column])):
                if value is not None:
                    yield table.name, str(value)
