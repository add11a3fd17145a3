"""Lists longer than a page: every row stands on one page, in order, and a link leads on."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import insert

from approvals.customer_access.record import CustomerAccess, process_id_of
from approvals.people import Directory, OrganizationKind, Person, Role, Site, SiteId
from approvals.site_access.record import process_id_of as access_of
from approvals.transition import State
from portal.lists import PAGE
from store import tables as t
from tests.factories import (
    BECKY,
    CLASSICS,
    FENCE_PAINTING,
    JANE,
    MINUTE,
    START,
    TOM,
    make_id,
    make_organization,
    make_person,
    role,
)
from tests.installation import write_directory
from tests.onboardings import CHARLES, VENDORS
from tests.onboardings import make_life as make_onboarding_life
from tests.pairings import make_pairing_life
from tests.portal.pairings import with_vendor
from tests.portal.site import Browser, Page
from tests.portal.site import Site as Portal
from tests.sites import SITE, SITES, SiteLife
from tests.switching import ON, SWITCHING, SwitchLife

MANY = 2 * PAGE + 3


def place_of(number: int) -> UUID:
    """Return the id of the process of that number."""
    return make_id(f"process {number}")


async def filled(site: Portal, states: Sequence[State]) -> None:
    """Store processes; three of them each begin in the same moment."""
    rows = [
        {
            "id": one.process_id,
            "kind": one.kind,
            "version": one.version,
            "status": str(one.status),
            "state": one.model_dump_json(),
            "is_closed": one.is_closed,
            "begun_at": START + number // 3 * MINUTE,
            "tenant_id": one.index.tenant,
            "organization_id": one.index.organization,
            "requester_id": one.index.requester,
            "customer_id": one.index.customer,
            "site_id": one.index.site,
        }
        for number, one in enumerate(states)
    ]
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(insert(t.process), rows)


async def known(site: Portal, directory: Directory) -> None:
    """Write a directory."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, directory)


def next_of(page: Page, word: str = "after") -> str | None:
    """Return where the next page is, if there is one."""
    links = [one for one in page.html.split('"') if f"{word}=" in one]
    return links[0].replace("&amp;", "&") if links else None


async def pages_of(browser: Browser, path: str, word: str = "after") -> list[Page]:
    """Return a list's pages, one after the other."""
    found = [await browser.get(path)]
    while (following := next_of(found[-1], word)) is not None:
        assert len(found) < MANY
        found.append(await browser.get(following))
    return found


def hrefs(page: Page, prefix: str) -> list[str]:
    """Return the names of the rows that link below *prefix*."""
    links = [one.partition('href="')[2].partition('"')[0] for one in page.html.split("<a ")]
    return [one.removeprefix(prefix) for one in links if one.startswith(prefix)]


async def test_pairings_come_in_pages_that_hold_each_once(still: Portal) -> None:
    await with_vendor(still)
    pairing = make_pairing_life("active").pairing
    ids = [place_of(number) for number in range(MANY)]
    await filled(still, [pairing.model_copy(update={"process_id": one}) for one in ids])
    tom = await still.signed_in(TOM)

    pages = await pages_of(tom, "/pairings?status=active")

    rows = [[one for one in hrefs(page, "/pairings/") if one != "new"] for page in pages]
    assert [len(one) for one in rows] == [PAGE, PAGE, 3]
    assert sorted(one for page in rows for one in page) == sorted(str(one) for one in ids)
    assert "Newest" not in pages[0].text
    assert "/pairings?status=active" in hrefs(pages[2], "")


async def test_onboardings_come_in_pages_that_hold_each_once(still: Portal) -> None:
    await known(still, VENDORS)
    onboarding = make_onboarding_life().onboarding
    ids = [place_of(number) for number in range(MANY)]
    await filled(still, [onboarding.model_copy(update={"process_id": one}) for one in ids])
    charles = await still.signed_in(CHARLES)

    pages = await pages_of(charles, "/onboardings")

    rows = [[one for one in hrefs(page, "/onboardings/") if one != "new"] for page in pages]
    assert [len(one) for one in rows] == [PAGE, PAGE, 3]
    assert sorted(one for page in rows for one in page) == sorted(str(one) for one in ids)


async def test_customers_come_in_pages_by_slug_and_keep_the_status_and_partner(
    still: Portal,
) -> None:
    customers = [
        make_organization(f"inn-{number:03}", f"Inn {number}", OrganizationKind.CUSTOMER)
        for number in range(MANY)
    ]
    served = tuple((CLASSICS.id, one.id) for one in customers)
    await known(still, SWITCHING)
    await known(still, Directory(organizations=tuple(customers), serves=served))
    life = SwitchLife()
    life.says(ON, JANE, START)
    switched = [
        CustomerAccess.model_validate(
            {
                **life.switch.model_dump(),
                "process_id": process_id_of(CLASSICS.id, one.id),
                "customer": one.id,
            }
        )
        for one in customers[: PAGE + 1]
    ]
    await filled(still, switched)
    jane = await still.signed_in(JANE)

    pages = await pages_of(jane, "/customers")
    pending = await pages_of(jane, "/customers?status=pending")
    never = await pages_of(jane, "/customers?status=never&name=inn")

    names = [name for page in pages for name in shown(page)]
    assert [len(shown(page)) for page in pages] == [PAGE, PAGE, 5]
    assert names[1:-1] == [f"inn-{number:03}" for number in range(MANY)]
    assert [len(shown(page)) for page in pending] == [PAGE, 1]
    assert [len(shown(page)) for page in never] == [PAGE, MANY - 2 * PAGE - 1]
    assert "name=inn" in str(next_of(never[0]))


def shown(page: Page) -> list[str]:
    """Return the slugs of a page's customers, by the form that switches each."""
    forms = [one for one in page._forms if one.startswith("/customers/")]
    return [
        one.split("/")[3] if one.endswith("/enable") else switch_name(one.split("/")[2])
        for one in forms
    ]


def switch_name(process: str) -> str:
    """Return the slug of a customer by its switch."""
    for number in range(MANY):
        slug = f"inn-{number:03}"
        if str(process_id_of(CLASSICS.id, make_id(slug))) == process:  # type: ignore[arg-type]
            return slug
    raise AssertionError(process)


async def test_who_asks_for_a_site_comes_in_pages(still: Portal) -> None:
    people = [make_person(f"Painter {number}", FENCE_PAINTING) for number in range(MANY)]
    await known(still, SITES)
    await known(still, Directory(people=tuple(people)))
    life = SiteLife(SITES.model_copy(update={"people": (*SITES.people, *people)}))
    for one in people:
        life.asks(one, START)
    await filled(still, [life.access(one) for one in people])
    becky = await still.signed_in(BECKY)

    pages = await pages_of(becky, "/sites", "asked")

    ids = {str(access_of(SITE.id, one.id)) for one in people}
    rows = [[one for one in hrefs(page, "/sites/") if one in ids] for page in pages]
    assert [len(one) for one in rows] == [PAGE, PAGE, 3]
    assert {one for page in rows for one in page} == ids


async def test_sites_come_in_pages_by_their_short_name(still: Portal) -> None:
    sites = [
        Site(
            id=SiteId(make_id(f"yard {number}")),
            slug=f"yard-{number:03}",
            name=f"Yard {number}",
            organization=FENCE_PAINTING.id,
        )
        for number in range(MANY)
    ]
    roles = tuple(role(BECKY, Role.PRIMARY_CONTACT, one.id) for one in sites)
    await known(still, Directory(sites=tuple(sites), roles=roles))
    becky = await still.signed_in(BECKY)

    pages = await pages_of(becky, "/sites")

    rows = [[one for one in hrefs(page, "/sites/") if one.endswith("/users")] for page in pages]
    assert [len(one) for one in rows] == [PAGE, PAGE, 3]
    assert [one for page in rows for one in page] == [f"{one.slug}/users" for one in sites]


@pytest.mark.parametrize(
    ("who", "path"),
    [
        (TOM, "/pairings?after=nothing"),
        (TOM, "/pairings?after=00000000-0000-0000-0000-00000000000G"),
        (JANE, "/customers?after=classics"),
        (JANE, "/customers?after=~"),
        (TOM, "/sites?after=Not+A+Slug"),
        (TOM, "/sites?asked=1"),
        (TOM, "/onboardings?after=1"),
    ],
)
async def test_a_page_that_begins_nowhere_is_not_found(
    still: Portal, who: Person, path: str
) -> None:
    browser = await still.signed_in(who)

    page = await browser.get(path)

    assert page.status == 404


async def test_a_process_of_another_list_leads_to_no_page_of_theirs(still: Portal) -> None:
    await with_vendor(still)
    pairing = make_pairing_life("active").pairing
    await filled(still, [pairing.model_copy(update={"process_id": place_of(0)})])
    jane = await still.signed_in(JANE)

    page = await jane.get(f"/pairings?after={place_of(0)}")

    assert page.status == 200
    assert hrefs(page, "/pairings/") == []
