"""The ledger: locks one process's row and writes all that a transition says, in one transaction."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals import audit, rules
from approvals.commands import PLATFORM, Signed
from approvals.delivery import Outcome, Refusal
from approvals.errors import ApprovalError, NonceReusedError
from approvals.facts import Counts, Kin, LastUse, Needed
from approvals.pairing.record import KIND as PAIRING
from approvals.passkeys import Passkey
from approvals.people import Directory, PersonId
from approvals.ports import Ledger, LockedRow, OpenProcess
from approvals.sign_in.delays import REMEMBERED, failures_of
from approvals.sign_in.record import CODE_LIFE, SignIn
from approvals.sign_in.record import KIND as SIGN_IN
from approvals.transition import EnrolledKey, Membership, State, Transition
from store import chain, passkeys, projection, users
from store import directory as stored_directory
from store import tables as t
from store.engine import Engines
from store.keys import key_of
from store.quotas import counts_of

HOUR = timedelta(hours=1)
# Built once: building an expression costs more than running it.
ROW = (
    select(t.process.c.kind, t.process.c.state)
    .where(t.process.c.id == bindparam("process"))
    .with_for_update()
)
KEY = select(t.key).where(t.key.c.id == bindparam("key")).with_for_update(read=True)
RECORDED = select(t.command.c.digest, t.command.c.outcome).where(
    t.command.c.key_id == bindparam("key"), t.command.c.nonce == bindparam("nonce")
)
KIN = (
    select(t.process.c.id, t.process.c.begun_at, t.process.c.is_closed)
    .where(
        t.process.c.subject == bindparam("subject"),
        (t.process.c.begun_at > bindparam("since")) | t.process.c.is_closed.is_(False),
    )
    .order_by(t.process.c.begun_at.desc(), t.process.c.id)
)
SIGN_INS = select(t.process.c.state).where(
    t.process.c.subject == bindparam("subject"),
    t.process.c.kind == SIGN_IN,
    t.process.c.begun_at > bindparam("since"),
)
LINKS = (
    select(func.count())
    .select_from(t.audit.join(t.process, t.process.c.id == t.audit.c.process_id))
    .where(
        t.process.c.subject == bindparam("subject"),
        t.process.c.kind == PAIRING,
        t.audit.c.event.in_(("offered", "reissued")),
        t.audit.c.at > bindparam("since"),
    )
)
DUE = (
    select(t.process.c.id)
    .where(
        t.process.c.kind == bindparam("kind"),
        t.process.c.is_closed.is_(False),
        t.process.c.due <= bindparam("now"),
    )
    .order_by(t.process.c.due)
)
REMEMBER = insert(t.command)


class SqlLedger(Ledger):
    """Processes in SQLite or PostgreSQL."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[LockedRow]:
        async with self._engines.write.begin() as connection:
            await self._engines.lock(connection, process)
            now = await self._engines.clock.now(connection, at)
            yield await _SqlRow.read(connection, process, now, self._engines)

    async def are_closed(self, processes: Sequence[UUID]) -> Mapping[UUID, bool]:
        columns = (t.process.c.id, t.process.c.is_closed)
        query = select(*columns).where(t.process.c.id.in_(processes))
        async with self._engines.read.connect() as connection:
            return {row.id: row.is_closed for row in await connection.execute(query)}

    async def open_processes(self) -> Sequence[OpenProcess]:
        query = select(
            t.process.c.id, t.process.c.kind, t.process.c.tenant_id, t.process.c.due
        ).where(t.process.c.is_closed.is_(False))
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            OpenProcess(id=row.id, kind=row.kind, tenant=row.tenant_id, due=row.due) for row in rows
        ]

    async def due_processes(self, kind: str) -> Sequence[UUID]:
        async with self._engines.read.connect() as connection:
            now = await self._engines.clock.now(connection, datetime.now(UTC))
            return (await connection.execute(DUE, {"kind": kind, "now": now})).scalars().all()


class _SqlRow(LockedRow):
    """One locked process. Every method runs in the transaction that holds the lock."""

    def __init__(
        self,
        connection: AsyncConnection,
        process: UUID,
        now: datetime,
        state: State | None,
        engines: Engines,
    ) -> None:
        self._connection, self._process, self._now, self._state = connection, process, now, state
        self._engines = engines
        self._written: Transition | None = None

    @classmethod
    async def read(
        cls, connection: AsyncConnection, process: UUID, now: datetime, engines: Engines
    ) -> "_SqlRow":
        row = (await connection.execute(ROW, {"process": process})).first()
        state = None if row is None else rules.restored(row.kind, row.state)
        return cls(connection, process, now, state, engines)

    @property
    def process(self) -> UUID:
        return self._process

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def state(self) -> State | None:
        return self._state

    @property
    def written(self) -> Transition | None:
        return self._written

    def standing(self) -> Outcome:
        return projection.outcome(self._state, None, None)

    async def key(self, key: UUID) -> EnrolledKey | None:
        row = (await self._connection.execute(KEY, {"key": key})).first()
        return None if row is None else key_of(row)

    async def passkeys(self, person: PersonId) -> tuple[UUID, ...]:
        return await passkeys.live_of(self._connection, person)

    async def passkey(self, passkey: UUID) -> Passkey | None:
        return await passkeys.held(self._connection, passkey)

    async def recorded(self, signed: Signed) -> Outcome | None:
        asked = {"key": signed.key, "nonce": signed.nonce}
        row = (await self._connection.execute(RECORDED, asked)).first()
        if row is None:
            return None
        if row.digest != signed.digest:
            raise NonceReusedError
        return Outcome.model_validate_json(row.outcome)

    async def directory(self, needed: Needed) -> Directory:
        return await stored_directory.part_of(self._connection, needed, hold=True)

    async def memberships(self, needed: Needed) -> tuple[Membership, ...]:
        if not needed.with_memberships:
            return ()
        sites = await users.sites_of(self._connection, needed)
        for site in sites:  # rows that are not there yet can only be held by their site's lock
            await self._engines.lock(self._connection, site)
        return await users.memberships_of(self._connection, sites)

    async def last_uses(self, people: Sequence[PersonId]) -> tuple[LastUse, ...]:
        return await users.last_uses_of(self._connection, people)

    async def counts(self, signed: Signed) -> Counts:
        return await counts_of(self._connection, signed, self._now)

    async def kin(self, subject: str) -> Kin:
        if self._connection.dialect.name != "sqlite":  # or all who ask at once would see none
            number = int.from_bytes(bytes.fromhex(subject)[:8], signed=True)
            await self._connection.execute(select(func.pg_advisory_xact_lock(number)))
        asked = {"subject": subject, "since": self._now - CODE_LIFE}
        found = (await self._connection.execute(KIN, asked)).all()
        recent = [one.id for one in found if one.begun_at > asked["since"]]
        hour = {"subject": subject, "since": self._now - HOUR}
        links = (await self._connection.execute(LINKS, hour)).scalar_one()
        day = {"subject": subject, "since": self._now - REMEMBERED}
        states = (await self._connection.execute(SIGN_INS, day)).scalars()
        return Kin(
            newest=recent[0] if recent else None,
            recent=len(recent),
            open=next((one.id for one in found if not one.is_closed), None),
            links=links,
            failures=failures_of(SignIn.model_validate_json(one) for one in states),
        )

    async def note(self, event: str, reason: str) -> None:
        noted = chain.entry(self._process, event, self._now, channel="platform", reason=reason)
        await chain.append(self._connection, noted.model_copy(update={"actor": PLATFORM}))

    async def refuse(
        self, refusal: ApprovalError, signed: Signed | None, said: bytes, sentence: str
    ) -> Outcome:
        chain_of = self._process if self._state is not None else audit.INSTALLATION
        if self._state is None:
            await chain.lock_installation(self._connection)
        count = await chain.left_out(self._connection, chain_of, refusal.code, self._now)
        if count is not None:
            await chain.append(
                self._connection,
                chain.entry(
                    chain_of,
                    f"refused.{refusal.code}",
                    self._now,
                    **projection.signer(signed, nobody="unknown"),
                    command=signed.digest if signed else hashlib.sha256(said).hexdigest(),
                    left_out=count,
                ),
            )
        outcome = projection.outcome(
            self._state, None, Refusal(code=refusal.code, sentence=sentence)
        )
        if not isinstance(refusal, NonceReusedError):  # that nonce has its outcome already
            await self._remember(signed, outcome)
        return outcome

    async def write(
        self, transition: Transition, directory: Directory, signed: Signed | None
    ) -> Outcome:
        text = transition.after.model_dump_json()
        await projection.write(self._connection, self._state, transition, text, self._now)
        signer = projection.signer(signed, nobody=_nobody(transition))
        await chain.append(
            self._connection,
            chain.entry(
                self._process,
                transition.event,
                self._now,
                **{**signer, "actor": transition.actor},
                version=transition.after.version,
                command=None if signed is None else signed.digest,
                reason=transition.reason,
                state=audit.text_hash(text),
            ),
        )
        await projection.write_notices(self._connection, transition, directory, self._now)
        self._written = transition
        no = transition.refusal
        refusal = None if no is None else Refusal(code=no.code, sentence=no.sentence())
        outcome = projection.outcome(transition.after, transition.receipt, refusal)
        await self._remember(signed, outcome)
        return outcome

    async def _remember(self, signed: Signed | None, outcome: Outcome) -> None:
        if signed is not None:
            is_kept = signed.command.is_kept
            await self._connection.execute(
                REMEMBER,
                {
                    "key_id": signed.key,
                    "nonce": signed.nonce,
                    "process_id": self._process,
                    "digest": signed.digest,
                    "body": signed.body.decode() if is_kept else None,
                    "signature": signed.signature if is_kept else None,
                    "outcome": outcome.model_dump_json(),
                    "at": self._now,
                },
            )


def _nobody(transition: Transition) -> str:
    """Return the channel of what nobody signed."""
    return "platform" if transition.actor == PLATFORM else "clock"
