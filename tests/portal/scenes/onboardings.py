"""Onboardings: the form, one that goes on, and one that is parked."""

from playwright.async_api import Page

from tests.installation import write_directory
from tests.onboardings import CHARLES, JIM, LIVESEY, VENDORS
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site
from tests.portal.test_onboardings import begun, parked


async def _directory(site: Site) -> None:
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, VENDORS)


async def _goes_on(site: Site) -> dict[str, str]:
    await _directory(site)
    path, _ = await begun(site)
    return {"onboarding": path.rpartition("/")[2]}


async def _parked(site: Site) -> dict[str, str]:
    await _directory(site)
    path, _ = await parked(site)
    return {"onboarding": path.rpartition("/")[2]}


async def _looked_over(page: Page) -> None:
    for label, text in (
        ("Name", "Admiral Benbow"),
        ("Short name", "hispaniola"),
        ("Reference", "C-1882"),
        ("Host", "pbx.hispaniola.example.com"),
        ("User name", "import"),
        ("Where its secret is", "file:hispaniola"),
    ):
        await page.get_by_label(label, exact=True).first.fill(text)
    admin = page.get_by_role("group", name="Admin 1")
    await admin.get_by_label("Name").fill("Jim Hawkins")
    await admin.get_by_label("E-mail").fill(JIM)
    user = page.get_by_role("group", name="User 1", exact=True)
    await user.get_by_label("Name").fill("Doctor Livesey")
    await user.get_by_label("E-mail").fill(LIVESEY)
    await user.get_by_label("customer.user.acd").check()
    await page.get_by_role("button", name="Look it over first").first.click()
    await page.get_by_text("Nothing has begun yet.").wait_for()


async def _wrong(page: Page) -> None:
    await page.locator("form[action='/onboardings/new']").evaluate("form => form.noValidate = true")
    await page.get_by_label("Where its secret is").fill("Pieces of Eight")
    await page.get_by_role("button", name="Begin the onboarding").first.click()
    await page.locator(".wrong").first.wait_for()


GOING_ON = Scene(
    "an onboarding",
    _goes_on,
    (
        Shown("onboardings", CHARLES, "/onboardings"),
        Shown("onboarding", CHARLES, "/onboardings/{onboarding}"),
        Shown("onboarding-new", CHARLES, "/onboardings/new"),
        Shown("onboarding-looked-over", CHARLES, "/onboardings/new", _looked_over),
        Shown("onboarding-wrong", CHARLES, "/onboardings/new", _wrong),
    ),
)
PARKED = Scene(
    "a parked onboarding",
    _parked,
    (Shown("onboarding-parked", CHARLES, "/onboardings/{onboarding}"),),
)
