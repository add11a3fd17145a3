"""Signing in: the address, the code, a wrong one, and the way back after a while."""

from playwright.async_api import Page

from tests.factories import ELIZABETH, TOM
from tests.portal.scenes.scene import Scene, Shown, nothing


async def _no_address(page: Page) -> None:
    await page.get_by_label("Your e-mail address").fill("elizabeth@localhost")
    await page.get_by_role("button", name="Mail me a code").click()
    await page.locator(".wrong").wait_for()


async def _code_asked(page: Page) -> None:
    await page.get_by_label("Your e-mail address").fill(ELIZABETH.email)
    await page.get_by_role("button", name="Mail me a code").click()
    await page.get_by_label("Code from the mail").wait_for()


async def _wrong_code(page: Page) -> None:
    await _code_asked(page)
    await page.get_by_label("Code from the mail").fill("1234")
    await page.get_by_role("button", name="Sign in").click()
    await page.locator(".wrong").wait_for()


SCENE = Scene(
    "sign in",
    nothing,
    (
        Shown("sign-in", None, "/sign-in"),
        Shown("sign-in-no-address", None, "/sign-in", _no_address),
        Shown("sign-in-code", None, "/sign-in", _code_asked),
        Shown("sign-in-wrong-code", None, "/sign-in", _wrong_code),
        Shown("sign-in-new", None, "/sign-in/new"),
        Shown("sign-in-again", TOM, "/sign-in/again"),
        Shown("not-found", TOM, "/nothing"),
        Shown("not-found-as-guest", None, "/nothing"),
    ),
)
