"""Shows the life of a request while it happens."""

import asyncio
from uuid import UUID

from starter import screens
from starter.console import print_text, status
from starter.requests import RequestDesk

PAUSE = 0.3  # seconds between two looks into the database


async def watch(requests: RequestDesk, request: UUID) -> None:
    """Print each new line of the timeline until the request is closed and its mails settled."""
    seen: set[tuple[object, ...]] = set()
    last = ""
    while True:
        state, lines = await requests.timeline(request)
        zone = await requests.zone_of(state)
        for line in lines:
            mark = (line.at, line.event, line.who, line.text)
            if mark not in seen and line.event not in ("mail.pending", "mail.sending"):
                seen.add(mark)
                print_text(screens.line_text(line, zone))
        _, view, _ = await requests.viewed(request)
        if view.status != last:
            last = view.status
            until = screens.clock(view, zone)
            status(f"{view.tenant_name}: {view.status}" + (f", {until}" if until else ""))
        waiting = any(line.event in ("mail.pending", "mail.sending") for line in lines)
        if state.is_closed and not waiting:
            return
        await asyncio.sleep(PAUSE)
