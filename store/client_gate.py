"""The gate as a program sees it: only its own places, and one connection for many questions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.access import Decision, Reason, Via, no
from approvals.addresses import ADDRESS_LIMIT, canonical
from approvals.permissions import DISRUPTIVE_CHANGE
from approvals.questions import ACTIONS, Place, Question
from store import tables as t
from store.engine import Engines
from store.gate import SqlGate
from store.gate_candidates import PEOPLE, PLACES, PLACES_OF
from store.gate_clients import GateClient, client_of
from store.reading import Reader

FIRST = UUID(int=0)  # no row has it, so all come after it
SCANNED = 200  # candidates for whom one page asks the gate, at most
BY_ADDRESS = select(t.person.c.id).where(t.person.c.email_key == bindparam("key"))


def _place_query(kind: Place, column: str) -> Select[Any]:
    table = PLACES[kind]
    owner = table.c.id if kind is Place.PLATFORM else table.c.organization_id
    return select(table.c.id, owner.label("organization")).where(
        table.c[column] == bindparam("said")
    )


PLACE_BY = {
    (kind, by): _place_query(kind, column)
    for kind in Place
    for by, column in ((UUID, "id"), (str, "slug"))
}


class Found(NamedTuple):
    """One result of a search. *name* is an address or slug; a cloned user has none."""

    id: UUID
    name: str | None


class Page(NamedTuple):
    """Some results, and the id after which the next ones come; None at the end."""

    results: tuple[Found, ...]
    after: UUID | None


class UnreadableError(OSError):
    """A search stopped, for the database could not be read."""


class ClientGate:
    """Answers one client.

    Where it cannot read, ``decide`` raises SQLAlchemyError or answers no with ``unreadable``;
    searches raise SQLAlchemyError or UnreadableError.
    """

    def __init__(
        self, engines: Engines, client: GateClient, connection: AsyncConnection | None = None
    ) -> None:
        self._reader, self._gate = Reader(engines, connection), SqlGate(engines, connection)
        self.client = client

    async def decide(self, question: Question) -> Decision:
        """Answer one question; what it may not ask about is not there for it."""
        where: UUID | str | None = question.where
        if self.client.organizations is not None:
            where = await self._place(question)
        if where is None:
            return no(Reason.UNKNOWN)
        if question.is_known:
            return await self._decide(question, question.who, where)
        if await self._person(question.who) is None or await self._place(question) is None:
            return no(Reason.UNKNOWN)
        return no(Reason.UNKNOWN_ACTION)

    async def actions(self, question: Question) -> tuple[str, ...]:
        """Return what somebody may do at a place; disruptive changes are asked one by one."""
        asked = [one for one in ACTIONS[question.kind] if one != DISRUPTIVE_CHANGE]
        each = [question.model_copy(update={"action": one}) for one in asked]
        return tuple([one.action for one in each if _is_open(await self.decide(one))])

    async def people(self, question: Question, after: UUID | None, most: int) -> Page:
        """Return who gets in, by id: at most *most*, of those who come *after*."""
        where = await self._place(question)
        if where is None or not question.is_known:
            return Page((), None)

        async def gets_in(row: Row[Any]) -> bool:
            return _is_open(await self._decide(question, row.id, where))

        query = PEOPLE[question.kind, question.via]
        return await self._page(query, {"where": where}, gets_in, after, most)

    async def places(self, question: Question, after: UUID | None, most: int) -> Page:
        """Return where somebody gets in, by id: at most *most*, of those that come *after*."""
        who = await self._person(question.who)
        if who is None or not question.is_known:
            return Page((), None)

        async def gets_in(row: Row[Any]) -> bool:
            if not self.client.may_ask_about(row.organization):
                return False
            return _is_open(await self._decide(question, who, row.id))

        query = PLACES_OF[question.kind, question.via]
        return await self._page(query, {"who": who}, gets_in, after, most)

    async def _page(
        self,
        query: Select[Any],
        given: dict[str, Any],
        gets_in: Callable[[Row[Any]], Awaitable[bool]],
        after: UUID | None,
        most: int,
    ) -> Page:
        bounds = {"after": after or FIRST, "most": SCANNED}
        rows = await self._reader.rows(query, {**given, **bounds})
        results: list[Found] = []
        for number, row in enumerate(rows):
            if len(results) == most:
                return Page(tuple(results), rows[number - 1].id if number else after or FIRST)
            if await gets_in(row):
                results.append(Found(row.id, row.name))
        return Page(tuple(results), rows[-1].id if len(rows) == SCANNED else None)

    async def _decide(self, question: Question, who: UUID | str, where: UUID | str) -> Decision:
        match question.kind:
            case Place.TENANT:
                return await self._gate.check(
                    who, where, question.action, question.via, question.change
                )
            case Place.PLATFORM:
                in_session = question.via is Via.SESSION
                return await self._gate.check_platform(
                    who, where, question.action, in_session=in_session
                )
            case Place.SITE:
                return await self._gate.check_site(who, where, *question.area_and_level)

    async def _person(self, said: UUID | str) -> UUID | None:
        if isinstance(said, UUID):
            return said
        if len(said) > ADDRESS_LIMIT:
            return None
        rows = await self._reader.rows(BY_ADDRESS, {"key": canonical(said)})
        return rows[0].id if rows else None

    async def _place(self, question: Question) -> UUID | None:
        query = PLACE_BY[question.kind, type(question.where)]
        rows = await self._reader.rows(query, {"said": question.where})
        if not rows or not self.client.may_ask_about(rows[0].organization):
            return None
        place: UUID = rows[0].id
        return place


def _is_open(decision: Decision) -> bool:
    """Read an answer for a search, in which a no that means nothing must not go unseen."""
    if decision.reason is Reason.UNREADABLE:
        raise UnreadableError
    return decision.is_open


class ClientGates:
    """Opens the gate for whoever shows a token."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def brief(self, client: GateClient) -> ClientGate:
        """Return the gate of a client that was looked up a moment ago, for one question.

        It holds no connection: each statement takes one for itself.
        """
        return ClientGate(self._engines, client)

    @asynccontextmanager
    async def opened(
        self, token: str, client: GateClient | None = None
    ) -> AsyncIterator[ClientGate | None]:
        """Yield the gate of the token's client, None for a token that is nobody's.

        A *client* that was looked up a moment ago is not looked up again. Raises SQLAlchemyError,
        OSError or TimeoutError where the database cannot be read.
        """
        async with self._engines.read.connect() as connection:
            client = client or await client_of(connection, token)
            yield None if client is None else ClientGate(self._engines, client, connection)
