"""A request's life as people lead it in a real browser, from the mailed code to its end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from playwright.async_api import Locator, Page, expect

from approvals.people import Person
from approvals.tenant_access.commands import ChangeEnd, Grant
from tests.factories import BECKY, CAROLINE, TOM
from tests.portal.windows import Windows

FENCE, GALLERY = "Tom Sawyer Fence Painting Co.", "Hundred Acre Wood Art Gallery"


def form(page: Page, act: str) -> Locator:
    """Return the form of one act on a request."""
    return page.locator(f"form[action$='/{act}']")


async def press(page: Page, name: str) -> None:
    """Press a button."""
    await page.get_by_role("button", name=name, exact=True).click()


async def told(page: Page, words: str) -> None:
    """Wait until the page says something."""
    await expect(page.get_by_role("main")).to_contain_text(words)


async def sign_in(windows: Windows, person: Person) -> Page:
    """Sign in with a mailed code, as a person does."""
    page = await windows.of(None)
    await page.goto("/")
    await page.get_by_label("Your e-mail address").fill(person.email)
    await press(page, "Mail me a code")
    code = await windows.site.code_for(person)
    await page.get_by_label("Code from the mail").fill(f"{code[:4]} {code[4:]}")
    await press(page, "Sign in")
    await expect(page.get_by_role("link", name=person.name)).to_be_visible()
    return page


async def test_a_session_is_begun_where_it_was_granted_and_ends_with_the_access(
    windows: Windows,
) -> None:
    request = await windows.site.asked()
    await windows.site.decides(TOM, request, Grant(no_end=True))
    caroline, tom = await windows.of(CAROLINE), await windows.of(TOM)

    await caroline.goto("/")
    await caroline.get_by_role("link", name=f"Open {FENCE}").click()
    await caroline.get_by_label("Configure").check()
    await press(caroline, "Open session")
    await told(caroline, "The session is open.")
    enter = caroline.locator("form[action='https://target.example/land']")
    assert (await enter.locator("[name=assertion]").input_value()).count(".") == 2
    await tom.goto(f"/requests/{request}")
    await form(tom, "revoke").get_by_label("Reason").fill("The fence is done.")
    await press(tom, "Revoke access")
    await told(tom, "Access is revoked; nobody of this request gets in any more.")

    await caroline.reload()
    await told(caroline, "There is nothing here, or you may not see it.")
    await caroline.goto("/")
    await expect(caroline.get_by_text("Open sessions")).to_have_count(0)
    await expect(caroline.locator(".badge")).to_have_text(["Revoked"])


async def test_a_session_is_closed_by_who_opened_it(windows: Windows) -> None:
    request = await windows.site.asked()
    await windows.site.decides(TOM, request, Grant(no_end=True))
    caroline = await windows.of(CAROLINE)
    await caroline.goto(f"/tenants/{request}/open")
    await press(caroline, "Open session")

    await press(caroline, "Close session")

    await told(caroline, "The session is closed.")
    await expect(caroline.get_by_text("Open sessions")).to_have_count(0)
    assert (await windows.site.installation.request(request)).sessions == ()


async def test_the_second_of_two_admins_learns_who_was_first(windows: Windows) -> None:
    request = await windows.site.asked()
    tom, becky = await _both_look(windows, request)

    await form(tom, "grant").get_by_label("For 7 days").check()
    await press(tom, "Grant access")
    await told(tom, "Tom Sawyer granted it.")
    await form(becky, "deny").get_by_label("Reason").fill("We paint ourselves.")
    await press(becky, "Deny")

    await told(becky, "Nothing was changed.")
    await told(becky, "Tom Sawyer granted it.")
    assert (await windows.site.installation.request(request)).status == "granted"


async def test_who_looks_at_what_has_changed_sees_the_difference_and_keeps_the_reason(
    windows: Windows,
) -> None:
    request = await windows.site.asked()
    await windows.site.decides(TOM, request, Grant(no_end=True))
    _, becky = await _both_look(windows, request)
    await form(becky, "revoke").get_by_label("Reason").fill("It lasts too long.")
    end = datetime.now(UTC) + timedelta(days=3)
    await windows.site.decides(TOM, request, ChangeEnd(ends_at=end))

    await press(becky, "Revoke access")

    row = becky.get_by_role("row", name="Ends")
    await expect(row).to_contain_text("no end date")
    await expect(row).to_contain_text(str(end.year))
    await expect(form(becky, "revoke").get_by_label("Reason")).to_have_value("It lasts too long.")
    assert (await windows.site.installation.request(request)).status == "granted"
    await press(becky, "Revoke access")
    await told(becky, "Access is revoked")
    assert (await windows.site.installation.request(request)).status == "revoked"


async def test_an_end_is_moved_and_an_impossible_one_is_said_beside_its_field(
    windows: Windows,
) -> None:
    request = await windows.site.asked()
    await windows.site.decides(TOM, request, Grant(no_end=True))
    becky = await windows.of(BECKY)
    await becky.goto(f"/requests/{request}")
    change = form(becky, "change_end")

    await change.get_by_label("Until a day").check()
    await press(becky, "Change the end")
    await expect(change.locator("fieldset")).to_have_attribute("aria-invalid", "true")
    await expect(change.locator("fieldset .wrong")).to_have_text(
        "Choose the day on which the access ends."
    )
    await change.get_by_label("For 8 hours").check()
    await press(becky, "Change the end")

    await told(becky, "The end is changed.")
    await told(becky, "It ends in 8 hours")
    state = await windows.site.installation.request(request)
    assert state.ends_at is not None
    assert state.ends_at - datetime.now(UTC) < timedelta(hours=8)
    assert not state.no_end


async def test_a_double_click_decides_once(windows: Windows) -> None:
    request = await windows.site.asked()
    tom, _ = await _both_look(windows, request)
    await form(tom, "grant").get_by_label("For 7 days").check()

    await tom.get_by_role("button", name="Grant access").dblclick(no_wait_after=True)

    await told(tom, "Access is granted.")
    await expect(tom.locator(".timeline .granted")).to_have_count(1)
    assert (await windows.site.installation.request(request)).version == 2
    await expect(tom.locator(".timeline .refused")).to_have_count(0)


async def _both_look(windows: Windows, request: UUID) -> tuple[Page, Page]:
    """Open one request in Tom's window and in Becky's; the script does not bring news."""
    tom = await windows.of(TOM, java_script_enabled=False)
    becky = await windows.of(BECKY, java_script_enabled=False)
    for page in (tom, becky):
        await page.goto(f"/requests/{request}")
    return tom, becky
