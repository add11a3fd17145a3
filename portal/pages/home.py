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
from portal.families import Entry, Family, Pages, Process
from portal.languages import N_
from portal.render import page
from starter.client import UNKNOWN, UnreachableError
from starter.requests import RequestDesk
from starter.times import now
from store.pulses import Pulses

pages = Pages()
WAITING = 100  # so many decisions are counted; more are "100 and more"


@pages.page("/")
async def home(request: Request, at: AtDesk, status: str = "") -> Response:
    """List the tenants that the viewer was named for."""
    return await _home(request, at, status)


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
        receipt = await RequestDesk(at.of_form(fields.nonce)).give(process, command, wait=True)
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
    )


@pages.act("/sessions/{process}/end")
async def end(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Close a session."""
    found = await _own(at, process)
    requests = RequestDesk(at.of_form(fields.nonce))
    await requests.give(found.process, EndSession(session=found.id), wait=True)
    return RedirectResponse("/?done=closed", 303)


async def _home(request: Request, at: PortalDesk, status: str) -> Response:
    wanted = [status] if status in list(Status) else []
    me = at.viewer.person.id
    states = await at.inbox.named(me, wanted)
    views = await RequestDesk(at).views(states) if states else []
    names = {state.process_id: view.tenant_name for state, view in zip(states, views, strict=True)}
    opened = [one for one in await at.inbox.sessions(me) if one.process in names]
    waiting = 0
    if at.viewer.has(Role.TENANT_ADMIN):
        waiting = len(await at.inbox.incoming(me, [Status.PENDING], WAITING))
    moment = now()
    return page(
        request,
        "home/tenants.html",
        rows=[
            (view, _is_open(state, at, moment)) for state, view in zip(states, views, strict=True)
        ],
        sessions=[(one, names[one.process]) for one in opened],
        waiting=waiting,
        statuses=list(Status),
        status_chosen=status if wanted else "",
        live="tenants",
    )


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
    decision = await at.gate.check(found.person, found.tenant, found.mode)
    if not decision.is_open:
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
    return f"{await pulses.named(KIND, me)} {decided}"


FAMILY = Family(
    pages,
    entries=(Entry("/", N_("My tenants"), lambda _viewer: True),),
    pulses={"tenants": _pulse},
)
