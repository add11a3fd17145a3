"""The three searches: who gets in, where somebody gets in, and what they may do there."""

import base64
import hmac
import json
from typing import Any
from uuid import UUID

from fastapi import Request

from portal.authzen import asking
from portal.authzen.callers import Callers
from portal.authzen.messages import (
    ActionSearch,
    Page,
    ResourceSearch,
    SubjectSearch,
    message,
)
from portal.authzen.problems import ProblemError, WrongField
from portal.authzen.strict_json import object_of
from portal.keys import PortalKeys
from store.client_gate import ClientGate, Found
from store.client_gate import Page as FoundPage

USUAL, MOST = 50, 100  # results of a page
PURPOSE = "gate page"
Answered = dict[str, Any]


class Searches:
    """Answers searches, page by page."""

    def __init__(self, callers: Callers, keys: PortalKeys) -> None:
        self._callers, self._keys = callers, keys

    async def subjects(self, request: Request) -> Answered:
        """Find who may do something at a place."""
        caller, said = self._callers.caller(request), await object_of(request)
        asked = message(SubjectSearch, said)
        async with self._callers.gate(caller) as gate:
            _require_search(gate)
            place, kind = asking.place(asked.resource.type), asked.subject.type
            page = _Page(self._keys, gate, "subject", said, asked.page)
            if place is None or kind not in asking.PEOPLE:
                return page.answer(kind, FoundPage((), None))
            question = asking.question(None, asked.action, asked.resource, place, asked.context)
            return page.answer(kind, await gate.people(question, page.after, page.limit))

    async def resources(self, request: Request) -> Answered:
        """Find the places where somebody may do something."""
        caller, said = self._callers.caller(request), await object_of(request)
        asked = message(ResourceSearch, said)
        async with self._callers.gate(caller) as gate:
            _require_search(gate)
            place, kind = asking.place(asked.resource.type), asked.resource.type
            page = _Page(self._keys, gate, "resource", said, asked.page)
            if place is None or asked.subject.type not in asking.PEOPLE:
                return page.answer(kind, FoundPage((), None))
            question = asking.question(asked.subject, asked.action, None, place, asked.context)
            return page.answer(kind, await gate.places(question, page.after, page.limit))

    async def actions(self, request: Request) -> Answered:
        """Find what somebody may do at a place: all of it at once, for it is a short list."""
        caller, said = self._callers.caller(request), await object_of(request)
        asked = message(ActionSearch, said)
        async with self._callers.gate(caller) as gate:
            _require_search(gate)
            place = asking.place(asked.resource.type)
            if place is None or asked.subject.type not in asking.PEOPLE:
                return {"results": []}
            question = asking.question(asked.subject, None, asked.resource, place, asked.context)
            return {"results": [{"name": one} for one in await gate.actions(question)]}


class _Page:
    """Which part of a search is wanted, and the token of the next.

    A token is good for the same client and the same question alone: it carries a mark over both.
    """

    def __init__(
        self, keys: PortalKeys, gate: ClientGate, endpoint: str, said: Answered, page: Page | None
    ) -> None:
        asked = {name: value for name, value in said.items() if name != "page"}
        question = json.dumps(asked, sort_keys=True)
        self._keys, self._about = keys, (PURPOSE, endpoint, str(gate.client.id), question)
        self.after, limit = self._start(page or Page())
        self._wanted = USUAL if limit is None else limit
        self.limit = min(self._wanted, MOST)

    def answer(self, kind: str, found: FoundPage) -> Answered:
        """Return the page on the wire; its first part tells how much follows."""
        token = "" if found.after is None else self._token(found.after, self._wanted)
        return {
            "page": {"next_token": token, "count": len(found.results)},
            "results": [_entity(kind, one) for one in found.results],
        }

    def _token(self, after: UUID, limit: int) -> str:
        start = f"{after}.{limit}"
        text = f"{start}.{self._keys.mark(*self._about, start)}"
        return base64.urlsafe_b64encode(text.encode()).decode()

    def _start(self, page: Page) -> tuple[UUID | None, int | None]:
        """Return after which id the page begins, and its limit. Raises ProblemError."""
        if not page.token:
            return None, page.limit
        try:
            text = base64.b64decode(page.token, altchars=b"-_", validate=True).decode("ascii")
            after, limit, mark = text.split(".")
        except ValueError:
            raise _wrong_token("It is not a token of ours.") from None
        expected = self._keys.mark(*self._about, f"{after}.{limit}")
        if not hmac.compare_digest(expected, mark):
            raise _wrong_token("It belongs to another search.")
        if page.limit not in (None, int(limit)):
            raise _wrong_token("The limit must stay what it was.")
        return UUID(after), int(limit)


def _entity(kind: str, one: Found) -> Answered:
    if one.name is None:
        return {"type": kind, "id": str(one.id), "properties": {"clone": True}}
    name = "email" if kind in asking.PEOPLE else "slug"
    return {"type": kind, "id": str(one.id), "properties": {name: one.name}}


def _require_search(gate: ClientGate) -> None:
    if not gate.client.may_search:
        raise ProblemError(403, "This client may ask, and not search.")


def _wrong_token(sentence: str) -> ProblemError:
    field = WrongField(pointer="/page/token", detail=sentence)
    return ProblemError(400, "The page cannot be found. Begin the search again.", [field])
