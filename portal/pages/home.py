"""My tenants: what a request named me for, the way in, and the sessions that I have open."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import NotFoundError
from approvals.people import PersonId, Role
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.record import KIND, Status, TenantAccess
from approvals.tenant_access.views import RequestView
from identity.assertions import OpenSession
from portal import sentences
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process, process_id
from portal.languages import N_
from portal.lists import PAGE, Wanted, listed, place
from portal.render import page
from portal.visits import visits
from portal.waiting import waits
from portal.way_in import let_in, own, pulse_of, way_in_page
from starter.client import UnreachableError
from starter.requests import RequestDesk
from starter.times import now
from store.pulses import Pulses
from store.waiting import Waiting

pages = Pages()
WAITING = 100  # so many decisions are counted; the page says "100 or more" then


@pages.page("/")
async def home(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the tenants that the viewer was named for, and their open sessions."""
    me, wanted = at.viewer.person.id, Wanted(Status, status, after)
    shown = listed(await at.inbox.named(me, wanted.statuses, PAGE + 1, place(after)))
    views = await RequestDesk(at).views(shown.rows) if shown.rows else []
    waiting, moment = await _waiting(at), now()
    return page(
        request,
        "home/tenants.html",
        rows=[
            (view, _is_open(state, at, moment))
            for state, view in zip(shown.rows, views, strict=True)
        ],
        sessions=await visits(at),
        waits=await waits(at),
        waiting=waiting,
        is_more=waiting == WAITING,
        **wanted.shown(shown.following),
        live="tenants",
    )


async def _waiting(at: PortalDesk) -> int:
    """Count the requests that the viewer may decide, up to WAITING."""
    if not at.viewer.has(Role.TENANT_ADMIN):
        return 0
    return len(await at.inbox.incoming(at.viewer.person.id, [Status.PENDING], WAITING))


@pages.page("/tenants/{process}/open")
async def confirm(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show which tenant would be opened, and what its admin wrote."""
    return await _confirm(request, at, process)


@pages.act("/tenants/{process}/open", on="/tenants/{process}/open", out=("mode",))
async def begin(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Open a session, and lead to the way in."""
    speech = at.viewer.speech
    if fields.one("mode") not in list(Mode):
        said = speech.say(sentences.FIELDS["mode_missing"])
        return await _confirm(request, at, process, status=422, wrong={"mode": said})
    command = BeginSession(mode=Mode(fields.one("mode")))
    try:
        receipt = await RequestDesk(at.of_form(fields)).give(process, command, wait=True)
    except UnreachableError as away:
        said = sentences.away(away, speech)
        return await _confirm(request, at, process, status=503, said=said, typed=fields.typed)
    return RedirectResponse(f"/sessions/{UUID(receipt)}", 303)


@pages.page("/sessions/{process}")
async def session(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show an open session with its way in: an assertion that is good for five minutes."""
    opened, view = await _session(at, process)
    return way_in_page(
        request, at, "home/session.html", opened, view=view, live=f"session/{process}"
    )


@pages.act("/sessions/{process}/end", on="/sessions/{process}")
async def end(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Close a session."""
    found = await own(at, process)
    requests = RequestDesk(at.of_form(fields))
    await requests.give(found.process, EndSession(session=found.id), wait=True)
    return RedirectResponse("/?done=closed", 303)


def _is_open(state: TenantAccess, at: PortalDesk, moment: datetime) -> bool:
    me = at.viewer.person.id
    is_over = state.ends is not None and moment >= state.ends
    return state.status is Status.GRANTED and me not in state.finished and not is_over


async def _confirm(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    state, view = await RequestDesk(at).viewed(process)
    if at.viewer.person.id not in state.people:
        raise NotFoundError
    shown = {"view": view, "is_open": _is_open(state, at, now()), "said": None, "modes": list(Mode)}
    return page(request, "home/open.html", status=status, **{**shown, **facts})


async def _session(at: PortalDesk, wanted: UUID) -> tuple[OpenSession, RequestView]:
    """Return an open session of the viewer's that the gate lets in. Raises NotFoundError."""
    found = await own(at, wanted)
    state, view = await RequestDesk(at).viewed(found.process)
    opened = OpenSession(
        id=found.id,
        person=found.person,
        tenant=await let_in(at, found),
        mode=found.mode,
        ends_at=state.ends_at,
    )
    return opened, view


async def _pulse(at: PortalDesk, _key: str) -> str:
    me = PersonId(at.viewer.person.id)
    pulses = Pulses(at.engines)
    decided = await pulses.by_role(KIND, me, Role.TENANT_ADMIN, "tenant_id")
    others = await Waiting(at.engines).pulse(me)
    return f"{await pulses.named(KIND, me)} {decided} {others}"


async def _pulse_of_session(at: PortalDesk, key: str) -> str:
    """Change when the way in should be renewed; whoever may not enter any more hears nothing."""
    opened, _ = await _session(at, process_id(key))
    return pulse_of(opened)


FAMILY = Family(
    pages,
    entries=(Entry("/", N_("My tenants"), lambda _viewer: True),),
    pulses={"tenants": _pulse, "session": _pulse_of_session},
)
