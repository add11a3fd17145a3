"""A pairing behind the portal's pages: offered, accepted and led on as people do it there."""

import asyncio
import re
from uuid import UUID

from approvals.pairing.record import Pairing
from approvals.people import Person
from tests.factories import TOM, TOM_SAWYER
from tests.installation import write_directory
from tests.pairings import CARE, CHARLES, MESSAGE, PAIRED_DIRECTORY
from tests.portal.site import PATIENCE, Browser, Page, Site

LINK = re.compile(r"apl_[A-Za-z0-9_-]{43}")


async def with_vendor(site: Site) -> Site:
    """Add the vendor's people, their group, and the customers' trust admins."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, PAIRED_DIRECTORY)
    return site


async def offered(site: Site, by: Person = CHARLES) -> str:
    """Let Charles offer Tom Sawyer a pairing on the page; return its page's path."""
    browser = await site.signed_in(by)
    page = await browser.get("/pairings/new")
    sent = await browser.send(
        page, "/pairings/new", tenant=TOM_SAWYER.slug, group=CARE.slug, message=MESSAGE
    )
    assert sent.status == 303, sent.text
    return sent.goal.partition("?")[0]


async def by_link(browser: Browser, path: str, token: str) -> Page:
    """Open a mailed link, and go where it leads."""
    return await browser.follow(await browser.get(f"{path}/{token}"))


async def link_of(site: Site, person: Person = TOM, before: int = 0) -> str:
    """Wait for the link that is mailed to *person* after the first *before* letters."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for letter in site.letters[before:]:
                found = LINK.search(letter.text)
                if letter.to == person.email and found is not None:
                    return found.group()
            await asyncio.sleep(0.02)


async def accepted(site: Site) -> tuple[str, Browser]:
    """Offer, and let Tom accept by his link; return the page's path and Tom's browser."""
    path = await offered(site)
    tom = await site.signed_in(TOM)
    page = await by_link(tom, path, await link_of(site))
    done = await tom.send(page, f"{path}/accept")
    assert done.status == 303, done.text
    return path, tom


async def active(site: Site, *roles: str) -> tuple[str, Browser]:
    """Lead a pairing on until the group has roles."""
    path, tom = await accepted(site)
    given = await done_by(tom, path, "assign_roles", roles=list(roles) or ["support"])
    assert given.status == 303, given.text
    return path, tom


async def done_by(browser: Browser, path: str, form: str, **fields: object) -> Page:
    """Fill one form of the pairing's page as it is now."""
    page = await browser.get(path)
    return await browser.send(page, f"{path}/{form}", **fields)  # type: ignore[arg-type]


async def stored(site: Site, path: str) -> Pairing:
    """Return the stored state."""
    state = await site.installation.inbox.state(UUID(path.rpartition("/")[2]))
    assert isinstance(state, Pairing)
    return state
