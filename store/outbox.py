"""The outbox: notices that wait for their mail, taken and settled one at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.addresses import masked
from approvals.notices import notice_id
from approvals.people import PersonId
from approvals.ports import Addressee, Fate, NoticesOf, Outbox, OutboxItem, Posting
from approvals.posting import LEASE, WAITING, MailStatus, after_posting
from store import tables as t
from store.engine import Engines

BATCH = 500
PRIVATE_KINDS = (
    "sign_in_code",
    "newcomer_code",
    "key_enrolled",
    "passkey_added",
    "passkey_removed",
    "mail_undeliverable",
)
LOST = "The attempt was cut off; whether the mail arrived is unknown."

# Built once: building an expression costs more than running it.
ADDRESSED = select(
    t.outbox,
    func.coalesce(t.outbox.c.to_email, t.person.c.email).label("email"),
    func.coalesce(t.outbox.c.to_name, t.person.c.name).label("person_name"),
    func.coalesce(t.outbox.c.to_locale, t.person.c.locale).label("locale"),
    func.coalesce(t.person.c.time_zone, "UTC").label("time_zone"),
).outerjoin(t.person, t.person.c.id == t.outbox.c.person_id)
FIRST = (
    ADDRESSED.where(
        t.outbox.c.process_id == bindparam("process"),
        t.outbox.c.version == bindparam("version"),
        t.outbox.c.status.in_((MailStatus.PENDING, MailStatus.UNKNOWN))
        | (t.outbox.c.status == MailStatus.SENDING) & (t.outbox.c.taken_at <= bindparam("lost")),
        t.outbox.c.id.not_in(bindparam("tried", expanding=True)),
    )
    .order_by(t.outbox.c.written_at, t.outbox.c.id)
    .limit(1)
    .with_for_update(of=t.outbox)
)
TAKEN = select(t.outbox).where(t.outbox.c.id == bindparam("notice")).with_for_update()
MARK = update(t.outbox).where(t.outbox.c.id == bindparam("notice"))


class SqlOutbox(Outbox):
    """The outbox in SQLite or PostgreSQL."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def next(
        self,
        notices: NoticesOf,
        tried: frozenset[UUID],
        settled: tuple[OutboxItem, Posting] | None,
    ) -> OutboxItem | None:
        async with self._engines.write.begin() as connection:
            now = await self._engines.clock.now(connection)
            if settled is not None:
                await _settle(connection, *settled, now)
            while row := await _first(connection, notices, tried, now):
                if await _take(connection, row, now):
                    return _item(row)
            return None

    async def is_done(self, notices: NoticesOf) -> bool:
        query = select(func.count()).where(_of(notices), t.outbox.c.status.in_(WAITING))
        async with self._engines.read.connect() as connection:
            left: int = (await connection.execute(query)).scalar_one()
        return left == 0

    async def left_over(self, older_than_seconds: int) -> Sequence[tuple[NoticesOf, str]]:
        async with self._engines.read.connect() as connection:
            now = await self._engines.clock.now(connection)
            since = now - timedelta(seconds=older_than_seconds)
            query = (
                select(t.outbox.c.process_id, t.outbox.c.version, t.process.c.tenant_id)
                .join(t.process, t.process.c.id == t.outbox.c.process_id)
                .where(t.outbox.c.status.in_(WAITING), t.outbox.c.written_at < since)
                .distinct()
                .limit(BATCH)
            )
            rows = (await connection.execute(query)).all()
        return [
            (
                NoticesOf(process=row.process_id, version=row.version),
                str(row.tenant_id or row.process_id),
            )
            for row in rows
        ]


async def all_items(engines: Engines) -> list[OutboxItem]:
    """Return every notice that was ever written, for those who compare them with the mails."""
    async with engines.snapshot() as connection:
        return [_item(row) for row in await connection.execute(ADDRESSED)]


def _of(notices: NoticesOf) -> Any:
    return (t.outbox.c.process_id == notices.process) & (t.outbox.c.version == notices.version)


async def _first(
    connection: AsyncConnection, notices: NoticesOf, tried: frozenset[UUID], now: datetime
) -> Row[Any] | None:
    given = {
        "process": notices.process,
        "version": notices.version,
        "lost": now - LEASE,
        "tried": list(tried),
    }
    return (await connection.execute(FIRST, given)).first()


async def _take(connection: AsyncConnection, row: Row[Any], now: datetime) -> bool:
    """Mark a row ``sending``; False when it was lost in sending twice and is given up."""
    was_lost = row.status == MailStatus.SENDING
    if was_lost and row.was_unknown:
        await _fail(connection, row, LOST, now)
        return False
    await connection.execute(
        MARK,
        {
            "notice": row.id,
            "status": MailStatus.SENDING,
            "taken_at": now,
            "attempts": row.attempts + 1,
            "was_unknown": row.was_unknown or was_lost,
        },
    )
    return True


async def _settle(
    connection: AsyncConnection, item: OutboxItem, posting: Posting, now: datetime
) -> None:
    if posting.fate is Fate.SENT:  # true whatever the row says meanwhile
        sent = {"notice": item.id, "status": MailStatus.SENT, "reply": posting.reply}
        await connection.execute(MARK, {**sent, "sealed": None, "settled_at": now})
        return
    row = (await connection.execute(TAKEN, {"notice": item.id})).one()
    if row.status != MailStatus.SENDING or row.attempts != item.attempts:
        return  # the late word of an attempt that counted as lost: a later one has settled it
    status = after_posting(row.attempts, row.was_unknown, posting)
    if status is MailStatus.FAILED:
        await _fail(connection, row, posting.reply, now)
        return
    await connection.execute(
        MARK,
        {
            "notice": item.id,
            "status": status,
            "reply": posting.reply,
            "was_unknown": row.was_unknown or status is MailStatus.UNKNOWN,
            "settled_at": now,
        },
    )


def _person_of(row: Row[Any]) -> Any:
    return select(t.person.c.email).where(t.person.c.id == row.person_id)


async def _fail(connection: AsyncConnection, row: Row[Any], reply: str, now: datetime) -> None:
    """Give a notice up, and tell the person who sent the request that it did not arrive."""
    await connection.execute(
        update(t.outbox)
        .where(t.outbox.c.id == row.id)
        .values(status=MailStatus.FAILED, reply=reply, sealed=None, settled_at=now)
    )
    sender = select(t.process.c.requester_id).where(t.process.c.id == row.process_id)
    requester = (await connection.execute(sender)).scalar_one()
    if requester is None or requester == row.person_id or row.kind in PRIVATE_KINDS:
        return
    address = row.to_email or (await connection.execute(_person_of(row))).scalar_one()
    await connection.execute(
        insert(t.outbox).values(
            id=notice_id(
                row.process_id, row.version, f"mail_undeliverable/{row.id}", PersonId(requester)
            ),
            process_id=row.process_id,
            version=row.version,
            kind="mail_undeliverable",
            person_id=requester,
            facts={"about": row.kind, "recipient_masked": masked(address), "reply": reply},
            status=MailStatus.PENDING,
            attempts=0,
            was_unknown=False,
            written_at=now,
        )
    )


def _item(row: Row[Any]) -> OutboxItem:
    return OutboxItem(
        id=row.id,
        process=row.process_id,
        version=row.version,
        kind=row.kind,
        to=Addressee(
            email=row.email, name=row.person_name, locale=row.locale, time_zone=row.time_zone
        ),
        facts=row.facts,
        sealed=row.sealed,
        attempts=row.attempts + 1,
        was_unknown=row.was_unknown or row.status == MailStatus.SENDING,
    )
