"""A portal in front of processes of every kind, and the addresses of all that it serves."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx2

from approvals.people import Person
from config.settings import Settings
from portal import cookies, forms
from portal.live import pages_of
from portal.pages import FAMILIES
from tests import sites
from tests.every_kind import EveryKind
from tests.factories import CLASSICS, FENCE_PAINTING, make_id
from tests.portal.site import OUR_OWN, Site

HIDDEN = re.compile(r'name="(?:csrf|nonce)" value="[^"]*"|[0-9a-f]{16}(?=</)')
OF_KIND = {
    "requests": ("granted", "pending", "denied", "lapsed", "revoked", "finished"),
    "pairings": ("paired",),
    "customers": ("on",),
    "sites": ("member", "asked"),
    "contacts": ("contacts",),
    "onboardings": ("ready", "abandoned"),
    "tenants": ("granted",),
    "sessions": ("granted",),
    "account": ("granted",),
}


class Route(NamedTuple):
    """One address that the portal serves, and one method that it takes."""

    method: str
    path: str

    @property
    def family(self) -> str:
        """Its first part."""
        return self.path.split("/")[1]

    @property
    def names_something(self) -> bool:
        """Whether its address names a process or a place."""
        return "{" in self.path


MAILED_LINK = Route("GET", "/pairings/{process}/{token}")


def routes(settings: Settings | None = None) -> list[Route]:
    """Return every route of every family of pages, and those of live pages.

    With *settings*, those that a portal with these settings serves.
    """
    families = [one for one in FAMILIES if settings is None or one.is_served(settings)]
    found = [
        Route(method, getattr(route, "path", ""))
        for pages in (*(one.pages for one in families), pages_of({}))
        for route in pages.routes
        for method in sorted(getattr(route, "methods", ()))
    ]
    return sorted(set(found))


class FullHouse:
    """The portal, its processes by name, and ways to ask for any address as anybody."""

    def __init__(self, life: EveryKind, site: Site) -> None:
        self.life, self.site = life, site
        self._tokens: dict[UUID, str] = {}

    def routes(self) -> list[Route]:
        """Return every route that this portal serves."""
        return routes(self.site.settings)

    def addresses(self, route: Route) -> Iterator[str]:
        """Yield the addresses under which a route shows something of Tom Sawyer's."""
        for name in OF_KIND.get(route.family, ("granted",)):
            yield self.filled(route, self.life.named[name])

    def filled(self, route: Route, process: UUID) -> str:
        """Return a route's address for one process."""
        known = {
            "process": str(process),
            "site": sites.SITE.slug,
            "partner": CLASSICS.slug,
            "customer": FENCE_PAINTING.slug,
            "token": f"apl_{'x' * 43}",
            "session": str(make_id("session")),
            "item": str(make_id("item")),
            "name": "request",
            "key": str(process),
            "letter": "1",
        }
        return re.sub(r"{(\w+)}", lambda found: known[found[1]], route.path)

    def unknown(self, route: Route) -> str:
        """Return a route's address for what is not there."""
        there = {sites.SITE.slug: "nowhere", CLASSICS.slug: "nobody", FENCE_PAINTING.slug: "none"}
        parts = self.filled(route, uuid4()).split("/")
        return "/".join(there.get(one, one) for one in parts)

    async def asked(
        self, method: str, address: str, person: Person | None, route: Route
    ) -> httpx2.Response:
        """Ask for an address; a form bears the marks of a page of ours, but no facts."""
        data, headers = ({"csrf": "0" * 64}, OUR_OWN) if method == "POST" else (None, {})
        client = await self._client(person)
        if person is not None and method == "POST":
            token = await self._token(person)
            mark = forms.mark(self.site.parts, cookies.hashed(token), route.path)
            data = {"csrf": mark, "nonce": forms.fresh_nonce(), "shown": "0" * 64}
        if route.path == "/sign-out" and person is not None:
            del self._tokens[person.id]
        return await client.request(method, address, data=data, headers=headers)

    async def by_link(
        self, process: UUID, person: Person | None
    ) -> tuple[httpx2.Response, httpx2.Response]:
        """Come by a mailed link to a pairing; return its answer, and the page to which it leads."""
        client = await self._client(person)
        link = await client.get(self.filled(MAILED_LINK, process))
        return link, await client.get(link.headers["location"])

    async def _client(self, person: Person | None) -> httpx2.AsyncClient:
        client = self.site.browser().client
        if person is not None:
            name = cookies.name_of(self.site.parts, cookies.SIGN_IN)
            client.cookies.set(name, await self._token(person), domain="127.0.0.1")
        return client

    async def _token(self, person: Person) -> str:
        if person.id not in self._tokens:
            self._tokens[person.id] = await self.site.token_of(person)
        return self._tokens[person.id]


def words_of(answer: httpx2.Response) -> str:
    """Return an answer without what is drawn anew for every one: numbers and marks of forms."""
    return HIDDEN.sub("", answer.text)
