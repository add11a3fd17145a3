"""A program that asks the gate over HTTP, in tests."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx2

from approvals.people import Person
from config.settings import Settings
from portal.app import create_app
from portal.parts import parts_of
from store.engine import Engines
from store.gate_clients import GateClients, fresh_token
from tests.factories import CAROLINE, TOM_SAWYER

ORIGIN = "http://127.0.0.1:8090"
Json = dict[str, Any]


class Program:
    """One client of the gate, and the connection that it keeps."""

    def __init__(self, engines: Engines, settings: Settings) -> None:
        self.engines = engines
        self.app = create_app(parts_of(settings, engines))
        self.token = fresh_token()
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app), base_url=ORIGIN
        )

    async def enrolled(self, *organizations: str, may_search: bool = True) -> "Program":
        """Have a client made for the token."""
        await GateClients(self.engines).make(
            "target", self.token, organizations, may_search=may_search
        )
        return self

    async def post(
        self, path: str, body: object = None, *, content: bytes | None = None, **headers: str
    ) -> httpx2.Response:
        """Send a body to one of the endpoints, with the token unless a header says otherwise."""
        given = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more: Any = {"json": body} if content is None else {"content": content}
        address = f"/access/v1/{path}"
        return await self.client.post(address, headers={**given, **named}, **more)

    async def answer(self, path: str, body: object) -> Json:
        """Return what an endpoint answers to a good request."""
        found = await self.post(path, body)
        assert found.status_code == 200, found.text
        assert found.headers["content-type"] == "application/json"
        answer: Json = found.json()
        return answer

    async def decision(self, **changes: Any) -> str:
        """Return the reason of an answer; a plain word for yes, in brackets for no."""
        return said(await self.answer("evaluation", question(**changes)))

    async def found(self, what: str, body: Mapping[str, Any]) -> list[str]:
        """Return the ids of all that a search finds on one page, or the names of actions."""
        results = (await self.answer(f"search/{what}", body))["results"]
        return [one.get("id") or one["name"] for one in results]


def said(answer: Json) -> str:
    """Return the reason of an answer; a plain word for yes, in brackets for no."""
    reason: str = answer["context"]["reason"]
    return reason if answer["decision"] else f"({reason})"


def question(
    person: Person | UUID | str = CAROLINE,
    where: object = TOM_SAWYER.slug,
    action: str = "support",
    kind: str = "tenant",
    **more: Any,
) -> Json:
    """Return a question: may Caroline support Tom Sawyer's tenant?"""
    who = person.email if isinstance(person, Person) else str(person)
    return {
        "subject": {"type": "person", "id": who},
        "action": {"name": action},
        "resource": {"type": kind, "id": str(where)},
        **more,
    }


def without(body: Mapping[str, Any], *path: str) -> Json:
    """Return a body without one of its fields."""
    *above, last = path
    copy: Json = {**body}
    inner = copy
    for name in above:
        inner[name] = {**inner[name]}
        inner = inner[name]
    del inner[last]
    return copy


def words(answers: Sequence[Json]) -> list[str]:
    """Return the reasons of many answers."""
    return [said(one) for one in answers]
