"""Pairings: the mailed link, roles, consents, clones and changes, as both sides see them."""

from playwright.async_api import Page

from tests.factories import TOM
from tests.pairings import CHARLES, GEORGIANA, LOUISA
from tests.portal.pairings import accepted, active, done_by, link_of, offered, stored, with_vendor
from tests.portal.scenes.scene import Scene, Shown
from tests.portal.site import Site


async def _offer(site: Site) -> dict[str, str]:
    await with_vendor(site)
    path = await offered(site)
    return {"pairing": path.rpartition("/")[2], "token": await link_of(site)}


async def _used(site: Site) -> dict[str, str]:
    await with_vendor(site)
    path, tom = await active(site, "support")
    charles = await site.signed_in(CHARLES)
    await done_by(tom, path, "define_role", name="listener", permissions=["recordings.play"])
    await done_by(
        charles, path, "ask_roles", roles=["listener"], person=str(LOUISA.id),
        reason="She listens to the calls that dropped.",
    )  # fmt: skip
    await done_by(charles, path, "add_clone")
    await done_by(charles, path, "ask_consent", what="Restart the fence queue on Sunday at 6.")
    consent = (await stored(site, path)).consents[0].id
    await done_by(tom, path, f"consent/{consent}")
    await done_by(charles, path, "record_change", what="Restarted it.", consent=str(consent))
    await done_by(charles, path, "record_change", what="Cut a line.", is_disruptive="yes")
    await done_by(charles, path, "ask_consent", what="Move the queue to the new trunk.")
    georgiana = await site.signed_in(GEORGIANA)
    begun = await done_by(georgiana, path, "begin_session", mode="support")
    return {"pairing": path.rpartition("/")[2], "session": begun.goal.rpartition("/")[2]}


async def _paired(site: Site) -> dict[str, str]:
    await with_vendor(site)
    path, _ = await accepted(site)
    return {"pairing": path.rpartition("/")[2]}


async def _short(page: Page) -> None:
    await page.get_by_text("Define a role of your own").click()
    form = page.locator("form[action$='/define_role']")
    await form.get_by_label("Name").fill("Listener!")
    await form.get_by_role("button").click()
    await page.locator(".wrong").first.wait_for()


OFFERED = Scene(
    "an offered pairing",
    _offer,
    (
        Shown("pairings", TOM, "/pairings"),
        Shown("pairing-new", CHARLES, "/pairings/new"),
        Shown("pairing-link", TOM, "/pairings/{pairing}/{token}"),
        Shown("pairing-offered", TOM, "/pairings/{pairing}"),
        Shown("pairing-offered-by-me", CHARLES, "/pairings/{pairing}"),
    ),
)
PAIRED = Scene(
    "a pairing without roles",
    _paired,
    (Shown("pairing-wrong-role", TOM, "/pairings/{pairing}", _short),),
)
USED = Scene(
    "a pairing in use",
    _used,
    (
        Shown("tenants-what-waits", TOM, "/"),
        Shown("tenants-to-enter", GEORGIANA, "/"),
        Shown("pairing", TOM, "/pairings/{pairing}"),
        Shown("pairing-of-support", CHARLES, "/pairings/{pairing}"),
        Shown("pairing-session", GEORGIANA, "/pairings/{pairing}/sessions/{session}"),
    ),
)
