"""Onboardings on their pages: the form, the file, the steps, trying again and abandoning."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError

from activities.onboarding import OnboardingActivities
from approvals.delivery import Start
from approvals.onboarding.record import Onboarding
from approvals.people import Person
from approvals.platform import PlatformRefused
from store.ledger import SqlLedger
from tests.factories import CAROLINE, ELIZABETH, MARY
from tests.installation import NoMailQueue, write_directory
from tests.onboardings import ARTHUR, CHARLES, JIM, LIVESEY, LOUISA, SLUG, VENDORS
from tests.platform_in_memory import InMemoryPlatform
from tests.portal.site import OUR_OWN, Browser, Page, Site
from tests.stored_life import raw

NEW = "/onboardings/new"
FILLED: dict[str, Any] = {
    "customer": SLUG,
    "name": "Admiral Benbow",
    "reference": "C-1881",
    "time_zone": "Europe/London",
    "locale": "en-GB",
    "pbx_host": "pbx.admiral-benbow.example.com",
    "pbx_username": "import",
    "pbx_secret": "file:admiral-benbow",
    "admin_name": ["Jim Hawkins", "", ""],
    "admin_email": [JIM, "", ""],
    "admin_roles": ["0:customer.user.supervisorl1"],
    "user_name": ["", "Doctor Livesey"],
    "user_email": ["", LIVESEY],
    "user_roles": ["1:customer.user.acd"],
}


@pytest.fixture
async def vendors(site: Site) -> Site:
    """The portal with the vendor's onboarding operators."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, VENDORS)
    return site


async def sent(browser: Browser, step: str = "begin", **fields: Any) -> Page:
    """Fill the form of a new onboarding and press a button."""
    page = await browser.get(NEW)
    return await browser.send(page, NEW, **{**FILLED, "step": step, **fields})


async def begun(site: Site, by: Person = CHARLES) -> tuple[str, Browser]:
    """Begin the onboarding of the Admiral Benbow; return its page's path and who did."""
    browser = await site.signed_in(by)
    done = await sent(browser)
    assert done.status == 303, done.text
    return done.goal.partition("?")[0], browser


async def stepped(site: Site, path: str, platform: InMemoryPlatform, most: int = 20) -> None:
    """Take the steps that the state demands, on a platform in memory."""
    ledger = SqlLedger(site.installation.engines)
    steps = OnboardingActivities(ledger, platform, NoMailQueue())
    for _ in range(most):
        before = (await stored(site, path)).version
        try:
            await steps.step(raw(Start(process=process_of(path))))
        except ApplicationError:
            return
        if (await stored(site, path)).version == before:
            return


async def parked(site: Site) -> tuple[str, Browser]:
    """Begin one whose platform refuses the customer for good."""
    path, browser = await begun(site)
    platform = InMemoryPlatform()
    platform.before = lambda _: PlatformRefused("taken", "That <reference> is taken.")
    await stepped(site, path, platform)
    assert (await stored(site, path)).status == "parked"
    return path, browser


def process_of(path: str) -> UUID:
    """Return the id in a page's path."""
    return UUID(path.rpartition("/")[2])


async def stored(site: Site, path: str) -> Onboarding:
    """Return the stored state."""
    state = await site.installation.inbox.state(process_of(path))
    assert isinstance(state, Onboarding)
    return state


async def test_the_form_begins_an_onboarding_with_everybody_and_their_roles(
    vendors: Site,
) -> None:
    path, charles = await begun(vendors)

    page = await charles.get(f"{path}?done=start")

    assert "The onboarding has begun." in page.text
    assert "Create the customer on the platform going on" in page.text
    state = await stored(vendors, path)
    assert [(one.email, one.is_admin) for one in state.accounts][-1] == (LIVESEY, False)
    assert state.pbx.secret == "file:admiral-benbow"
    assert "Admiral Benbow" in (await charles.get("/onboardings")).text


async def test_a_double_click_begins_once(vendors: Site) -> None:
    charles = await vendors.signed_in(CHARLES)
    page = await charles.get(NEW)

    first = await charles.send(page, NEW, **{**FILLED, "step": "begin"})
    second = await charles.send(page, NEW, **{**FILLED, "step": "begin"})

    assert (first.status, first.goal) == (303, second.goal)


async def test_looking_it_over_begins_nothing_and_warns(vendors: Site) -> None:
    charles = await vendors.signed_in(CHARLES)

    shown = await sent(charles, "look", admin_roles=[])

    assert "Nothing has begun yet." in shown.text
    assert f"{JIM} is an admin without a supervisor role" in shown.text
    assert shown.form(NEW)["customer"] == SLUG
    assert "No onboardings" in (await charles.get("/onboardings")).text
    begun_now = await charles.send(shown, NEW, step="begin")
    assert begun_now.status == 303


async def test_more_rows_keep_what_was_typed(vendors: Site) -> None:
    charles = await vendors.signed_in(CHARLES)

    more = await sent(charles, "admin")

    assert len(more.form(NEW)["admin_name"]) == 5
    assert more.form(NEW)["admin_name"][0] == "Jim Hawkins"
    assert more.form(NEW)["user_name"][1] == "Doctor Livesey"
    assert more.form(NEW)["user_roles"] == "1:customer.user.acd"


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"customer": "Not A Slug"}, "customer-wrong", "It takes a-z, 0-9"),
        ({"name": ""}, "name-wrong", "Enter a name."),
        ({"reference": "!"}, "reference-wrong", "The reference takes 1 to 64"),
        ({"time_zone": "Mars"}, "time_zone-wrong", "That is not a time zone."),
        ({"pbx_host": "https://pbx"}, "pbx_host-wrong", "without a scheme or port"),
        ({"user_email": ["", "nobody"]}, "users.1-email-wrong", "address"),
        ({"user_roles": []}, "users.1-roles-wrong", "Choose at least one role."),
        ({"admin_name": [""], "admin_email": [""]}, "", "Name at least one admin."),
        ({"user_email": ["", JIM]}, "", "Listed more than once"),
    ],
    ids=lambda one: str(one)[:40],
)
async def test_a_form_that_breaks_a_rule_names_field_and_rule(
    vendors: Site, typed: dict[str, Any], field: str, sentence: str
) -> None:
    charles = await vendors.signed_in(CHARLES)

    wrong = await sent(charles, **typed)

    assert wrong.status == 422
    assert not field or f'id="{field}"' in wrong.html
    assert sentence in wrong.text
    assert wrong.form(NEW)["pbx_username"] == "import"


async def test_a_secret_that_was_typed_is_never_sent_back(vendors: Site) -> None:
    charles = await vendors.signed_in(CHARLES)

    wrong = await sent(charles, pbx_secret="Pieces-of-Eight-1881")

    assert wrong.status == 422
    assert "Do not write the secret here" in wrong.text
    assert "Pieces-of-Eight" not in wrong.html


async def test_what_the_directory_has_already_is_refused_by_name(vendors: Site) -> None:
    await begun(vendors)
    louisa = await vendors.signed_in(LOUISA)

    again = await sent(louisa)
    other = {"customer": "other", "pbx_secret": "file:other"}
    known = await sent(louisa, **other, admin_email=[CAROLINE.email])

    assert again.status == 422
    assert "is being onboarded already" in again.text
    assert CAROLINE.email in known.text
    assert known.form(NEW)["customer"] == "other"


async def test_the_file_begins_an_onboarding_too(vendors: Site) -> None:
    charles = await vendors.signed_in(CHARLES)
    page = await charles.get(NEW)

    looked = await charles.send(page, "/onboardings/file", step="look")
    done = await charles.send(looked, "/onboardings/file", step="begin")

    assert "Nothing has begun yet." in looked.text
    assert done.status == 303
    assert (await stored(vendors, done.goal.partition("?")[0])).slug == SLUG


async def test_a_file_that_breaks_rules_names_line_and_field(vendors: Site) -> None:
    charles = await vendors.signed_in(CHARLES)
    page = await charles.get(NEW)
    text = str(page.form("/onboardings/file")["file"])
    broken = text.replace('time_zone = "Europe/London"', 'time_zone = "Mars"')

    wrong = await charles.send(page, "/onboardings/file", file=broken, step="begin")
    unreadable = await charles.send(page, "/onboardings/file", file="[[", step="begin")

    assert wrong.status == 422
    assert re.search(r"line \d+: time_zone: That is not a time zone", wrong.text)
    assert "Mars" in str(wrong.form("/onboardings/file")["file"])
    assert "This is not readable TOML" in unreadable.text


async def test_a_parked_one_says_why_and_is_tried_again(vendors: Site) -> None:
    path, charles = await parked(vendors)
    page = await charles.get(path)

    done = await charles.send(page, f"{path}/retry")

    assert "&lt;reference&gt; is taken." in page.html
    assert "Create the customer on the platform parked" in page.text
    assert "It goes on, from the step that failed." in (await charles.follow(done)).text
    await stepped(vendors, path, InMemoryPlatform(imported=(JIM, LIVESEY)))
    ready = await charles.get(path)
    assert "The customer is in the directory" in ready.text
    assert not ready.has_form(f"{path}/abandon")


async def test_one_is_abandoned_with_a_word_about_why(vendors: Site) -> None:
    path, charles = await parked(vendors)

    long = await charles.send(await charles.get(path), f"{path}/abandon", reason="a" * 2001)
    done = await charles.send(long, f"{path}/abandon", reason="They went elsewhere.")

    assert long.status == 422
    assert 'id="abandon-reason-wrong"' in long.html
    after = await charles.follow(done)
    assert "taken back, in the opposite order" in after.text
    assert "They went elsewhere." in after.text


async def test_trying_again_what_is_not_parked_is_refused(vendors: Site) -> None:
    path, charles = await parked(vendors)
    page = await charles.get(path)
    louisa = await vendors.signed_in(LOUISA)
    await louisa.send(await louisa.get(path), f"{path}/retry")

    late = await charles.send(page, f"{path}/retry")

    assert late.status == 409
    assert "Nothing was changed." in late.text


@pytest.mark.parametrize("person", [ELIZABETH, ARTHUR], ids=lambda one: one.name)
async def test_only_operators_onboard_and_see_onboardings(vendors: Site, person: Person) -> None:
    path, charles = await begun(vendors)
    browser = await vendors.signed_in(person)
    of_charles = (await charles.get(path)).form(f"{path}/abandon")

    stolen = await browser.client.post(f"{path}/abandon", data=of_charles, headers=OUR_OWN)

    assert (await browser.get(NEW)).status == 403
    assert (await browser.get(path)).status == 404
    assert "Admiral Benbow" not in (await browser.get("/onboardings")).text
    assert stolen.status_code == 403
    assert (await stored(vendors, path)).status == "running"


async def test_an_operator_of_the_installation_names_the_vendor(vendors: Site) -> None:
    mary = await vendors.signed_in(MARY)
    page = await mary.get(NEW)

    done = await mary.send(page, NEW, **{**FILLED, "step": "begin", "organization": "netherfield"})

    assert done.status == 303, done.text
    assert (await stored(vendors, done.goal.partition("?")[0])).operator == MARY.id


async def test_beginning_needs_a_fresh_sign_in_and_keeps_what_was_typed(vendors: Site) -> None:
    browser = await vendors.signed_in(CHARLES, ago=timedelta(minutes=20))

    asked = await sent(browser)

    assert asked.goal == "/sign-in/again"
    page = await browser.get(NEW)
    assert page.form(NEW)["name"] == "Admiral Benbow"
    assert "What you typed was kept" in page.text
