"""Sign-ins of browsers, found by the hash of their cookie; the cookie itself is stored nowhere."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.people import PersonId
from approvals.records import Record
from store import tables as t
from store.engine import Engines
from store.passkeys import ids_of as passkeys_of
from store.portal_tables import portal_session

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)
CODE_WAITS = timedelta(minutes=10)  # how long a mailed code is awaited
TOUCHED = timedelta(seconds=30)  # a page asked for sooner after another writes nothing


class PortalSession(Record):
    """One browser's sign-in. *sealed* and *kept* are for the portal's key alone.

    *authenticated_at* is when its code was proved, None while that is awaited; *passkey* is the one
    that was used instead. Whoever *has_passkeys* decides with one only.
    """

    token_hash: str
    sign_in: UUID
    person: PersonId | None
    sealed: str
    kept: str | None
    seen_at: datetime
    ends_at: datetime
    authenticated_at: datetime | None = None
    passkey: UUID | None = None
    has_passkeys: bool = False


async def end_all(
    connection: AsyncConnection, people: Collection[PersonId], *, but: UUID | None = None
) -> None:
    """Forget the browsers of these people, in a transaction that takes something from them.

    Not the one whose sign-in *but* is: it has just shown who it is.
    """
    if people:
        row = portal_session.c
        of_one = delete(portal_session).where(row.person_id == bindparam("person"))
        if but is not None:
            of_one = of_one.where(row.sign_in_id != but)
        await connection.execute(of_one, [{"person": one} for one in people])


class PortalSessions:
    """Reads and writes who is signed in at the portal."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def begin(
        self,
        token_hash: str,
        sign_in: UUID,
        sealed: str,
        *,
        person: PersonId | None = None,
        kept: str | None = None,
    ) -> None:
        """Remember a browser: until the code's end, or with *person* for eight hours at most.

        Rows that have ended are cleared away here, where something is written anyway.
        """
        async with self._engines.write.begin() as connection:
            now = await self._engines.clock.now(connection)
            await connection.execute(delete(portal_session).where(portal_session.c.ends_at <= now))
            await connection.execute(
                delete(portal_session).where(portal_session.c.sign_in_id == sign_in)
            )
            await connection.execute(
                insert(portal_session),
                {
                    "token_hash": token_hash,
                    "sign_in_id": sign_in,
                    "person_id": person,
                    "sealed": sealed,
                    "kept": kept,
                    "seen_at": now,
                    "ends_at": now + (CODE_WAITS if person is None else LONGEST),
                },
            )

    async def found(self, token_hash: str, *, even_idle: bool = False) -> PortalSession | None:
        """Return a live one: its key signs, it is neither idle nor over. None for any other.

        One that is *even_idle* lets nobody in; it only tells whose it was.
        """
        row = portal_session
        of_key = (t.key.c.enrolled_at, t.key.c.expires_at, t.key.c.revoked_at, t.key.c.passkey_id)
        query = (
            select(row, *of_key)
            .outerjoin(t.key, t.key.c.id == row.c.sign_in_id)
            .where(row.c.token_hash == token_hash)
        )
        async with self._engines.read.connect() as connection:
            now = await self._engines.clock.now(connection)
            found = (await connection.execute(query)).first()
            passkeys = () if found is None else await passkeys_of(connection, found.person_id)
        if found is None or now >= found.ends_at:
            return None
        if found.person_id is not None:
            is_over = found.expires_at is None or now >= found.expires_at
            is_idle = now - found.seen_at >= IDLE and not even_idle
            if is_over or found.revoked_at is not None or is_idle:
                return None
            if found.passkey_id is not None and found.passkey_id not in passkeys:  # removed since
                return None
        return PortalSession(
            token_hash=found.token_hash,
            sign_in=found.sign_in_id,
            person=found.person_id,
            sealed=found.sealed,
            kept=found.kept,
            seen_at=found.seen_at,
            ends_at=found.ends_at,
            authenticated_at=found.enrolled_at,
            passkey=found.passkey_id,
            has_passkeys=bool(passkeys),
        )

    async def touch(self, session: PortalSession) -> None:
        """Note that the browser is used, at most twice a minute."""
        async with self._engines.write.begin() as connection:
            now = await self._engines.clock.now(connection)
            of_it = portal_session.c.token_hash == session.token_hash
            await connection.execute(update(portal_session).where(of_it).values(seen_at=now))

    async def keep(self, session: PortalSession, kept: str | None) -> None:
        """Keep what was typed on a page until its person has signed in afresh."""
        of_it = portal_session.c.token_hash == session.token_hash
        async with self._engines.write.begin() as connection:
            await connection.execute(update(portal_session).where(of_it).values(kept=kept))

    async def end(self, token_hash: str) -> None:
        """Forget a browser, with the key that was held for it."""
        of_it = portal_session.c.token_hash == token_hash
        async with self._engines.write.begin() as connection:
            await connection.execute(delete(portal_session).where(of_it))

    async def end_key(self, person: PersonId, sign_in: UUID) -> None:
        """Forget the browser of one of a person's sign-ins."""
        row = portal_session
        async with self._engines.write.begin() as connection:
            await connection.execute(
                delete(row).where(and_(row.c.person_id == person, row.c.sign_in_id == sign_in))
            )
