"""Ways to use the portal: with the keyboard alone, without script, and while others decide."""

import pytest
from playwright.async_api import Page, expect

from approvals.tenant_access.commands import Grant
from tests.factories import BECKY, CAROLINE, ELIZABETH, TOM
from tests.portal.windows import Windows

ALIVE = 15_000  # milliseconds until a page that is open must have shown the news


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what bears this name."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        said = await page.evaluate(
            "() => document.activeElement.labels?.[0]?.innerText"
            " || document.activeElement.innerText || ''"
        )
        if name in said:
            return
    pytest.fail(f"The keyboard does not reach {name}.")


async def test_a_request_is_granted_with_the_keyboard_alone(windows: Windows) -> None:
    request = await windows.site.asked()
    tom = await windows.of(TOM)
    await tom.goto("/requests/incoming")

    await tom.keyboard.press("Tab")
    await expect(tom.locator(".skip")).to_be_focused()
    await tom.keyboard.press("Enter")
    await tab_to(tom, "Classics, Inc. asks for")
    await tom.keyboard.press("Enter")
    await expect(tom).to_have_url(f"{windows.origin}/requests/{request}")
    await tab_to(tom, "For 8 hours")
    await tom.keyboard.press("ArrowDown")
    await tab_to(tom, "Message")
    await tom.keyboard.type("Welcome.")
    await tab_to(tom, "Grant access")
    await tom.keyboard.press("Enter")

    await expect(tom.get_by_role("main")).to_contain_text("It ends in 7 days")
    assert (await windows.site.installation.request(request)).answer == "Welcome."


async def test_what_has_the_focus_can_be_seen(windows: Windows) -> None:
    tom = await windows.of(TOM)
    await tom.goto("/")
    drawn = "() => getComputedStyle(document.activeElement).outlineStyle"

    for _ in range(6):
        await tom.keyboard.press("Tab")

        assert await tom.evaluate(drawn) == "solid"


async def test_without_script_a_code_signs_in_and_a_request_is_sent(windows: Windows) -> None:
    page = await windows.of(None, java_script_enabled=False)
    await page.goto("/requests/new")
    await page.get_by_label("Your e-mail address").fill(ELIZABETH.email)
    await page.get_by_role("button", name="Mail me a code").click()
    await page.get_by_label("Code from the mail").fill(await windows.site.code_for(ELIZABETH))
    await page.get_by_role("button", name="Sign in").click()

    await page.get_by_label("Name of the request").fill("Fence2027")
    await page.get_by_label(CAROLINE.name).check()
    await page.get_by_label("Tom Sawyer Fence Painting Co.").check()
    await page.get_by_role("button", name="Look it over").click()
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_label("Name of the request")).to_have_value("Fence2027")
    await page.get_by_role("button", name="Look it over").click()
    await page.get_by_role("button", name="Send 1 request").click()

    await expect(page.get_by_role("main")).to_contain_text("The request is sent.")
    await expect(page.locator(".badge")).to_have_text(["Waiting"])


async def test_an_open_page_shows_what_another_decided(windows: Windows) -> None:
    request = await windows.site.asked()
    becky, elizabeth = await windows.of(BECKY), await windows.of(ELIZABETH)
    await becky.goto(f"/requests/{request}")
    await elizabeth.goto("/requests/outgoing")
    await expect(elizabeth.locator(".badge")).to_have_text(["Waiting"])

    await windows.site.decides(TOM, request, Grant(no_end=True, message="Welcome."))

    await expect(becky.locator(".standing .badge")).to_have_text("Granted", timeout=ALIVE)
    await expect(becky.get_by_role("main")).to_contain_text("Tom Sawyer granted it")
    await expect(becky.locator("form[action$='/revoke']")).to_have_count(1)
    await expect(elizabeth.locator(".badge")).to_have_text(["Granted"], timeout=ALIVE)
    await expect(elizabeth.locator("#announcer")).to_have_text("The page was brought up to date.")


async def test_what_somebody_types_stays_when_news_come(windows: Windows) -> None:
    request = await windows.site.asked()
    becky = await windows.of(BECKY)
    await becky.goto(f"/requests/{request}")
    reason = becky.locator("form[action$='/deny']").get_by_label("Reason")
    await reason.fill("We paint our")

    await windows.site.decides(TOM, request, Grant(no_end=True))

    await expect(becky.locator("#changed")).to_be_visible(timeout=ALIVE)
    await expect(reason).to_have_value("We paint our")
    await expect(becky.locator(".standing .badge")).to_have_text("Waiting")
    await becky.get_by_role("link", name="Look again").click()
    await expect(becky.locator(".standing .badge")).to_have_text("Granted")


async def test_a_page_that_its_viewer_may_not_see_any_more_says_so(windows: Windows) -> None:
    request = await windows.site.asked()
    await windows.site.decides(TOM, request, Grant(no_end=True))
    caroline = await windows.of(CAROLINE)
    await caroline.goto(f"/tenants/{request}/open")
    await caroline.get_by_role("button", name="Open session").click()
    await expect(caroline.get_by_role("main")).to_contain_text("The session is open.")

    tom = await windows.of(TOM)
    await tom.goto(f"/requests/{request}")
    await tom.locator("form[action$='/revoke']").get_by_label("Reason").fill("Done.")
    await tom.get_by_role("button", name="Revoke access").click()

    await expect(caroline.locator("#changed")).to_be_visible(timeout=ALIVE)
