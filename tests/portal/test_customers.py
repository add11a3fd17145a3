"""Customers on their pages: the partner's switches, the terms, and visits to the platform."""

from datetime import timedelta
from uuid import UUID

import pytest

from approvals.customer_access.record import CustomerAccess
from approvals.people import Person
from config.settings import Settings
from tests.factories import BECKY, CHRISTOPHER, ELIZABETH, JANE, LYDIA, MARY, TOM, WICKHAM
from tests.installation import write_directory
from tests.portal.site import OUR_OWN, Browser, Page, Site
from tests.switching import OTHER_SWITCH, SWITCH, SWITCHING

SHOWN = f"/customers/{SWITCH}"


@pytest.fixture
async def switching(site: Site) -> Site:
    """The portal with partner admins of two partners of Tom Sawyer's."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    return site


async def switched_on(site: Site) -> Browser:
    """Let Jane switch Tom Sawyer on; return her browser."""
    jane = await site.signed_in(JANE)
    page = await jane.get("/customers")
    done = await jane.send(page, on_of(page))
    assert done.status == 303, done.text
    return jane


def on_of(page: Page, customer: str = "tom-sawyer") -> str:
    """Return where the form goes that switches a customer on."""
    return next(one for one in page._forms if one.endswith("/enable") and customer in one)


async def stored(site: Site, process: UUID = SWITCH) -> CustomerAccess:
    """Return the stored state."""
    state = await site.installation.inbox.state(process)
    assert isinstance(state, CustomerAccess)
    return state


async def test_a_partner_lists_every_customer_with_its_switch(switching: Site) -> None:
    jane = await switching.signed_in(JANE)
    before = await jane.get("/customers")

    done = await jane.send(before, on_of(before))

    assert "Hundred Acre Wood" in before.text
    assert before.text.count("Its people have never been let in") == 2
    after = await jane.follow(done)
    assert "The customer is switched on." in after.text
    assert "Switched on Jane Bennet" in after.text
    listed = await jane.get("/customers")
    assert "nobody there has accepted the terms yet" in listed.text
    assert listed.has_form(f"{SHOWN}/disable")


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("?status=pending", "Tom Sawyer", "Hundred Acre"),
        ("?status=never", "Hundred Acre", "Tom Sawyer Fence"),
        ("?name=hundred", "Hundred Acre", "Tom Sawyer Fence"),
        ("?name=nobody", "None fits", "Hundred Acre"),
        ("?status=anything", "Hundred Acre", "None fits"),
    ],
)
async def test_the_list_is_filtered_by_status_and_name(
    switching: Site, query: str, shown: str, hidden: str
) -> None:
    jane = await switched_on(switching)

    page = await jane.get(f"/customers{query}")

    assert shown in page.text
    assert hidden not in page.text


async def test_two_partners_switch_independently(switching: Site) -> None:
    jane = await switched_on(switching)
    wickham = await switching.signed_in(WICKHAM)
    page = await wickham.get("/customers")

    await wickham.send(page, on_of(page))
    await jane.send(await jane.get(SHOWN), f"{SHOWN}/disable")

    assert (await stored(switching)).status == "disabled"
    assert (await stored(switching, OTHER_SWITCH)).status == "pending"
    assert (await wickham.get(SHOWN)).status == 404


@pytest.mark.parametrize("person", [LYDIA, ELIZABETH], ids=lambda one: one.name)
async def test_who_has_no_part_in_a_switch_finds_nothing(switching: Site, person: Person) -> None:
    await switched_on(switching)
    browser = await switching.signed_in(person)

    assert (await browser.get(SHOWN)).status == 404
    assert (await browser.get(f"{SHOWN}/terms")).status == 404
    assert "Tom Sawyer" not in (await browser.get("/customers")).text


async def test_the_terms_are_accepted_once_for_all(switching: Site) -> None:
    await switched_on(switching)
    tom = await switching.signed_in(TOM)
    listed = await tom.get("/customers")
    page = await tom.get(f"{SHOWN}/terms")

    done = await tom.send(page, f"{SHOWN}/accept_terms")

    assert "Read the terms" in listed.text
    assert "Classics, Inc. lets the people of Tom Sawyer" in page.text
    after = await tom.follow(done)
    assert "The terms are accepted" in after.text
    becky = await switching.signed_in(BECKY)
    again = await becky.get(f"{SHOWN}/terms")
    assert "version 1, by Tom Sawyer" in again.text
    assert not again.has_form(f"{SHOWN}/accept_terms")
    state = await stored(switching)
    assert state.accepted is not None
    assert state.accepted.person == TOM.id


async def test_terms_that_changed_while_they_were_read_are_not_accepted(
    switching: Site, settings: Settings
) -> None:
    await switched_on(switching)
    tom = await switching.signed_in(TOM)
    settings.policy_file = settings.home / "policy.toml"
    settings.policy_file.write_text('[terms]\nversion = "2"\n')
    page = await tom.get(f"{SHOWN}/terms")

    stale = await tom.send(page, f"{SHOWN}/accept_terms")

    assert "Version 2" in page.text
    assert stale.status == 409
    assert "the terms are now version 1" in stale.text
    assert (await stored(switching)).status == "pending"


async def test_accepting_needs_a_fresh_sign_in(switching: Site) -> None:
    await switched_on(switching)
    tom = await switching.signed_in(TOM, ago=timedelta(minutes=20))
    page = await tom.get(f"{SHOWN}/terms")

    asked = await tom.send(page, f"{SHOWN}/accept_terms")

    assert asked.goal == "/sign-in/again"
    assert "What you typed was kept" in (await tom.get(f"{SHOWN}/terms")).text
    assert (await stored(switching)).status == "pending"


async def test_a_visit_begins_and_ends_with_the_switch(switching: Site) -> None:
    jane = await switched_on(switching)
    tom = await switching.signed_in(TOM)
    await tom.send(await tom.get(f"{SHOWN}/terms"), f"{SHOWN}/accept_terms")

    begun = await tom.follow(await tom.send(await tom.get(SHOWN), f"{SHOWN}/begin_session"))
    visit = (await stored(switching)).sessions[0].id
    ended = await tom.send(begun, f"{SHOWN}/end_session/{visit}")
    await tom.send(await tom.get(SHOWN), f"{SHOWN}/begin_session")
    off = await jane.follow(await jane.send(await jane.get(SHOWN), f"{SHOWN}/disable"))

    assert "You are signed in to the platform" in begun.text
    assert ended.status == 303
    assert "The customer is switched off" in off.text
    assert (await stored(switching)).sessions == ()
    shut = await tom.get(SHOWN)
    assert not shut.has_form(f"{SHOWN}/begin_session")


async def test_a_customer_that_accepted_before_is_in_at_once_when_switched_on_again(
    switching: Site,
) -> None:
    jane = await switched_on(switching)
    tom = await switching.signed_in(TOM)
    await tom.send(await tom.get(f"{SHOWN}/terms"), f"{SHOWN}/accept_terms")
    off = await jane.follow(await jane.send(await jane.get(SHOWN), f"{SHOWN}/disable"))

    again = await jane.send(off, on_of(off))

    assert "The terms were accepted before" in off.text
    assert again.status == 303
    assert (await stored(switching)).status == "accepted"


async def test_the_customer_switches_nothing(switching: Site) -> None:
    jane = await switched_on(switching)
    tom = await switching.signed_in(TOM)
    page = await tom.get(SHOWN)
    of_jane = (await jane.get(SHOWN)).form(f"{SHOWN}/disable")

    stolen = await tom.client.post(f"{SHOWN}/disable", data=of_jane, headers=OUR_OWN)

    assert not page.has_form(f"{SHOWN}/disable")
    assert stolen.status_code == 403
    assert (await stored(switching)).status == "pending"


async def test_a_page_from_before_switches_on_what_was_switched_off_meanwhile(
    switching: Site,
) -> None:
    jane = await switching.signed_in(JANE)
    page = await jane.get("/customers")
    await jane.send(page, on_of(page))
    other = await switching.signed_in(JANE)
    stale = page

    again = await other.send(await other.get("/customers"), f"{SHOWN}/disable")
    late = await jane.send(stale, on_of(stale), nonce="A" * 22)

    assert again.status == 303
    assert late.status == 303  # it was off again meanwhile, so it is switched on
    assert (await stored(switching)).status == "pending"


async def test_an_operator_names_the_partner(switching: Site) -> None:
    mary = await switching.signed_in(MARY)

    asked = await mary.get("/customers")
    shown = await mary.get("/customers?partner=classics")
    wrong = await mary.get("/customers?partner=No%20Slug")
    done = await mary.send(shown, on_of(shown))

    assert "Customers of which partner?" in asked.text
    assert "Hundred Acre Wood" in shown.text
    assert wrong.status == 422
    assert 'aria-invalid="true"' in wrong.html
    assert done.status == 303
    assert (await stored(switching)).switched_by == MARY.id


async def test_a_customer_of_nobody_finds_an_empty_list(switching: Site) -> None:
    christopher = await switching.signed_in(CHRISTOPHER)

    page = await christopher.get("/customers")

    assert "No partner yet" in page.text
