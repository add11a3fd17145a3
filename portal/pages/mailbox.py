"""The mailbox of the embedded stack as pages, for whoever holds the key that `up` printed."""

import asyncio
import hmac
import re

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import NotFoundError, RateLimitedError
from portal import cookies
from portal.families import Family, Pages
from portal.guard import address
from portal.parts import Parts
from portal.render import page
from starter.letters import StoredLetter, letters
from starter.portal_server import mailbox_key

pages = Pages()
NEWEST = 50  # mails on the page
LINK = re.compile(r"^ {4}(https?://[^\s<>]+)$", re.MULTILINE)


@pages.page("/mailbox/open/{key}")
async def unlock(request: Request, key: str) -> Response:
    """Take the key into a cookie, and out of the address."""
    parts: Parts = request.app.state.parts
    rates, here = parts.rates, address(request.scope)
    if not hmac.compare_digest(mailbox_key(parts.settings.keys).encode(), key.encode()):
        if rates.unknown_links.wait(here) or rates.unknown_links_of_all.wait("all"):
            raise RateLimitedError.in_seconds(60)
        raise NotFoundError
    answer = RedirectResponse("/mailbox", 303)
    cookies.put(answer, parts, cookies.MAILBOX, key)
    return answer


@pages.page("/mailbox")
async def listed(request: Request, to: str = "") -> Response:
    """List the newest mails, newest first; *to* narrows it to one address."""
    found = [one for one in await _letters(request) if to in one.to]
    return page(request, "mailbox/list.html", letters=found[:NEWEST], to=to)


@pages.page("/mailbox/{letter}")
async def show(request: Request, letter: str) -> Response:
    """Show one mail as text."""
    found = next((one for one in await _letters(request) if one.id == letter), None)
    if found is None:
        raise NotFoundError
    parts: Parts = request.app.state.parts
    ours = [one for one in LINK.findall(found.text) if one.startswith(parts.origin + "/")]
    return page(request, "mailbox/one.html", letter=found, links=ours)


async def _letters(request: Request) -> list[StoredLetter]:
    parts: Parts = request.app.state.parts
    given = cookies.read(request, parts, cookies.MAILBOX) or ""
    if parts.settings.maildir is None or not hmac.compare_digest(
        mailbox_key(parts.settings.keys).encode(), given.encode()
    ):
        raise NotFoundError
    found = await asyncio.to_thread(letters, parts.settings.maildir)
    return found[::-1]


FAMILY = Family(pages, is_served=lambda settings: settings.maildir is not None)
