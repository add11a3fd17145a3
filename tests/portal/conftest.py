"""Fixtures of the portal's tests: a real installation, with a worker, behind its pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser as Chromium
from temporalio.client import Client

from config.settings import Settings
from identity.passkeys import RelyingParty
from mail.links import Links
from portal.keys import ensured
from tests.installation import ANSWER_SECONDS, Installation, home_of
from tests.portal.site import Site
from tests.portal.windows import Windows, launched, listening, program, serving


@pytest.fixture
def database() -> str:
    """One kind of database; the readers behind the pages are tested on both."""
    return "sqlite"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The portal's settings, in a folder of this test alone."""
    return Settings(
        home=home_of(tmp_path),
        answer_seconds=ANSWER_SECONDS,
        portal_url=Site.ORIGIN,
        portal_requests_per_minute=10_000,
        target_url="https://target.example/land",
    )


@pytest.fixture
async def still(installation: Installation, settings: Settings) -> AsyncIterator[Site]:
    """The portal without Temporal: whatever is read is shown, and nothing can be changed."""
    site = Site(installation, settings, None)
    yield site
    await site.close()


@pytest.fixture
async def site(
    installation: Installation, settings: Settings, client: Client
) -> AsyncIterator[Site]:
    """The portal with Temporal and a worker, which sends its mail to ``site.letters``."""
    installation.portals = (ensured(settings.keys).service.public,)
    installation.authenticators = RelyingParty.of(settings.portal_url)
    async with installation.working(client, mailer=None) as mailer:
        site = Site(installation, settings, client, mailer)
        yield site
        await site.close()


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    """A real Chromium; without one the tests in a browser are skipped."""
    where = program()
    if where is None:
        pytest.skip("There is no Chromium on this machine.")
    async with launched(where) as browser:
        yield browser


@pytest.fixture
def host() -> str:
    """The name by which windows look at the portal; passkeys need another one."""
    return "127.0.0.1"


@pytest.fixture
async def windows(
    installation: Installation, settings: Settings, client: Client, chromium: Chromium, host: str
) -> AsyncIterator[Windows]:
    """The portal on a port, with Temporal, a worker and a mailbox, and windows that look at it."""
    installation.portals = (ensured(settings.keys).service.public,)
    with listening() as taken:
        settings.portal_port = taken.getsockname()[1]
        settings.portal_url = f"http://{host}:{settings.portal_port}"
        installation.authenticators = RelyingParty.of(settings.portal_url)
        installation.links = Links(settings.portal_url)
        settings.maildir = settings.home / "mail"
        async with installation.working(client) as mailer:
            site = Site(installation, settings, client, mailer)
            async with serving(site, taken):
                windows = Windows(site, chromium)
                yield windows
                await windows.close()
                await site.close()
