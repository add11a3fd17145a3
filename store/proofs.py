"""Gathers what a proof of one process holds."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals import merkle
from approvals.audit import AuditEntry
from approvals.checkpoints import Head, Heads, Published, leaves_of
from approvals.proof import Coverage, KeyFacts, Place, ProofPack, SignedCommand
from store import tables as t
from store.engine import Engines
from store.keys import key_of
from store.trail import entries_of


async def proof_of(
    engines: Engines, process: UUID, published: Published, now: datetime
) -> ProofPack:
    """Return the proof of one process, as of one moment; for an unknown one without entries.

    What the latest checkpoint has not *published* stands in it uncovered.
    """
    heads = published.heads
    async with engines.snapshot() as connection:
        entries = await entries_of(connection, process)
        ids = {one.key for one in entries if one.key is not None}
        keys = await connection.execute(select(t.key).where(t.key.c.id.in_(ids)))
        facts = []
        for row in keys.all():
            enrolment = await entries_of(connection, row.id)
            commands = await _commands(connection, enrolment)
            facts.append(
                KeyFacts(
                    key=key_of(row),
                    enrolment=tuple(enrolment),
                    commands=commands,
                    place=_place(row.id, heads),
                )
            )
        return ProofPack(
            process=process,
            made_at=now,
            entries=tuple(entries),
            commands=await _commands(connection, entries),
            keys=tuple(sorted(facts, key=lambda one: one.key.id)),
            checkpoint=_coverage(process, published),
        )


def _coverage(process: UUID, published: Published) -> Coverage | None:
    last, place = published.latest, _place(process, published.heads)
    if last is None or place is None:
        return None
    return Coverage(statement=last.statement, signature=last.signature, **dict(place))


def _place(process: UUID, heads: Heads) -> Place | None:
    if process not in heads:
        return None
    seq, found = heads[process]
    return Place(
        head=Head(process=process, seq=seq, hash=found),
        proof=merkle.inclusion(leaves_of(heads), sorted(heads).index(process)),
    )


async def _commands(
    connection: AsyncConnection, entries: Iterable[AuditEntry]
) -> tuple[SignedCommand, ...]:
    """Return the signed commands that entries name, in their order, as far as they are kept."""
    wanted = {(one.key, one.nonce): one.command for one in entries if one.nonce is not None}
    query = select(t.command).where(
        t.command.c.key_id.in_({key for key, _ in wanted}),
        t.command.c.nonce.in_({nonce for _, nonce in wanted}),
    )
    rows = {(row.key_id, row.nonce): row for row in await connection.execute(query)}
    kept = [rows[one] for one in wanted if one in rows and rows[one].body is not None]
    return tuple(SignedCommand(body=row.body, signature=row.signature) for row in kept)
