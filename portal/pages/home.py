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
from approvals.transition import Session
from identity import assertions
from identity.assertions import OpenSession
from portal import guard, sentences
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process, process_id
from portal.languages import N_
from portal.lists import PAGE, listed, place
from portal.render import page
from portal.visits import visits
from portal.waiting import waits
from starter.client import UNKNOWN, UnreachableError
from starter.requests import RequestDesk
from starter.times import now
from store.pulses import Pulses
from store.waiting import Waiting

pages = Pages()
RENEWED = 120  # seconds between two ways into an open session, each good for five minutes
WAITING = 100  # so many decisions are counted; the page says "100 or more" then


@pages.page("/")
async def home(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the tenants that the viewer was named for, and their open sessions."""
    chosen = status if status in list(Status) else ""
    me = at.viewer.person.id
    wanted = [chosen] if chosen else []
    shown = listed(await at.inbox.named(me, wanted, PAGE + 1, place(after)))
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
        statuses=list(Status),
        status_chosen=chosen,
        following=shown.following,
        is_first=not after,
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


@pages.act("/tenants/{process}/open")
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
        code = "unknown_outcome" if str(away) == UNKNOWN else "unreachable"
        said = speech.say(sentences.REFUSALS[code])
        return await _confirm(request, at, process, status=503, said=said, typed=fields.typed)
    return RedirectResponse(f"/sessions/{UUID(receipt)}", 303)


@pages.page("/sessions/{process}")
async def session(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show an open session with its way in: an assertion that is good for five minutes."""
    opened, view = await _session(at, process)
    moment = now()
    token = assertions.minted(opened, at.parts.keys.assertions, at.settings.issuer, moment)
    ends_at = moment + assertions.LIFE
    target = at.settings.target_url
    if target is not None:
        request.scope[guard.TARGET] = guard.origin_of(target)
    return page(
        request,
        "home/session.html",
        view=view,
        session=opened,
        assertion=token,
        good_until=ends_at if opened.ends_at is None else min(ends_at, opened.ends_at),
        target=target,
        live=f"session/{process}",
    )


@pages.act("/sessions/{process}/end")
async def end(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Close a session."""
    found = await _own(at, process)
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
    state, view, _ = await RequestDesk(at).viewed(process)
    if at.viewer.person.id not in state.people:
        raise NotFoundError
    shown = {"view": view, "is_open": _is_open(state, at, now()), "said": None, "modes": list(Mode)}
    return page(request, "home/open.html", status=status, **{**shown, **facts})


async def _own(at: PortalDesk, wanted: UUID) -> Session:
    mine = await at.inbox.sessions(at.viewer.person.id)
    found = next((one for one in mine if one.id == wanted), None)
    if found is None:
        raise NotFoundError
    return found


async def _session(at: PortalDesk, wanted: UUID) -> tuple[OpenSession, RequestView]:
    """Return an open session of the viewer's that the gate lets in. Raises NotFoundError."""
    found = await _own(at, wanted)
    state, view, _ = await RequestDesk(at).viewed(found.process)
    if found.tenant is None:
        raise NotFoundError
    if not (await at.gate.check_session(found)).is_open:
        raise NotFoundError
    opened = OpenSession(
        id=found.id,
        person=found.person,
        tenant=found.tenant,
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
    return f"{opened.id} {int(now().timestamp() // RENEWED)}"


FAMILY = Family(
    pages,
    entries=(Entry("/", N_("My tenants"), lambda _viewer: True),),
    pulses={"tenants": _pulse, "session": _pulse_of_session},
)
