"""What a reader is told while the database or Temporal is away, and what is true of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.engine import URL
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
)

from config.settings import Settings
from portal.keys import ensured
from store import tables as t
from store.portal_tables import portal_session
from tests.factories import ELIZABETH, TOM
from tests.installation import Installation
from tests.portal.site import PATIENCE, Browser, Page, Site
from tests.portal.test_sign_in import code_asked, signed_in

UNKNOWN = "the outcome is unknown. Look at the page again before you repeat it."


class _Sending(Interceptor):
    """Does something just before a command goes to Temporal."""

    def __init__(self, first: Callable[[], Awaitable[None]]) -> None:
        self._first = first

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        first = self._first

        class Outbound(OutboundInterceptor):
            async def start_workflow_update(
                self, input: StartWorkflowUpdateInput
            ) -> WorkflowUpdateHandle[Any]:
                await first()
                return await super().start_workflow_update(input)

        return Outbound(next)


@pytest.mark.parametrize("path", ["/", "/requests/incoming", "/account"])
async def test_without_the_database_a_page_says_so_and_comes_back_with_it(
    still: Site, database_url: URL, path: str
) -> None:
    tom = await still.signed_in(TOM)
    await still.installation.engines.close()
    _gone(database_url)

    away = await tom.get(path)
    _back(database_url)
    back = await tom.get(path)

    assert (away.status, back.status) == (503, 200)
    assert "Gatehouse cannot be reached right now. Nothing was changed." in away.text
    assert int(away.headers["retry-after"]) > 0
    assert "sqlite" not in away.html


async def test_without_the_database_a_form_says_that_nothing_was_changed(
    site: Site, database_url: URL
) -> None:
    request = await site.asked()
    await site.mailed(2)
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")
    await site.installation.engines.close()
    _gone(database_url)

    away = await tom.send(page, f"/requests/{request}/grant", end="7d")
    _back(database_url)

    assert away.status == 503
    assert "Nothing was changed." in away.text
    assert (await site.installation.request(request)).status == "pending"


async def test_where_no_answer_comes_the_outcome_is_called_unknown_and_the_page_tells_it_later(
    installation: Installation, settings: Settings, client: Client
) -> None:
    installation.portals = (ensured(settings.keys).service.public,)
    settings.answer_seconds = 2
    site = Site(installation, settings, client)
    tom = await site.signed_in(TOM)
    async with installation.working(client):
        request = await site.asked()
    page = await tom.get(f"/requests/{request}")

    silent = await tom.send(page, f"/requests/{request}/grant", end="7d", message="With care.")

    assert silent.status == 503
    assert UNKNOWN in silent.text
    assert silent.form(f"/requests/{request}/grant")["message"] == "With care."
    async with installation.working(client):
        async with asyncio.timeout(PATIENCE):
            while (await installation.request(request)).status != "granted":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        told = await tom.get(f"/requests/{request}")
        assert "Tom Sawyer granted it." in told.text
        again = await tom.send(page, f"/requests/{request}/grant", end="7d", message="With care.")
        assert again.status == 303  # the same form counts once
    await site.close()


async def test_a_command_is_never_called_undone_once_it_is_sent_and_the_database_then_goes(
    installation: Installation, settings: Settings, client: Client, database_url: URL
) -> None:
    async def cut() -> None:
        await installation.engines.close()
        _gone(database_url)

    installation.portals = (ensured(settings.keys).service.public,)
    settings.answer_seconds = 2
    site = Site(installation, settings, client)
    async with installation.working(client):
        request = await site.asked()
    config = client.config()
    config["interceptors"] = [_Sending(cut)]
    site.parts.temporal = Client(**config)
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")

    silent = await tom.send(page, f"/requests/{request}/grant", end="7d")
    _back(database_url)

    assert silent.status == 503
    assert UNKNOWN in silent.text
    assert "Nothing was changed" not in silent.text
    async with installation.working(client):
        async with asyncio.timeout(PATIENCE):
            while (await installation.request(request)).status != "granted":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    await site.close()


async def test_a_command_that_counts_is_told_so_although_what_was_kept_cannot_be_dropped(
    site: Site,
) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(update(portal_session).values(kept="kept before"))
    await _refusing(site, "UPDATE OF kept")
    page = await tom.get(f"/requests/{request}")

    granted = await tom.send(page, f"/requests/{request}/grant", end="7d")

    assert (granted.status, granted.goal) == (303, f"/requests/{request}?done=grant")
    assert (await site.installation.request(request)).status == "granted"


async def test_a_sign_in_that_has_ended_is_told_so_although_its_browser_stays(site: Site) -> None:
    here, there = site.browser(), site.browser()
    await there.follow(await signed_in(site, there))
    await _signed_in_after(site, here)
    account = await here.get("/account")
    await _refusing(site, "DELETE")
    action = next(one for one in account._forms if one.startswith("/account/sign-ins/"))

    done = await here.send(account, action)

    assert (done.status, done.goal) == (303, "/account?done=ended")
    assert (await there.get("/")).goal == "/sign-in"


async def test_a_code_that_was_taken_is_not_called_unused_where_the_browser_cannot_be_noted(
    site: Site,
) -> None:
    browser = site.browser()
    await _refusing(site, "INSERT", "WHEN NEW.person_id IS NOT NULL")

    failed = await signed_in(site, browser)

    async with site.installation.engines.read.connect() as connection:
        keys = select(t.key.c.id).where(t.key.c.channel == "portal")
        enrolled = (await connection.execute(keys)).all()
    assert len(enrolled) == 1
    assert failed.status == 503
    assert UNKNOWN in failed.text


async def test_without_temporal_nothing_is_sent_and_what_was_typed_is_kept(still: Site) -> None:
    elizabeth = await still.signed_in(ELIZABETH)
    page = await elizabeth.get("/requests/new")
    form = page.form("/requests/new")
    people, tenants = _choices(page.html, "people0"), _choices(page.html, "tenants0")
    typed = {"name": "Fence2027", "people0": people[0], "tenants0": tenants[-1]}
    review = await elizabeth.send(page, "/requests/new", **typed, step="review")

    sent = await elizabeth.send(review, "/requests/new", step="send")

    assert (review.status, sent.status) == (200, 503)
    assert form
    assert "Nothing was changed." in sent.text
    assert sent.form("/requests/new")["name"] == "Fence2027"


async def test_without_temporal_a_code_cannot_be_mailed_and_the_page_says_so(still: Site) -> None:
    browser = still.browser()
    page = await browser.get("/sign-in")

    sent = await browser.send(page, "/sign-in", email=TOM.email)

    assert sent.status == 503
    assert "Gatehouse cannot be reached right now. Nothing was changed." in sent.text


async def _signed_in_after(site: Site, browser: Browser) -> Page:
    """Sign Elizabeth in with the code of a second mail."""
    before = len(site.letters)
    page = await code_asked(browser, ELIZABETH.email)
    code = await site.code_for(ELIZABETH, before)
    return await browser.send(page, "/sign-in/code", code=code)


async def _refusing(site: Site, what: str, when: str = "") -> None:
    """Let the database refuse to write one thing about browsers."""
    trigger = (
        f"CREATE TRIGGER refusing BEFORE {what} ON portal_session {when}"
        " BEGIN SELECT RAISE(ABORT, 'not now'); END"
    )
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(text(trigger))


def _choices(html: str, name: str) -> list[str]:
    return [part.split('"')[0] for part in html.split(f'name="{name}" value="')[1:]]


def _gone(url: URL) -> None:
    """Take the database's file away."""
    file = Path(url.database or "")
    file.rename(file.with_suffix(".away"))
    file.mkdir()  # nothing can be opened or made there


def _back(url: URL) -> None:
    file = Path(url.database or "")
    file.rmdir()
    file.with_suffix(".away").rename(file)
