"""People whom nobody has named: they prove an address at the portal, and then ask for a site."""

import asyncio

import pytest

from approvals.newcomers import person_id_of
from approvals.site_access.record import SiteAccess, process_id_of
from tests.installation import write_directory
from tests.portal.site import CODE, PATIENCE, Browser, Page, Site
from tests.sites import SITE, SITES

EMAIL = "injun.joe@cave.example"
FORM, AFTER = "/sign-in/new", "/sign-in/code?new=yes"


@pytest.fixture
async def works(site: Site) -> Site:
    """The portal with a site and its contacts."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SITES)
    return site


async def asked(browser: Browser, **fields: str) -> Page:
    """Fill the form of somebody new."""
    said = {"email": EMAIL, "name": "Joe", "site": SITE.slug, "locale": "en", **fields}
    return await browser.send(await browser.get(FORM), FORM, **said)


async def code_at(site: Site) -> str:
    """Wait for the code that is mailed to the newcomer."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [CODE.search(one.text) for one in site.letters if one.to == EMAIL]
            if found and found[0] is not None:
                return "".join(found[0].groups())
            await asyncio.sleep(0.02)


async def test_a_newcomer_proves_their_address_and_asks_for_the_site(works: Site) -> None:
    browser = works.browser()
    page = await browser.follow(await asked(browser))
    led = await browser.send(page, "/sign-in/code", code=await code_at(works))
    sites = await browser.follow(led)

    done = await browser.send(sites, "/sites/ask", message="I look for the treasure.")

    assert "If there is such a site" in page.text
    assert led.goal == f"/sites?site={SITE.slug}"
    assert sites.form("/sites/ask")["site"] == SITE.slug
    assert "Your request is sent." in (await browser.follow(done)).text
    process = process_id_of(SITE.id, person_id_of(EMAIL))
    state = await works.installation.inbox.state(process)
    assert isinstance(state, SiteAccess)
    assert (state.status, state.message) == ("asked", "I look for the treasure.")


async def test_the_answer_is_the_same_where_there_is_no_such_site(works: Site) -> None:
    one, other = works.browser(), works.browser()

    known, unknown = await asked(one), await asked(other, site="nowhere", email="huck@cave.example")

    assert (known.status, known.goal) == (unknown.status, unknown.goal) == (303, AFTER)
    await code_at(works)
    assert {letter.to for letter in works.letters} == {EMAIL}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", "joe@localhost", "should have a period"),
        ("name", "", "Write your name"),
        ("name", "J\u0000oe", "Write your name"),
        ("site", "St. Petersburg", "Short names use"),
        ("locale", "nowhere!", "language"),
    ],
)
async def test_what_is_wrong_is_named_at_its_field_and_the_rest_is_kept(
    still: Site, field: str, value: str, sentence: str
) -> None:
    page = await asked(still.browser(), **{field: value})

    assert page.status == 422
    assert f'id="wrong-{field}"' in page.html
    assert sentence in page.html.partition(f'id="wrong-{field}"')[2].partition("</p>")[0]
    kept = {"email": EMAIL, "name": "Joe", "site": SITE.slug}
    assert all(
        page.form(FORM)[one] == kept[one] for one in ("email", "name", "site") if one != field
    )


async def test_the_sign_in_page_leads_newcomers_there(still: Site) -> None:
    page = await still.browser().get("/sign-in")

    assert f'href="{FORM}"' in page.html
