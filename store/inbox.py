"""Lists and single views for people: what awaits me, what I asked for, what happened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select

from approvals import rules
from approvals.commands import Signed
from approvals.delivery import Outcome
from approvals.facts import Counts, Needed
from approvals.people import Directory, PersonId, Role
from approvals.records import Record
from approvals.tenant_access.record import KIND, TenantAccess
from approvals.transition import EnrolledKey, Session, State
from store import directory as stored_directory
from store import tables as t
from store.engine import Engines
from store.keys import keys_of
from store.quotas import counts_of

PAGE = 200
Place = tuple[datetime, UUID]  # of a request in a list: when it was sent, and its id


class MailLine(Record):
    """One mail of a process, and its fate. *to* is the person's id, None for a stranger."""

    to: PersonId | None
    version: int
    kind: str
    status: str
    attempts: int
    reply: str | None
    at: datetime


class Inbox:
    """Reads for people. Every list takes the viewer, and shows only what the viewer has part in."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def outcome(self, key: UUID, nonce: str) -> Outcome | None:
        """Return what a command was answered, once the door has recorded it."""
        query = select(t.command.c.outcome).where(
            t.command.c.key_id == key, t.command.c.nonce == nonce
        )
        async with self._engines.read.connect() as connection:
            text = (await connection.execute(query)).scalar()
        return None if text is None else Outcome.model_validate_json(text)

    async def state(self, process: UUID) -> State | None:
        """Return a process's complete state. The caller judges who may see it."""
        query = select(t.process.c.kind, t.process.c.state).where(t.process.c.id == process)
        async with self._engines.read.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else rules.restored(row.kind, row.state)

    async def counts(self, signed: Signed, now: datetime) -> Counts:
        """Count requests for the quotas of a policy, as the door will."""
        async with self._engines.read.connect() as connection:
            return await counts_of(connection, signed, now)

    async def states(self, processes: Sequence[UUID]) -> list[State]:
        """Return the states of several processes. The caller judges who may see them."""
        query = select(t.process.c.kind, t.process.c.state).where(t.process.c.id.in_(processes))
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [rules.restored(row.kind, row.state) for row in rows]

    async def directory(self, needed: Needed) -> Directory:
        """Read a part of the directory."""
        async with self._engines.read.connect() as connection:
            return await stored_directory.part_of(connection, needed, hold=False)

    async def outgoing(
        self,
        viewer: PersonId,
        statuses: Sequence[str] = (),
        limit: int = PAGE,
        after: Place | None = None,
    ) -> list[TenantAccess]:
        """Return requests that the viewer's organization sent, newest first (TM admins only).

        *after* is the place of the last request of the page before.
        """
        mine = stored_directory.scopes_of(viewer, Role.TM_ADMIN)
        return await self._requests(t.process.c.organization_id.in_(mine), statuses, limit, after)

    async def incoming(
        self,
        viewer: PersonId,
        statuses: Sequence[str] = (),
        limit: int = PAGE,
        after: Place | None = None,
    ) -> list[TenantAccess]:
        """Return requests to the tenants that the viewer administers, newest first."""
        mine = stored_directory.scopes_of(viewer, Role.TENANT_ADMIN)
        return await self._requests(t.process.c.tenant_id.in_(mine), statuses, limit, after)

    async def named(
        self,
        viewer: PersonId,
        statuses: Sequence[str] = (),
        limit: int = PAGE,
        after: Place | None = None,
    ) -> list[TenantAccess]:
        """Return the requests that name the viewer, newest first: "my tenants"."""
        mine = select(t.involvement.c.process_id).where(t.involvement.c.person_id == viewer)
        return await self._requests(t.process.c.id.in_(mine), statuses, limit, after)

    async def sessions(self, viewer: PersonId) -> list[Session]:
        """Return the viewer's open sessions, newest first."""
        query = (
            select(t.session)
            .where(t.session.c.person_id == viewer, t.session.c.ended_at.is_(None))
            .order_by(t.session.c.begun_at.desc())
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Session(
                id=row.id,
                process=row.process_id,
                person=row.person_id,
                tenant=row.tenant_id,
                mode=row.mode,
                begun_at=row.begun_at,
                clone=row.clone_id,
            )
            for row in rows
        ]

    async def keys(self, person: PersonId) -> Sequence[EnrolledKey]:
        """Return a person's keys, newest first."""
        async with self._engines.read.connect() as connection:
            return await keys_of(connection, person)

    async def mails(self, process: UUID) -> list[MailLine]:
        """Return a process's mails, oldest first."""
        query = select(t.outbox).where(t.outbox.c.process_id == process)
        query = query.order_by(t.outbox.c.version, t.outbox.c.written_at, t.outbox.c.id)
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            MailLine(
                to=row.person_id,
                version=row.version,
                kind=row.kind,
                status=row.status,
                attempts=row.attempts,
                reply=row.reply,
                at=row.settled_at or row.written_at,
            )
            for row in rows
        ]

    async def _requests(
        self, where: Any, statuses: Sequence[str], limit: int, after: Place | None = None
    ) -> list[TenantAccess]:
        query: Select[Any] = (
            select(t.process.c.state)
            .where(t.process.c.kind == KIND, where)
            .order_by(t.process.c.begun_at.desc(), t.process.c.id)
            .limit(limit)
        )
        if statuses:
            query = query.where(t.process.c.status.in_(statuses))
        if after is not None:
            at, process = t.process.c.begun_at, t.process.c.id
            query = query.where((at < after[0]) | and_(at == after[0], process > after[1]))
        async with self._engines.read.connect() as connection:
            texts = (await connection.execute(query)).scalars().all()
        return [TenantAccess.model_validate_json(text) for text in texts]
