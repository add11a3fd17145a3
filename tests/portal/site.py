"""A portal in a test, and the browsers of the people who use it."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import insert, select
from temporalio.client import Client

from approvals.commands import Command
from approvals.people import Person
from approvals.ports import Letter
from approvals.tenant_access.record import process_id_of
from config.settings import Settings
from identity.signing import SigningKey
from portal import cookies
from portal.app import create_app
from portal.auth import Held
from portal.parts import parts_of
from store import tables as t
from store.portal_sessions import PortalSessions
from tests.factories import BATCH, ELIZABETH, TOM_SAWYER, make_submit
from tests.installation import Installation, RecordingMailer

PATIENCE = 20.0  # seconds
CODE = re.compile(r"\b(\d{4}) (\d{4})\b")
OUR_OWN = {"sec-fetch-site": "same-origin"}


class Site:
    """One portal on an installation. Without *client* it cannot reach Temporal."""

    ORIGIN: ClassVar[str] = "http://127.0.0.1:8090"  # where it is not really served

    def __init__(
        self,
        installation: Installation,
        settings: Settings,
        client: Client | None,
        mailer: RecordingMailer | None = None,
    ) -> None:
        self.installation, self.settings = installation, settings
        self.parts = parts_of(settings, installation.engines)
        if client is None:
            settings.temporal_address = "127.0.0.1:1"  # nobody listens there
        self.parts.temporal = client
        self.app = create_app(self.parts)
        self._client, self._mailer = client, mailer
        self._browsers: list[Browser] = []

    @property
    def letters(self) -> list[Letter]:
        """What was mailed so far."""
        assert self._mailer is not None
        return self._mailer.letters

    def browser(self, **headers: str) -> "Browser":
        """Return a browser in which nobody is signed in."""
        browser = Browser(self, headers)
        self._browsers.append(browser)
        return browser

    async def signed_in(self, person: Person, *, ago: timedelta = timedelta(0)) -> "Browser":
        """Return a browser in which *person* proved a code *ago*; the proof itself is left out."""
        browser = self.browser()
        browser.client.cookies.set(
            cookies.name_of(self.parts, cookies.SIGN_IN),
            await self.token_of(person, ago=ago),
            domain=urlsplit(self.parts.origin).hostname or "",
        )
        return browser

    async def token_of(self, person: Person, *, ago: timedelta = timedelta(0)) -> str:
        """Return what the cookie of *person* holds, who proved a code *ago*."""
        key, sign_in, token = SigningKey.fresh(), uuid4(), cookies.fresh_token()
        since = datetime.now(UTC) - ago
        row = {
            "id": sign_in,
            "person_id": person.id,
            "public_key": key.public,
            "channel": "portal",
            "client": "test (portal)",
            "enrolled_at": since,
            "expires_at": since + timedelta(hours=8),
        }
        async with self.installation.engines.write.begin() as connection:
            await connection.execute(insert(t.key), row)
        await PortalSessions(self.installation.engines).begin(
            cookies.hashed(token),
            sign_in,
            Held(key, person.email).sealed(self.parts),
            person=person.id,
        )
        return token

    async def asked(self, by: Person = ELIZABETH, **fields: Any) -> UUID:
        """Send the seed's request to Tom Sawyer's tenant; return its id."""
        assert self._client is not None
        submit = make_submit(**{"batch": BATCH, **fields})
        process = process_id_of(submit.batch, submit.tenant)
        said = self.installation.signed(by, process, submit)
        gatehouse = self.installation.gatehouse(self._client)
        await gatehouse.submit("tenant_access", said, TOM_SAWYER.id)
        return process

    async def says(self, person: Person, process: UUID, command: Command) -> str:
        """Give a command on a request as *person*, past the portal; return the receipt."""
        assert self._client is not None
        said = self.installation.signed(person, process, command)
        return await self.installation.gatehouse(self._client).send("tenant_access", said)

    async def decides(self, person: Person, process: UUID, decision: Command) -> str:
        """Give a decision on a request as it stands; return the receipt."""
        shown = await self.installation.shown(process)
        return await self.says(person, process, decision.model_copy(update={"shown": shown}))

    async def code_for(self, person: Person, before: int = 0) -> str:
        """Wait for the code that is mailed to *person* after the first *before* letters."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for letter in self.letters[before:]:
                    found = CODE.search(letter.text)
                    if letter.to == person.email and found is not None:
                        return "".join(found.groups())
                await asyncio.sleep(0.02)

    async def link_for(self, person: Person, folder: str) -> str:
        """Wait for a mail that points *person* to a page of that folder; return where."""
        address = re.compile(rf"^\s*({re.escape(self.parts.origin)}/{folder}/\S+)$", re.MULTILINE)
        async with asyncio.timeout(PATIENCE):
            while True:
                for letter in self.letters:
                    found = address.search(letter.text)
                    if letter.to == person.email and found is not None:
                        return found.group(1)
                await asyncio.sleep(0.02)

    async def mailed(self, count: int) -> None:
        """Wait until so many mails are sent and noted as sent, so that nothing moves any more."""
        sent = select(t.outbox.c.status).where(t.outbox.c.status == "sent")
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.installation.engines.read.connect() as connection:
                    if len((await connection.execute(sent)).all()) >= count:
                        return
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        """Close every browser."""
        self.parts.closing.set()
        for browser in self._browsers:
            await browser.client.aclose()


class Browser:
    """Somebody's browser: it keeps cookies, follows nothing, and fills forms as people do."""

    def __init__(self, site: Site, headers: dict[str, str]) -> None:
        self.client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=site.app, raise_app_exceptions=False),
            base_url=site.parts.origin,
            headers=headers,
        )

    async def get(self, path: str) -> "Page":
        """Look at a page."""
        return Page(await self.client.get(path))

    async def follow(self, page: "Page") -> "Page":
        """Go where a page leads."""
        assert page.status == 303, page.text
        return await self.get(page.goal)

    async def send(self, page: "Page", action: str, **fields: str | Sequence[str]) -> "Page":
        """Fill the form of a page that goes to *action*, and send it."""
        filled: dict[str, Any] = {**page.form(action), **fields}
        return Page(await self.client.post(action, data=filled, headers=OUR_OWN))


class Page:
    """An answer of the portal."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.status, self.headers = answer.status_code, answer.headers
        self.html = answer.text
        read = _Reader()
        read.feed(self.html)
        self.text = " ".join(" ".join(read.words).split())
        self._forms = read.forms

    @property
    def goal(self) -> str:
        """Where the answer leads."""
        return str(self.headers["location"])

    def form(self, action: str) -> dict[str, Any]:
        """Return the fields of the form that goes to *action*, as they are filled."""
        assert action in self._forms, f"no form to {action} on: {self.text}"
        return dict(self._forms[action])

    def has_form(self, action: str) -> bool:
        """Whether a form goes to *action*."""
        return action in self._forms


class _Reader(HTMLParser):
    """Reads the words that people see, and the forms with what is filled in."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.forms: dict[str, dict[str, Any]] = {}
        self._form: dict[str, Any] = {}
        self._text_of: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self._form = self.forms.setdefault(given.get("action") or "", {})
        elif tag == "textarea":
            self._text_of = name
            self._filled(name, "")
        elif tag in ("head", "script"):
            self._silent += 1
        elif tag == "input" and name:
            is_choice = given.get("type") in ("radio", "checkbox")
            if not is_choice or "checked" in given:
                self._filled(name, given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = {}
        elif tag == "textarea":
            self._text_of = None
        elif tag in ("head", "script"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._text_of is not None:
            self._filled(self._text_of, data, more=True)
        if not self._silent:
            self.words.append(data)

    def _filled(self, name: str, value: str, *, more: bool = False) -> None:
        before = self._form.get(name)
        if more and isinstance(before, list):
            before[-1] += value
        elif more:
            self._form[name] = f"{before or ''}{value}"
        elif before is None:
            self._form[name] = value
        else:
            listed = before if isinstance(before, list) else [before]
            self._form[name] = [*listed, value]
