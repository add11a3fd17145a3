"""Programs that may ask the gate: made and revoked by who owns the database, and audited."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals import audit
from approvals.errors import FieldError
from approvals.records import Record
from store import chain
from store import tables as t
from store.engine import Engines
from store.gate_tables import gate_client, gate_client_scope

MADE, REVOKED = "client.made", "client.revoked"
PREFIX = "agt_"
TOKEN = re.compile(r"agt_[A-Za-z0-9_-]{43}", re.ASCII)
LIVE = gate_client.c.revoked_at.is_(None)
BY_HASH = select(gate_client).where(gate_client.c.token_hash == bindparam("hash"), LIVE)
SCOPE = select(gate_client_scope.c.organization_id).where(
    gate_client_scope.c.client_id == bindparam("client")
)


class GateClient(Record):
    """One program. *organizations* None: it may ask about every place."""

    id: UUID
    name: str
    may_search: bool
    organizations: tuple[UUID, ...] | None
    made_at: datetime
    revoked_at: datetime | None

    def may_ask_about(self, organization: UUID) -> bool:
        """Whether the places of an organization are there for it."""
        return self.organizations is None or organization in self.organizations


def fresh_token() -> str:
    """Draw a token: its purpose, then 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is stored of a token: its SHA-256, hex."""
    return hashlib.sha256(token.encode()).hexdigest()


async def client_of(connection: AsyncConnection, token: str) -> GateClient | None:
    """Return the client whose token this is; None for an unknown or revoked one."""
    if TOKEN.fullmatch(token) is None:
        return None
    row = (await connection.execute(BY_HASH, {"hash": hashed(token)})).first()
    # The index has compared it already; here in a time that says nothing about the hash.
    if row is None or not hmac.compare_digest(row.token_hash, hashed(token)):
        return None
    return await _client(connection, row)


class GateClients:
    """Makes, lists and revokes them, for those who hold the database."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def make(
        self, name: str, token: str, organizations: Sequence[str] = (), *, may_search: bool = False
    ) -> GateClient:
        """Let a program with this *token* ask; about places of *organizations* (slugs), or all.

        Raises FieldError: client_name_taken or organization_unknown.
        """
        async with self._engines.write.begin() as connection:
            await chain.lock_installation(connection)
            if await self._live(connection, name) is not None:
                raise FieldError(
                    "client_name_taken", f"There is a client '{name}' already. Revoke it first."
                )
            now = await self._engines.clock.now(connection)
            row = {
                "id": uuid4(), "name": name, "token_hash": hashed(token),
                "may_search": may_search, "is_confined": bool(organizations), "made_at": now,
            }  # fmt: skip
            await connection.execute(insert(gate_client), row)
            ids = await _organizations(connection, organizations)
            if ids:
                scope = [{"client_id": row["id"], "organization_id": one} for one in ids]
                await connection.execute(insert(gate_client_scope), scope)
            places = f"places of {', '.join(organizations)}" if organizations else "every place"
            may = "may ask and search" if may_search else "may ask"
            await _record(connection, MADE, now, f"{name} {may}: {places}")
            found = await self._live(connection, name)
        assert found is not None  # noqa: S101
        return found

    async def listed(self) -> tuple[GateClient, ...]:
        """Return all of them by name, revoked ones too."""
        query = select(gate_client).order_by(gate_client.c.name, gate_client.c.made_at)
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
            return tuple([await _client(connection, row) for row in rows])

    async def revoke(self, name: str) -> None:
        """Let a program ask nothing any more, at once. Raises FieldError: client_unknown."""
        async with self._engines.write.begin() as connection:
            await chain.lock_installation(connection)
            found = await self._live(connection, name)
            if found is None:
                raise FieldError("client_unknown", f"There is no client '{name}' to revoke.")
            now = await self._engines.clock.now(connection)
            of_it = gate_client.c.id == found.id
            await connection.execute(update(gate_client).where(of_it).values(revoked_at=now))
            await _record(connection, REVOKED, now, name)

    async def _live(self, connection: AsyncConnection, name: str) -> GateClient | None:
        query = select(gate_client).where(gate_client.c.name == name, LIVE)
        row = (await connection.execute(query)).first()
        return None if row is None else await _client(connection, row)


async def _client(connection: AsyncConnection, row: Row[Any]) -> GateClient:
    organizations = None
    if row.is_confined:
        organizations = tuple((await connection.execute(SCOPE, {"client": row.id})).scalars())
    return GateClient(
        id=row.id,
        name=row.name,
        may_search=row.may_search,
        organizations=organizations,
        made_at=row.made_at,
        revoked_at=row.revoked_at,
    )


async def _organizations(connection: AsyncConnection, slugs: Iterable[str]) -> list[UUID]:
    wanted = list(dict.fromkeys(slugs))
    query = select(t.organization.c.slug, t.organization.c.id).where(
        t.organization.c.slug.in_(wanted)
    )
    known = {row.slug: row.id for row in await connection.execute(query)}
    for one in wanted:
        if one not in known:
            raise FieldError("organization_unknown", f"There is no organization '{one}'.")
    return [known[one] for one in wanted]


async def _record(connection: AsyncConnection, event: str, now: datetime, reason: str) -> None:
    entry = chain.entry(audit.INSTALLATION, event, now, channel="owner", reason=reason)
    await chain.append(connection, entry)
