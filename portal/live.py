"""Keeps open pages live: a stream of server-sent events that says when a page has changed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping

from fastapi import Request
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from approvals.errors import ApprovalError, NotFoundError
from portal import auth
from portal.desk import PortalDesk
from portal.families import Pages, Pulse
from portal.parts import Parts

LOOKS = 1.0  # seconds between two looks
LONGEST = 300.0  # seconds of one stream; the browser opens the next by itself
QUIET = 15.0  # seconds after which a sign of life is sent


def pages_of(pulses: Mapping[str, Pulse]) -> Pages:
    """Return the routes of the live pages, by the names of their pulses."""
    pages = Pages()

    @pages.get("/live/{name}", response_model=None)
    @pages.get("/live/{name}/{key}", response_model=None)
    async def listen(request: Request, viewer: auth.SignedIn, name: str, key: str = "") -> object:
        """Tell the page's script whenever it should look again."""
        pulse = pulses.get(name)
        if pulse is None:
            raise NotFoundError
        parts: Parts = request.app.state.parts
        first = await pulse(PortalDesk(parts, viewer), key)  # whoever may not see it learns it now
        return StreamingResponse(
            _events(request, pulse, key, first), media_type="text/event-stream"
        )

    return pages


async def _events(request: Request, pulse: Pulse, key: str, last: str) -> AsyncIterator[str]:
    parts: Parts = request.app.state.parts
    loop = asyncio.get_running_loop()
    end, quiet = loop.time() + LONGEST, loop.time() + QUIET
    yield f"retry: 2000\n{_said(last)}"
    while loop.time() < end and not parts.closing.is_set():
        try:
            async with asyncio.timeout(LOOKS):
                await parts.closing.wait()
        except TimeoutError:
            pass
        try:
            now = await _look(request, pulse, key)
        except (ApprovalError, auth.SignInNeededError):
            yield "event: gone\ndata: \n\n"
            return
        except (SQLAlchemyError, OSError):  # the page stays as it is until there is news
            continue
        if now != last:
            last, quiet = now, loop.time() + QUIET
            yield _said(last)
        elif loop.time() >= quiet:
            quiet = loop.time() + QUIET
            yield ": still here\n\n"


async def _look(request: Request, pulse: Pulse, key: str) -> str:
    """Ask again who is signed in and what they may see; nothing of it is remembered."""
    viewer = await auth.found(request)
    if viewer is None:
        raise auth.SignInNeededError(None)
    return await pulse(PortalDesk(request.app.state.parts, viewer), key)


def _said(pulse: str) -> str:
    """Return the event that tells a pulse; the page's script knows the last one it heard."""
    return f"event: pulse\ndata: {hashlib.sha256(pulse.encode()).hexdigest()[:16]}\n\n"
