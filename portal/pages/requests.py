"""Requests for access: those to decide on, those that were sent, and one in full."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.people import PersonId, Role
from approvals.tenant_access.record import KIND, Status, TenantAccess
from approvals.tenant_access.views import RequestView
from portal import ends, sign_ins
from portal.auth import Viewer
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process, process_id
from portal.languages import N_
from portal.lists import PAGE, listed, place
from portal.render import page
from starter.requests import RequestDesk
from starter.times import now
from store.pulses import Pulses

pages = Pages()
INCOMING = Entry("/requests/incoming", N_("To decide"), lambda one: one.has(Role.TENANT_ADMIN))
OUTGOING = Entry("/requests/outgoing", N_("Sent requests"), lambda one: one.has(Role.TM_ADMIN))
MINE = Entry("/", N_("My tenants"), lambda _viewer: True)


@pages.page("/requests/incoming")
async def incoming(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the requests to the viewer's tenants."""
    wanted = _statuses(status)
    found = await at.inbox.incoming(at.viewer.person.id, wanted, PAGE + 1, place(after))
    return await _listed(request, at, "requests/incoming.html", found, status)


@pages.page("/requests/outgoing")
async def outgoing(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the requests that the viewer's organization sent."""
    wanted = _statuses(status)
    found = await at.inbox.outgoing(at.viewer.person.id, wanted, PAGE + 1, place(after))
    return await _listed(request, at, "requests/outgoing.html", found, status)


@pages.page("/requests/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show one request, and what its viewer may do with it."""
    typed = sign_ins.kept(at.parts, at.viewer, request.url.path)
    return await request_page(request, at, process, typed=typed, is_kept=bool(typed))


async def request_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render one request. *facts* are what a form that was not taken adds: wrong, typed, said."""
    requests = RequestDesk(at)
    state, view, directory = await requests.viewed(process)
    _, timeline = await requests.timeline(process)
    tenant_zone = await requests.zone_of(state)
    ends_at = None if view.ends_at is None else view.ends_at.astimezone(tenant_zone)
    shown = {
        "view": view,
        "state": state,
        "timeline": timeline,
        "acts": acts(state, at.viewer),
        "back": _back(state, at.viewer),
        "choices": ends.choices(state.policy),
        "policy": state.policy,
        "tenant_zone": tenant_zone.key,
        "is_named": at.viewer.person.id in state.people,
        "today": datetime.now(tenant_zone).date(),
        "tenant_day": "" if ends_at is None else f"{ends_at:%Y-%m-%d}",
        "tenant_hour": "" if ends_at is None else f"{ends_at:%H:%M}",
        "is_recent": at.viewer.is_recent(now()),
        "live": f"request/{process}",
        "closed_by": None if state.closed_by is None else directory.name_of(state.closed_by),
        "said": None,
        "difference": (),
        "is_kept": False,
    }
    return page(request, "requests/one.html", status=status, **{**shown, **facts})


def acts(state: TenantAccess, viewer: Viewer) -> frozenset[str]:
    """Return what may be offered to a viewer; the door judges it again, with all its rules."""
    me, roles = viewer.person.id, viewer.directory
    is_party = me == state.requester or me in state.people
    is_admin = roles.holds(me, Role.TENANT_ADMIN, state.tenant) and not is_party
    is_asker = roles.holds(me, Role.TM_ADMIN, state.organization)
    is_inside = me in state.people and me not in state.finished
    is_over = state.ends is not None and now() >= state.ends
    offered: set[str] = set()
    if state.status is Status.PENDING and not is_over:
        offered |= {"grant", "deny"} if is_admin else set()
        offered |= {"withdraw"} if is_asker else set()
    if state.status is Status.GRANTED and not is_over:
        offered |= {"change_end", "revoke"} if is_admin else set()
        offered |= {"finish_all"} if is_asker else set()
        offered |= {"open", "finish"} if is_inside else set()
    return frozenset(offered)


def _back(state: TenantAccess, viewer: Viewer) -> Entry:
    """Return the list in which a viewer finds a request."""
    holds = viewer.directory.holds
    if holds(viewer.person.id, Role.TENANT_ADMIN, state.tenant):
        return INCOMING
    return OUTGOING if holds(viewer.person.id, Role.TM_ADMIN, state.organization) else MINE


async def _listed(
    request: Request, at: PortalDesk, template: str, found: Sequence[TenantAccess], status: str
) -> Response:
    shown = listed(found)
    views: list[RequestView] = await RequestDesk(at).views(shown.rows) if shown.rows else []
    return page(
        request,
        template,
        views=views,
        statuses=list(Status),
        status_chosen=status if status in list(Status) else "",
        following=shown.following,
        is_first="after" not in request.query_params,
        live=template.removeprefix("requests/").removesuffix(".html"),
    )


def _statuses(said: str) -> list[str]:
    return [said] if said in list(Status) else []


async def _pulse_of_one(at: PortalDesk, key: str) -> str:
    process = process_id(key)
    await RequestDesk(at).viewed(process)  # whoever may not see it any more hears nothing
    return await Pulses(at.engines).of_process(process)


async def _pulse_of_incoming(at: PortalDesk, _key: str) -> str:
    viewer = PersonId(at.viewer.person.id)
    return await Pulses(at.engines).by_role(KIND, viewer, Role.TENANT_ADMIN, "tenant_id")


async def _pulse_of_outgoing(at: PortalDesk, _key: str) -> str:
    viewer = PersonId(at.viewer.person.id)
    return await Pulses(at.engines).by_role(KIND, viewer, Role.TM_ADMIN, "organization_id")


FAMILY = Family(
    pages,
    entries=(INCOMING, OUTGOING),
    pulses={
        "request": _pulse_of_one,
        "incoming": _pulse_of_incoming,
        "outgoing": _pulse_of_outgoing,
    },
)
