"""What browsers' passkeys are asked to sign: found by a cookie's hash, taken once, soon over."""

from datetime import timedelta

from sqlalchemy import delete, insert, select

from store.engine import Engines
from store.portal_tables import portal_challenge

LIFE = timedelta(minutes=5)


class Challenges:
    """Keeps challenges, sealed for the portal's key alone."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def begin(self, token_hash: str, sealed: str) -> None:
        """Keep one for five minutes. Those that are over are cleared away here."""
        async with self._engines.write.begin() as connection:
            now = await self._engines.clock.now(connection)
            over = portal_challenge.c.ends_at <= now
            await connection.execute(delete(portal_challenge).where(over))
            row = {"token_hash": token_hash, "sealed": sealed, "ends_at": now + LIFE}
            await connection.execute(insert(portal_challenge), row)

    async def found(self, token_hash: str) -> str | None:
        """Return one that is not over, and leave it there: a page may be loaded twice."""
        row = portal_challenge
        query = select(row.c.sealed, row.c.ends_at).where(row.c.token_hash == token_hash)
        async with self._engines.read.connect() as connection:
            now = await self._engines.clock.now(connection)
            found = (await connection.execute(query)).first()
        return None if found is None or now >= found.ends_at else str(found.sealed)

    async def taken(self, token_hash: str) -> str | None:
        """Take one away and return it, unless it is over: of two who ask at once, one gets it."""
        row = portal_challenge
        query = delete(row).where(row.c.token_hash == token_hash)
        async with self._engines.write.begin() as connection:
            now = await self._engines.clock.now(connection)
            found = (await connection.execute(query.returning(row.c.sealed, row.c.ends_at))).first()
        return None if found is None or now >= found.ends_at else str(found.sealed)
