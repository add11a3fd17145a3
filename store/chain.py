"""Appends to the audit chains, and caps what refusals may write."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.audit import GENESIS, AuditEntry
from store import tables as t

HEAD = (
    select(t.audit.c.seq, t.audit.c.hash)
    .where(t.audit.c.process_id == bindparam("process"))
    .order_by(t.audit.c.seq.desc())
    .limit(1)
)
ENTRY = insert(t.audit)


async def append(connection: AsyncConnection, entry: AuditEntry) -> AuditEntry:
    """Write *entry* as the next of its process's chain; its seq, previous and hash are set here.

    The caller holds the process's lock, so nobody else takes the same number.
    """
    head = (await connection.execute(HEAD, {"process": entry.process})).first()
    place = {"seq": head.seq + 1, "previous": head.hash} if head else {"seq": 1}
    sealed = entry.model_copy(update=place).sealed()
    await connection.execute(
        ENTRY,
        {
            "process_id": sealed.process,
            "seq": sealed.seq,
            "version": sealed.version,
            "at": sealed.at,
            "actor_id": sealed.actor,
            "channel": sealed.channel,
            "key_id": sealed.key,
            "nonce": sealed.nonce,
            "command": sealed.command,
            "event": sealed.event,
            "reason": sealed.reason,
            "state": sealed.state,
            "left_out": sealed.left_out,
            "previous": sealed.previous,
            "hash": sealed.hash,
        },
    )
    return sealed


async def lock_installation(connection: AsyncConnection) -> None:
    """Keep everybody else from the installation's chain, which has no row, until the end.

    Take it after all other locks, so that two transactions never wait for each other.
    """
    if connection.dialect.name != "sqlite":
        await connection.execute(select(func.pg_advisory_xact_lock(0)))


async def left_out(
    connection: AsyncConnection, process: UUID, code: str, now: datetime
) -> int | None:
    """Return how many refusals were left out since the last entry, or None to leave this one out.

    One entry a process, reason and minute is written; the next one carries the count.
    """
    minute = now.replace(second=0, microsecond=0)
    where = (t.refusal.c.process_id == process) & (t.refusal.c.code == code)
    row = (await connection.execute(select(t.refusal).where(where))).first()
    if row is None:
        await connection.execute(
            insert(t.refusal).values(process_id=process, code=code, minute=minute, left_out=0)
        )
        return 0
    if row.minute == minute:
        more = update(t.refusal).where(where).values(left_out=row.left_out + 1)
        await connection.execute(more)
        return None
    await connection.execute(update(t.refusal).where(where).values(minute=minute, left_out=0))
    count: int = row.left_out
    return count


def entry(process: UUID, event: str, now: datetime, *, channel: str, **more: object) -> AuditEntry:
    """Return an entry that has no place in its chain yet."""
    blank = AuditEntry(
        process=process,
        seq=0,
        version=None,
        at=now,
        actor=None,
        channel=channel,
        key=None,
        nonce=None,
        command=None,
        event=event,
        reason=None,
        state=None,
        previous=GENESIS,
    )
    return blank.model_copy(update=more)
