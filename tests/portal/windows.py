"""The portal on a port of this machine, and windows of a real Chromium that look at it."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, Dialog, Page, async_playwright

from approvals.people import Person
from portal import cookies
from portal.__main__ import configured
from tests.portal.site import Site

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
QUIETLY = ("--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage")
PATIENCE = 10_000  # milliseconds
ANSWERED = "Failed to load resource: the server responded with"  # what forms are refused by


def program() -> str | None:
    """Return where this machine has a Chromium; None where it has none."""
    return next((found for one in PROGRAMS if (found := shutil.which(one))), None)


@contextlib.asynccontextmanager
async def launched(where: str) -> AsyncIterator[Browser]:
    """Run a Chromium while the block lasts."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=where, args=list(QUIETLY))
        yield browser
        await browser.close()


@contextlib.contextmanager
def listening() -> Iterator[socket.socket]:
    """Take a free port of this machine while the block lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken


class _Server(uvicorn.Server):
    """uvicorn, which leaves the signals to the test run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(site: Site, taken: socket.socket) -> AsyncIterator[None]:
    """Serve a portal on a port, as the real one is served, while the block lasts."""
    server = _Server(configured(site.settings, site.parts))
    task = asyncio.create_task(server.serve(sockets=[taken]))
    async with asyncio.timeout(PATIENCE / 1000):
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        site.parts.closing.set()
        server.should_exit = True
        await task


def overheard(page: Page, origin: str) -> list[str]:
    """Return a list that grows with each breach of a page's policy.

    Those are: whatever it asks of another place than *origin*, what the browser complains of, and
    what script that is not ours would do.
    """
    found: list[str] = []

    def complained(words: str) -> None:
        if not words.startswith(ANSWERED):
            found.append(f"{page.url}: {words}")

    def asked(url: str) -> None:
        if not url.startswith(f"{origin}/"):
            found.append(f"{page.url} asks {url}")

    async def opened(dialog: Dialog) -> None:
        found.append(f"{page.url}: a dialog says {dialog.message}")
        await dialog.dismiss()

    page.on("dialog", opened)
    page.on("request", lambda one: asked(one.url))
    page.on("console", lambda one: complained(one.text))
    page.on("pageerror", lambda one: complained(str(one)))
    page.on("popup", lambda one: complained(f"it opened {one.url}"))
    return found


class Windows:
    """Windows of people who use one portal; each person has their own cookies in each."""

    def __init__(self, site: Site, chromium: Browser) -> None:
        self.site, self.origin = site, site.parts.origin
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []

    async def of(
        self, person: Person | None, *, ago: timedelta = timedelta(0), **options: Any
    ) -> Page:
        """Open an empty window; *person* is signed in since *ago*. *options* are the context's."""
        context = await self._chromium.new_context(base_url=self.origin, **options)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        if person is not None:
            token = await self.site.token_of(person, ago=ago)
            name = cookies.name_of(self.site.parts, cookies.SIGN_IN)
            await context.add_cookies([{"name": name, "value": token, "url": self.origin}])
        return await context.new_page()

    async def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            await context.close()
