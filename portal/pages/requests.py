"""Requests for access: those to decide on, those that were sent, and one in full."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.people import PersonId, Role
from approvals.tenant_access.record import KIND, Status, TenantAccess
from approvals.tenant_access.views import RequestView
from portal import ends, pulses, sentences
from portal.acts import kept, opened
from portal.auth import Viewer
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process
from portal.languages import N_, Speech
from portal.lists import PAGE, Wanted, listed, place
from portal.render import page
from starter.requests import RequestDesk
from starter.times import now
from store.pulses import Pulses

pages = Pages()
INCOMING = Entry("/requests/incoming", N_("To decide"), lambda one: one.has(Role.TENANT_ADMIN))
OUTGOING = Entry("/requests/outgoing", N_("Sent requests"), lambda one: one.has(Role.TM_ADMIN))
MINE = Entry("/", N_("My tenants"), lambda _viewer: True)
TOLD = {
    "grant": N_("Access is granted. The people named and who asked for them get a mail."),
    "deny": N_("The request is denied. Who asked gets a mail with your reason."),
    "change_end": N_("The end is changed. Everybody concerned gets a mail."),
    "revoke": N_("Access is revoked; nobody of this request gets in any more."),
    "withdraw": N_("The request is withdrawn. The admins of the tenant get a mail."),
    "finish": N_("Your access is given back."),
    "finish_all": N_("The access of everybody named is given back."),
}
Read = Callable[..., Awaitable[list[TenantAccess]]]  # one of the inbox's lists


@pages.page("/requests/incoming")
async def incoming(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the requests to the viewer's tenants."""
    return await _listed(request, at, "incoming", at.inbox.incoming, Wanted(Status, status, after))


@pages.page("/requests/outgoing")
async def outgoing(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the requests that the viewer's organization sent."""
    return await _listed(request, at, "outgoing", at.inbox.outgoing, Wanted(Status, status, after))


@pages.page("/requests/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show one request, and what its viewer may do with it."""
    return await request_page(request, at, process, **kept(request, at))


async def request_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render one request. *facts* are what a form that was not taken adds: wrong, typed, said."""
    desk = RequestDesk(at)
    state, view = await desk.viewed(process)
    _, directory = await desk.seen(process)
    tenant_zone = await desk.zone_of(state)
    ends_at = None if view.ends_at is None else view.ends_at.astimezone(tenant_zone)
    shown = {
        **opened(request, at, TOLD),
        "view": view,
        "state": state,
        "timeline": await desk.timeline(process),
        "facts": seen_of(view, at.viewer.speech),
        "acts": acts(state, at.viewer),
        "back": _back(state, at.viewer),
        "choices": ends.choices(state.policy),
        "policy": state.policy,
        "tenant_zone": tenant_zone.key,
        "is_named": at.viewer.person.id in state.people,
        "today": datetime.now(tenant_zone).date(),
        "tenant_day": "" if ends_at is None else f"{ends_at:%Y-%m-%d}",
        "tenant_hour": "" if ends_at is None else f"{ends_at:%H:%M}",
        "live": f"request/{process}",
        "closed_by": None if state.closed_by is None else directory.name_of(state.closed_by),
    }
    facts = {**shown, **facts, "in_english": None}  # the general sentences say enough here
    return page(request, "requests/one.html", status=status, **facts)


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


def seen_of(view: RequestView, speech: Speech) -> dict[str, str]:
    """Return the facts on which a decision about a request rests, each on one line."""
    no_end = speech.say(N_("no end date"))
    return {
        speech.say(N_("Status")): sentences.status(view.status, speech),
        speech.say(N_("Decide by")): speech.zoned(view.due_at),
        speech.say(N_("Ends")): no_end if view.ends_at is None else speech.zoned(view.ends_at),
    }


async def _listed(
    request: Request, at: PortalDesk, name: str, read: Read, wanted: Wanted
) -> Response:
    found = await read(at.viewer.person.id, wanted.statuses, PAGE + 1, place(wanted.after))
    shown = listed(found)
    views: list[RequestView] = await RequestDesk(at).views(shown.rows) if shown.rows else []
    return page(
        request,
        f"requests/{name}.html",
        views=views,
        **wanted.shown(shown.following),
        live=name,
    )


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
        "request": pulses.of_process(RequestDesk),
        "incoming": _pulse_of_incoming,
        "outgoing": _pulse_of_outgoing,
    },
)
