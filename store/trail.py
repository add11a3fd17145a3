"""Reads and verifies the audit chains."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.audit import AuditEntry, breaches, text_hash
from store import tables as t
from store.engine import Engines


class Trail:
    """The audit, as it stands in the database."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def entries(self, process: UUID) -> list[AuditEntry]:
        """Return one process's chain in order."""
        async with self._engines.read.connect() as connection:
            return await entries_of(connection, process)

    async def breaches_of(self, process: UUID) -> tuple[str, ...]:
        """Return what is wrong with one process's chain; empty means it verifies."""
        query = select(t.process.c.version, t.process.c.state).where(t.process.c.id == process)
        chain = select(t.audit).where(t.audit.c.process_id == process).order_by(t.audit.c.seq)
        async with self._engines.snapshot() as connection:  # row and chain of one moment
            row = (await connection.execute(query)).first()
            entries = tuple(_entry(one) for one in await connection.execute(chain))
        return _judged(entries, None if row is None else (row.version, text_hash(row.state)))

    async def all_breaches(self) -> AsyncIterator[tuple[UUID, int, tuple[str, ...]]]:
        """Yield (process, entries, breaches) for every chain, and for rows without one.

        Everything is read in one transaction, so that writing may go on meanwhile.
        """
        async with self._engines.snapshot() as connection:
            rows = await connection.execute(
                select(t.process.c.id, t.process.c.version, t.process.c.state)
            )
            heads = {row.id: (row.version, text_hash(row.state)) for row in rows}
            found = await connection.stream(
                select(t.audit).order_by(t.audit.c.process_id, t.audit.c.seq)
            )
            chain: list[AuditEntry] = []
            async for row in found:
                if chain and chain[0].process != row.process_id:
                    yield _taken(chain, heads)
                    chain = []
                chain.append(_entry(row))
            if chain:
                yield _taken(chain, heads)
            for process in heads:
                yield process, 0, ("the row has no chain at all.",)


async def entries_of(connection: AsyncConnection, process: UUID) -> list[AuditEntry]:
    """Return one process's chain in order."""
    query = select(t.audit).where(t.audit.c.process_id == process).order_by(t.audit.c.seq)
    return [_entry(row) for row in await connection.execute(query)]


def _taken(
    chain: list[AuditEntry], heads: dict[UUID, tuple[int, str]]
) -> tuple[UUID, int, tuple[str, ...]]:
    process = chain[0].process
    return process, len(chain), _judged(tuple(chain), heads.pop(process, None))


def _judged(chain: tuple[AuditEntry, ...], head: tuple[int, str] | None) -> tuple[str, ...]:
    """Judge a chain beside its row's version and digest; None when there is no row."""
    if head is not None:
        return breaches(chain, *head)
    found = breaches(chain, None, None)
    if any(one.version is not None for one in chain):
        return (*found, "the row that the chain records is gone.")
    return found


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        process=row.process_id,
        seq=row.seq,
        version=row.version,
        at=row.at,
        actor=row.actor_id,
        channel=row.channel,
        key=row.key_id,
        nonce=row.nonce,
        command=row.command,
        event=row.event,
        reason=row.reason,
        state=row.state,
        left_out=row.left_out,
        previous=row.previous,
        hash=row.hash,
    )
