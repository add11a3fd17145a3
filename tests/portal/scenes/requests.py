"""Requests: asking, looking over, deciding, what became of them, and what does not fit."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Page

from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Deny, Grant, Revoke
from tests.factories import BECKY, CAROLINE, CHARLOTTE, ELIZABETH, HUNDRED_ACRE, TOM, make_id
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site

WELCOME = "Welcome. Please start with the picket fence.\nThe gate stays as it is."


async def _prepare(site: Site) -> dict[str, str]:
    made = {
        one: await site.asked(batch=make_id(one), name=name)
        for one, name in (
            ("revoked", "FenceWinter"),
            ("denied", "FenceSpring"),
            ("granted", "SupportAccess"),
            ("pending", "SupportAutumn"),
            ("stale", "SupportWinter"),
        )
    }
    at = datetime.now(UTC)
    end = at + timedelta(days=30)
    for one, command in (
        ("revoked", Grant(ends_at=end, message=WELCOME)),
        ("granted", Grant(ends_at=end, message=WELCOME)),
        ("stale", Grant(ends_at=end)),
        ("denied", Deny(reason="We paint the fence ourselves this spring.")),
    ):
        await site.decides(TOM, made[one], command)
    await site.says(CAROLINE, made["granted"], BeginSession(mode=Mode.CONFIGURE))
    await site.decides(BECKY, made["granted"], ChangeEnd(ends_at=at + timedelta(days=10)))
    await site.decides(BECKY, made["revoked"], Revoke(reason="The fence is done."))
    await site.asked(batch=make_id("art"), tenant=HUNDRED_ACRE, name="ArtGallery")
    return {name: str(process) for name, process in made.items()}


async def _wrong_grant(page: Page) -> None:
    form = page.locator("form[action$='/grant']")
    await form.get_by_label("Until a day").check()
    await form.get_by_label("Day", exact=True).fill("2020-01-01")
    await form.get_by_label("Message").fill("Welcome.")
    await form.evaluate("form => form.noValidate = true")
    await form.get_by_role("button").click()
    await page.locator(".wrong").wait_for()


async def _stale(page: Page) -> None:
    """Revoke what looked different when the page was drawn."""
    form = page.locator("form[action$='/revoke']")
    await form.locator("[name=shown]").evaluate("field => field.value = 'a'.repeat(64)")
    saw = form.locator("[name=saw][value^='Ends=']")
    await saw.evaluate("field => field.value = 'Ends=no end date'")
    await form.locator("[name=reason]").fill("The fence is done.")
    await form.get_by_role("button").click()
    await page.locator("table").wait_for()


async def _filled(page: Page) -> None:
    await page.get_by_label("Name of the request").fill("SupportSummer")
    await page.get_by_label("Message to the admins").fill("We help you with the new fence.")
    for name in (CAROLINE.name, CHARLOTTE.name):
        await page.get_by_label(name).check()
    await page.get_by_label("Tom Sawyer Fence Painting Co.").check()


async def _looked_over(page: Page) -> None:
    await _filled(page)
    await page.get_by_role("button", name="Look it over").click()
    await page.get_by_role("button", name="Send 1 request").wait_for()


async def _two_parts(page: Page) -> None:
    await _filled(page)
    await page.get_by_role("button", name="Add other people").click()
    await page.get_by_text("Who gets in where, part 2").wait_for()


async def _wrong_name(page: Page) -> None:
    await page.get_by_label("Name of the request").fill("Support Access!")
    await page.get_by_role("button", name="Look it over").click()
    await page.locator(".wrong").first.wait_for()


SCENE = Scene(
    "requests",
    _prepare,
    (
        Shown("incoming", TOM, "/requests/incoming"),
        Shown("incoming-none", TOM, "/requests/incoming?status=lapsed"),
        Shown("outgoing", ELIZABETH, "/requests/outgoing"),
        Shown("request-new", ELIZABETH, "/requests/new"),
        Shown("request-new-two-parts", ELIZABETH, "/requests/new", _two_parts),
        Shown("request-new-wrong", ELIZABETH, "/requests/new", _wrong_name),
        Shown("request-looked-over", ELIZABETH, "/requests/new", _looked_over),
        Shown("request-to-decide", TOM, "/requests/{pending}"),
        Shown("request-wrong-end", TOM, "/requests/{pending}", _wrong_grant),
        Shown("request-of-mine", ELIZABETH, "/requests/{pending}"),
        Shown("request-granted", TOM, "/requests/{granted}"),
        Shown("request-granted-to-me", CAROLINE, "/requests/{granted}"),
        Shown("request-changed-meanwhile", TOM, "/requests/{stale}", _stale),
        Shown("request-denied", ELIZABETH, "/requests/{denied}"),
        Shown("request-revoked", ELIZABETH, "/requests/{revoked}"),
    ),
)
