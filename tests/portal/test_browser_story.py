"""Access from the first question to its end, by the people of the example in their own browsers."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from playwright.async_api import Page, expect

from approvals.people import Person
from store.gate import SqlGate
from tests.factories import (
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    ELIZABETH,
    HUNDRED_ACRE,
    LYDIA,
    TOM,
    TOM_SAWYER,
)
from tests.portal.test_browser_requests import FENCE, GALLERY, form, press, sign_in, told
from tests.portal.windows import Windows

LIVE = 15_000  # milliseconds until a page that is open must have shown the news
PICKETS, CLOSED, DONE = "Start with the picket fence.", "The gallery is closed.", "It is painted."


async def test_two_tenants_are_asked_and_one_lets_its_people_in_until_it_is_over(
    windows: Windows,
) -> None:
    elizabeth, tom = await sign_in(windows, ELIZABETH), await sign_in(windows, TOM)
    await _ask_both_tenants(elizabeth)
    request = await _grant(tom)
    await _deny(await windows.of(CHRISTOPHER))
    await expect(elizabeth.locator(".badge")).to_have_text(["Denied", "Granted"], timeout=LIVE)
    await elizabeth.get_by_role("link", name=FENCE).click()
    await told(elizabeth, PICKETS)
    assert await _who_gets_in(windows) == [CAROLINE.name, CHARLOTTE.name]

    caroline = await sign_in(windows, CAROLINE)
    await _enter(caroline)
    begun = await windows.site.installation.inbox.sessions(CAROLINE.id)
    assert [(one.mode, one.tenant) for one in begun] == [("configure", TOM_SAWYER.id)]
    await _move_the_end(tom)
    home = await caroline.context.new_page()
    await home.goto("/")
    await expect(home.get_by_role("main")).to_contain_text("Ends in 8 hours")
    await _revoke(tom)

    await expect(caroline.locator("#changed")).to_be_visible(timeout=LIVE)
    await expect(home.locator(".badge")).to_have_text(["Revoked"], timeout=LIVE)
    await expect(home.get_by_text("Open sessions")).to_have_count(0)
    await expect(home.get_by_role("link", name=f"Open {FENCE}")).to_have_count(0)
    await expect(elizabeth.get_by_role("main")).to_contain_text(DONE, timeout=LIVE)
    stored = await windows.site.installation.request(request)
    assert (stored.status, stored.decided_by) == ("revoked", TOM.id)
    assert await windows.site.installation.inbox.sessions(CAROLINE.id) == []
    assert await _who_gets_in(windows) == []


async def _ask_both_tenants(page: Page) -> None:
    await page.get_by_role("link", name="Sent requests").click()
    await page.get_by_role("link", name="New request").click()
    await page.get_by_label("Name of the request").fill("SupportAccess")
    await page.get_by_label("Message to the admins").fill("We help with the fence.")
    first = page.get_by_role("group", name="Who gets in where?", exact=True)
    for label in (CAROLINE.name, CHARLOTTE.name, FENCE):
        await first.get_by_label(label).check()
    await press(page, "Add other people or tenants")
    second = page.get_by_role("group", name="Who gets in where, part 2")
    for label in (CHARLOTTE.name, GALLERY):
        await second.get_by_label(label).check()
    await press(page, "Look it over")
    await told(page, "The admins of this tenant will not see these names.")
    await press(page, "Send 2 requests")
    await told(page, "The request is sent.")
    await expect(page.locator(".badge.pending")).to_have_count(2)


async def _grant(page: Page) -> UUID:
    await page.get_by_role("link", name="1 request waits for your decision").click()
    await page.get_by_role("link", name=f"Classics, Inc. asks for {FENCE}").click()
    day = (datetime.now(UTC) + timedelta(days=20)).date()
    await form(page, "grant").get_by_label("Day", exact=True).fill(day.isoformat())
    await form(page, "grant").get_by_label("Message").fill(PICKETS)
    await press(page, "Grant access")
    end = re.compile(
        rf"{TOM.name} granted it\. It ends in 2[01] days"
    )  # the day's end, in Tom's zone
    await expect(page.get_by_role("main")).to_contain_text(end)
    await expect(page.get_by_role("main")).not_to_contain_text(CAROLINE.name)
    return UUID(page.url.rpartition("/")[2].partition("?")[0])


async def _deny(page: Page) -> None:
    await page.goto("/requests/incoming")
    await page.get_by_role("link", name=f"asks for {GALLERY}").click()
    await form(page, "deny").get_by_label("Reason").fill(CLOSED)
    await press(page, "Deny")
    await told(page, f"{CHRISTOPHER.name} denied it")


async def _enter(page: Page) -> None:
    row = page.get_by_role("listitem").filter(has_text=PICKETS)
    await expect(row.locator(".badge")).to_have_text("Granted")
    await row.get_by_role("link", name=f"Open {FENCE}").click()
    await told(page, PICKETS)
    await page.get_by_label("Configure").check()
    await press(page, "Open session")
    await told(page, "The session is open.")
    way_in = page.locator("form[action='https://target.example/land']")
    await expect(way_in.get_by_role("button", name=f"Enter {FENCE}")).to_be_visible()
    assert (await way_in.locator("[name=assertion]").input_value()).count(".") == 2


async def _move_the_end(page: Page) -> None:
    await form(page, "change_end").get_by_label("For 8 hours").check()
    await press(page, "Change the end")
    await told(page, "The end is changed.")


async def _revoke(page: Page) -> None:
    await form(page, "revoke").get_by_label("Reason").fill(DONE)
    await press(page, "Revoke access")
    await told(page, "Access is revoked; nobody of this request gets in any more.")


async def _who_gets_in(windows: Windows) -> list[str]:
    """Return whom the gate lets into Tom Sawyer's tenant; into the other one nobody may."""
    gate = SqlGate(windows.site.installation.engines)
    people: tuple[Person, ...] = (CAROLINE, CHARLOTTE, LYDIA)
    for one in people:
        assert not (await gate.check(one.id, HUNDRED_ACRE.id)).is_open
    return [one.name for one in people if (await gate.check(one.id, TOM_SAWYER.id)).is_open]
