"""The forms on one request: grant, deny, change the end, revoke, withdraw, finish."""

from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response

from approvals.commands import Command
from approvals.errors import AlreadyDecidedError, NotAllowedNowError, StaleError, TooLateError
from approvals.instants import wire_text
from approvals.tenant_access import commands as say
from portal import ends
from portal.acts import Act, Reading, Sheet, route, take
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Family, Pages, Process
from portal.pages.requests import request_page, seen_of
from starter.requests import RequestDesk
from starter.times import now

pages = Pages()
ANSWERS = (StaleError, AlreadyDecidedError, NotAllowedNowError, TooLateError)
ACTS = {
    "deny": Act(say.Deny, texts=("reason",)),
    "revoke": Act(say.Revoke, texts=("reason",)),
    "withdraw": Act(say.Withdraw),
    "finish": Act(say.Finish),
    "finish_all": Act(say.Finish, reads=lambda _fields: {"for_all": True}),
}


async def _sheet(request: Request, at: PortalDesk, process: UUID) -> Sheet:
    await RequestDesk(at).viewed(process)
    show, seen = partial(request_page, request, at, process), partial(_seen, at, process)
    return Sheet(f"/requests/{process}", show, RequestDesk, seen, answers=ANSWERS)


route(pages, "requests", ACTS, _sheet)


@pages.act("/requests/{process}/grant", on="/requests/{process}")
async def grant(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Let the people of a request in."""
    build = partial(_ending, say.Grant, ("message",), await _zone(at, process))
    return await take(at, fields, await _sheet(request, at, process), "grant", process, build)


@pages.act("/requests/{process}/change_end", on="/requests/{process}")
async def change_end(
    request: Request, at: AtDesk, fields: Posted, process: UUID = Process
) -> Response:
    """Move, set or remove the end date."""
    build = partial(_ending, say.ChangeEnd, (), await _zone(at, process))
    return await take(at, fields, await _sheet(request, at, process), "change_end", process, build)


def _ending(
    kind: type[Command], texts: tuple[str, ...], zone: ZoneInfo, read: Reading
) -> Command | None:
    """Fill a command with an end; the form says it in the tenant's time zone."""
    said: dict[str, Any] = {name: read.fields.one(name) for name in texts}
    end = read.checked("end", lambda fields: ends.chosen(fields, zone, now()), read.fields)
    if end is not None:
        at = None if end.at is None else wire_text(end.at)
        said |= {"ends_at": at, "no_end": end.is_none}
    return read.command(kind, said)


async def _zone(at: PortalDesk, process: UUID) -> ZoneInfo:
    state, _ = await RequestDesk(at).viewed(process)
    return await RequestDesk(at).zone_of(state)


async def _seen(at: PortalDesk, process: UUID) -> dict[str, str]:
    _, view = await RequestDesk(at).viewed(process)
    return seen_of(view, at.viewer.speech)


FAMILY = Family(pages)
