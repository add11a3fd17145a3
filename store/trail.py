"""Reads and verifies the audit chains."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.audit import AuditEntry, breaches, text_hash
from approvals.checkpoints import descent
from store import tables as t
from store.engine import Engines

Seen = Mapping[int, tuple[str, int]]  # of entries: their hash, and the checkpoint that saw it
Wanted = dict[UUID, dict[int, tuple[str, int]]]
BATCH = 2000  # rows that are fetched at a time


class Trail:
    """The audit, as it stands in the database."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def entries(self, process: UUID) -> list[AuditEntry]:
        """Return one process's chain in order."""
        async with self._engines.read.connect() as connection:
            return await entries_of(connection, process)

    async def breaches_of(self, process: UUID, seen: Seen | None = None) -> tuple[str, ...]:
        """Return what is wrong with one process's chain; empty means it verifies.

        *seen* is what checkpoints saw of it.
        """
        query = select(t.process.c.version, t.process.c.state).where(t.process.c.id == process)
        chain = select(t.audit).where(t.audit.c.process_id == process).order_by(t.audit.c.seq)
        async with self._engines.snapshot() as connection:  # row and chain of one moment
            row = (await connection.execute(query)).first()
            entries = tuple(_entry(one) for one in await connection.execute(chain))
        found = _judged(entries, None if row is None else (row.version, text_hash(row.state)))
        hashes = {one.seq: one.hash for one in entries}
        return (*found, *descent(process, hashes, seen or {}))

    async def all_breaches(
        self, wanted: Wanted | None = None
    ) -> AsyncIterator[tuple[UUID, int, tuple[str, ...]]]:
        """Yield (process, entries, breaches) for every chain, and for rows without one.

        *wanted* is what checkpoints saw. Everything is read in one transaction, so that writing
        may go on meanwhile.
        """
        left = dict(wanted or {})
        async with self._engines.snapshot() as connection:
            rows = await connection.execute(
                select(t.process.c.id, t.process.c.version, t.process.c.state)
            )
            heads = {row.id: (row.version, text_hash(row.state)) for row in rows}
            found = await connection.stream(
                select(t.audit).order_by(t.audit.c.process_id, t.audit.c.seq)
            )
            chain: list[AuditEntry] = []
            async for batch in found.partitions(BATCH):
                for row in batch:
                    if chain and chain[0].process != row.process_id:
                        yield _taken(chain, heads, left)
                        chain = []
                    chain.append(_entry(row))
            if chain:
                yield _taken(chain, heads, left)
            for process in heads:
                gone = descent(process, {}, left.pop(process, {}))
                yield process, 0, ("the row has no chain at all.", *gone)
            for process, seen in left.items():
                yield process, 0, descent(process, {}, seen)


async def entries_of(connection: AsyncConnection, process: UUID) -> list[AuditEntry]:
    """Return one process's chain in order."""
    query = select(t.audit).where(t.audit.c.process_id == process).order_by(t.audit.c.seq)
    return [_entry(row) for row in await connection.execute(query)]


def _taken(
    chain: list[AuditEntry], heads: dict[UUID, tuple[int, str]], wanted: Wanted
) -> tuple[UUID, int, tuple[str, ...]]:
    process = chain[0].process
    found = _judged(tuple(chain), heads.pop(process, None))
    return process, len(chain), (*found, *_descent(chain, wanted.pop(process, {})))


def _descent(chain: Sequence[AuditEntry], seen: Seen) -> tuple[str, ...]:
    if not seen:
        return ()
    return descent(chain[0].process, {one.seq: one.hash for one in chain}, seen)


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
