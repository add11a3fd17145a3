"""Whoever was idle for too long: what they typed waits for them alone, and nothing else goes on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select, update

from approvals.people import Person
from portal import forms, keeping
from portal.pages import FAMILIES
from store.portal_tables import portal_session
from tests.factories import BECKY, ELIZABETH, TOM
from tests.portal.site import OUR_OWN, Browser, Page, Site
from tests.portal.test_sign_in import entered

SIGN_IN = "/sign-in?done=kept"
# Forms that stand on no page of a signed-in person's, or ask for nothing that could be kept.
NOWHERE = {
    "/account/passkeys/new",
    "/codec/decode",
    "/sign-in",
    "/sign-in/again",
    "/sign-in/again/passkey",
    "/sign-in/code",
    "/sign-in/new",
    "/sign-in/passkey",
    "/sign-in/passkey/ask",
    "/sign-out",
}


async def left_alone(site: Site, minutes: float = 16) -> None:
    """Let every browser be unused for so long."""
    ago = timedelta(minutes=minutes)
    async with site.installation.engines.write.begin() as connection:
        now = await site.installation.engines.clock.now(connection)
        await connection.execute(update(portal_session).values(seen_at=now - ago))


async def back(site: Site, browser: Browser, person: Person) -> Page:
    """Sign in as *person*, and go where that leads."""
    return await browser.follow(await entered(site, browser, person))


@pytest.fixture
async def idle(site: Site) -> tuple[Site, Browser, str, Page]:
    """Tom's browser, idle for too long, in which he has just granted a request with a message."""
    path = f"/requests/{await site.asked()}"
    tom = await site.signed_in(TOM)
    page = await tom.get(path)
    await left_alone(site)
    return site, tom, path, await tom.send(page, f"{path}/grant", end="7d", message="With care.")


IDLE = tuple[Site, Browser, str, Page]


async def test_a_form_of_somebody_idle_is_not_given_and_is_there_again_after_the_sign_in(
    idle: IDLE,
) -> None:
    site, tom, path, sent = idle
    told = await tom.follow(sent)

    page = await back(site, tom, TOM)

    assert (sent.status, sent.goal) == (303, SIGN_IN)
    assert "what you typed is kept" in told.text
    assert page.form(f"{path}/grant")["message"] == "With care."
    assert page.form(f"{path}/grant")["end"] == "7d"
    assert "What you typed was kept" in page.text
    assert (await site.installation.request(_id(path))).status == "pending"
    granted = await tom.send(page, f"{path}/grant")
    assert granted.status == 303
    assert "What you typed was kept" not in (await tom.get(path)).text


async def test_what_somebody_typed_is_shown_to_nobody_else_at_the_same_browser(idle: IDLE) -> None:
    site, browser, path, _ = idle

    page = await back(site, browser, BECKY)

    assert page.has_form(f"{path}/grant")
    assert page.form(f"{path}/grant")["message"] == ""
    assert "What you typed was kept" not in page.text


async def test_keeping_a_form_lets_nobody_in(idle: IDLE) -> None:
    _, tom, path, _ = idle

    pages = [await tom.get(one) for one in (path, "/", "/account")]

    assert [(one.status, one.goal) for one in pages] == [(303, "/sign-in")] * 3


async def test_the_browser_that_was_idle_can_be_used_no_more_after_the_sign_in(idle: IDLE) -> None:
    site, tom, *_ = idle
    async with site.installation.engines.read.connect() as connection:
        rows = select(portal_session.c.token_hash).where(portal_session.c.person_id == TOM.id)
        before = (await connection.execute(rows)).scalar_one()

    await back(site, tom, TOM)

    async with site.installation.engines.read.connect() as connection:
        after = (await connection.execute(rows)).scalar_one()
    assert before != after


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({"csrf": "0" * 64}, OUR_OWN),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({"message": "x" * 60_000}, OUR_OWN),
    ],
    ids=["another mark", "another site", "too large"],
)
async def test_a_form_that_is_none_of_ours_is_not_kept(
    site: Site, change: Mapping[str, str], headers: Mapping[str, str]
) -> None:
    path = f"/requests/{await site.asked()}"
    tom = await site.signed_in(TOM)
    fields = (await tom.get(path)).form(f"{path}/grant")
    await left_alone(site)

    sent = await tom.client.post(
        f"{path}/grant", data={**fields, "message": "Planted.", **change}, headers=dict(headers)
    )

    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in")
    async with site.installation.engines.read.connect() as connection:
        assert (await connection.execute(select(portal_session.c.kept))).scalar_one() is None


async def test_a_new_request_waits_with_all_that_was_chosen(site: Site) -> None:
    elizabeth = await site.signed_in(ELIZABETH)
    page = await elizabeth.get("/requests/new")
    more = await elizabeth.send(page, "/requests/new", name="Fence2027", step="more")
    await left_alone(site)
    sent = await elizabeth.send(more, "/requests/new", message="A long text.", step="review")

    again = await back(site, elizabeth, ELIZABETH)

    assert sent.goal == SIGN_IN
    form = again.form("/requests/new")
    assert (form["name"], form["message"], form["rows"]) == ("Fence2027", "A long text.", "2")
    assert "What you typed was kept, and nothing was sent yet." in again.text


async def test_where_nothing_was_typed_nobody_is_told_that_it_is_kept(site: Site) -> None:
    path = f"/requests/{await site.asked()}"
    elizabeth = await site.signed_in(ELIZABETH)
    page = await elizabeth.get(path)
    await left_alone(site)

    sent = await elizabeth.send(page, f"{path}/withdraw")

    assert (sent.status, sent.goal) == (303, "/sign-in")
    assert (await entered(site, elizabeth, ELIZABETH)).goal == path


async def test_a_reference_to_a_secret_is_kept_nowhere(site: Site) -> None:
    tom = await site.signed_in(TOM)
    form = {**(await tom.get("/account")).form("/sign-out"), "customer": "meryton"}
    mark = forms.mark(site.parts, await _token_hash(site), "/onboardings/new")
    await left_alone(site)

    await tom.client.post(
        "/onboardings/new",
        data={**form, "csrf": mark, "pbx_secret": "open sesame"},
        headers=OUR_OWN,
    )

    async with site.installation.engines.read.connect() as connection:
        sealed = (await connection.execute(select(portal_session.c.kept))).scalar_one()
    kept = site.parts.keys.sealer.opened(sealed, keeping.KEPT_FOR) or ""
    assert "meryton" in kept
    assert "open sesame" not in kept


async def test_the_message_to_a_site_waits_too(site: Site) -> None:
    tom = await site.signed_in(TOM)
    page = await tom.get("/sites")
    await left_alone(site)
    await tom.send(page, "/sites/ask", site="st-petersburg", message="Let me in, please.")

    again = await back(site, tom, TOM)

    assert again.form("/sites/ask")["message"] == "Let me in, please."


def test_every_form_says_on_which_page_it_stands() -> None:
    routes = [one for family in FAMILIES for one in family.pages.routes]
    taking = {
        method: {
            one.path
            for one in routes
            if isinstance(one, APIRoute) and method in (one.methods or ())
        }
        for method in ("GET", "POST")
    }
    places = {path: one for family in FAMILIES for path, one in family.pages.places.items()}

    assert taking["POST"] - set(places) == NOWHERE
    assert {one.page for one in places.values()} <= taking["GET"]


@pytest.mark.parametrize(
    ("path", "headers", "is_use"),
    [
        ("/account", {}, True),
        ("/account", {"x-live": "1"}, False),
        ("/live/nothing", {}, False),
    ],
    ids=["a person looks", "a page looks again", "a stream is opened"],
)
async def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(
    still: Site, path: str, headers: dict[str, str], is_use: bool
) -> None:
    tom = await still.signed_in(TOM)
    await left_alone(still, minutes=10)
    before = await _seen_at(still)

    await tom.client.get(path, headers=headers)

    assert (await _seen_at(still) > before) is is_use


@pytest.mark.parametrize(("path", "headers"), [("/live/incoming", {}), ("/sites", {"x-live": "1"})])
async def test_what_a_page_asks_by_itself_is_nowhere_to_come_back_to(
    site: Site, path: str, headers: dict[str, str]
) -> None:
    tom = await site.signed_in(TOM)
    await left_alone(site)
    await tom.client.get(path, headers=headers)

    led = await entered(site, tom, TOM)

    assert led.goal == "/"


async def _token_hash(site: Site) -> str:
    async with site.installation.engines.read.connect() as connection:
        query = select(portal_session.c.token_hash)
        found: str = (await connection.execute(query)).scalar_one()
    return found


async def _seen_at(site: Site) -> datetime:
    async with site.installation.engines.read.connect() as connection:
        found: datetime = (await connection.execute(select(portal_session.c.seen_at))).scalar_one()
    return found


def _id(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])
