"""Customers' access to the platform: the partner's switches, and the terms a customer accepts."""

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.commands import Command
from approvals.customer_access.authority import is_of_customer
from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.record import CustomerAccess, Status, process_id_of
from approvals.customer_access.views import CustomerView, ListedCustomer
from approvals.errors import FieldError
from approvals.people import Directory, OrganizationId, OrganizationKind, Role
from approvals.sessions import EndSession
from approvals.slugs import slug
from portal import pulses, sentences
from portal.acts import Act, Reading, Sheet, kept, opened, route, take
from portal.auth import Posted, Viewer
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process, slug_of
from portal.languages import N_, Speech
from portal.lists import PAGE, cut
from portal.render import page
from starter.customers import CustomerDesk
from store.customers import NEVER, Part

pages = Pages()
STATUSES = (NEVER, *(one.value for one in Status))
TOLD = {
    "enable": N_("The customer is switched on. Its people get a mail."),
    "disable": N_("The customer is switched off: its people cannot sign in to the platform."),
    "accept_terms": N_("The terms are accepted, for everybody of your organization."),
    "begin_session": N_("You are signed in to the platform, for at most 12 hours."),
    "end_session": N_("Your visit to the platform has ended."),
}
ACTS = {
    "disable": Act(Disable),
    "begin_session": Act(BeginSession),
    "end_session": Act(EndSession, item="session"),
}


@pages.page("/customers")
async def listed(
    request: Request,
    at: AtDesk,
    status: str = "",
    name: str = "",
    partner: str = "",
    after: str = "",
) -> Response:
    """List the partner's customers with switch and status; or the partners of a customer."""
    return await customers_page(request, at, chosen=status, name=name, partner=partner, after=after)


@pages.act("/customers/{partner}/{customer}/enable", on="/customers")
async def enable(
    request: Request, at: AtDesk, fields: Posted, partner: str, customer: str
) -> Response:
    """Switch a customer on, for the first time or again."""
    desk = CustomerDesk(at)
    first, second = await _place(desk, partner, customer)
    process = process_id_of(first, second)
    own = (await desk.own()).slug == partner
    sheet = Sheet(
        "/customers", lambda **facts: customers_page(request, at, partner=partner, **facts),
        CustomerDesk, group=second,
    )  # fmt: skip

    def build(read: Reading) -> Command | None:
        return read.command(Enable, {"customer": customer, "partner": None if own else partner})

    return await take(
        at, fields, sheet, "enable", process, build,
        goal=lambda _: f"/customers/{process}?done=enable",
    )  # fmt: skip


@pages.page("/customers/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show one customer's access, and what the viewer may do with it."""
    return await customer_page(request, at, process)


@pages.page("/customers/{process}/terms")
async def terms(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show the terms that a customer accepts."""
    return await terms_page(request, at, process, is_kept=kept(request, at)["is_kept"])


@pages.act("/customers/{process}/accept_terms", on="/customers/{process}/terms")
async def accept(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Accept the terms that were shown, for the viewer's organization."""
    await CustomerDesk(at).viewed(process)
    sheet = Sheet(
        f"/customers/{process}/terms", partial(terms_page, request, at, process), CustomerDesk,
        partial(_terms_seen, at, process),
    )  # fmt: skip
    return await take(
        at, fields, sheet, "accept_terms", process, lambda read: read.command(AcceptTerms, {}),
        goal=lambda _: f"/customers/{process}?done=accept_terms",
    )  # fmt: skip


async def _sheet(request: Request, at: PortalDesk, process: UUID) -> Sheet:
    await CustomerDesk(at).viewed(process)
    show = partial(customer_page, request, at, process)
    return Sheet(f"/customers/{process}", show, CustomerDesk)


route(pages, "customers", ACTS, _sheet)


async def customers_page(
    request: Request,
    at: PortalDesk,
    *,
    status: int = 200,
    chosen: str = "",
    name: str = "",
    partner: str = "",
    after: str = "",
    **facts: Any,
) -> Response:
    """Render the list. *chosen* is a status, *name* a part of a customer's name or slug."""
    desk, wrong = CustomerDesk(at), {}
    try:
        wanted = slug(partner) if partner else None
    except FieldError as broken:
        wanted, wrong = None, {"partner": sentences.of_field(broken, at.viewer.speech)}
    chosen = chosen if chosen in STATUSES else ""
    part = Part(chosen or None, None if name.strip() else PAGE + 1, _place_after(after))
    found = [one for one in await desk.listed(wanted, part) if _fits(one, name)]
    lines, end = cut(found)
    shown = {
        **opened(request, at),
        "lines": lines,
        "following": None if end is None else f"{end.partner}~{end.customer}",
        "is_first": not after,
        "is_any": bool(lines or chosen or name or after),
        "statuses": STATUSES,
        "status_chosen": chosen,
        "name": name,
        "partner": partner,
        "is_operator": at.viewer.has(Role.OPERATOR),
        "is_customer": at.viewer.organization.kind is OrganizationKind.CUSTOMER,
        "live": None if partner or name or chosen or after else "customers",
        "wrong": wrong,
    }
    return page(
        request, "customers/list.html", status=422 if wrong else status, **{**shown, **facts}
    )


async def customer_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render one customer's access. *facts* are what a form that was not taken adds."""
    desk = CustomerDesk(at)
    state, view = await desk.viewed(process)
    _, directory = await desk.seen(process)
    shown = {
        **opened(request, at, TOLD),
        "view": view,
        "timeline": await desk.timeline(process),
        "acts": _acts(state, view, at.viewer, directory),
        "live": f"customer/{process}",
    }
    return page(request, "customers/one.html", status=status, **{**shown, **facts})


async def terms_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render the terms of a pending customer."""
    desk = CustomerDesk(at)
    state, view = await desk.viewed(process)
    _, directory = await desk.seen(process)
    shown = {
        **opened(request, at),
        "view": view,
        "terms": desk.terms,
        "facts": _seen(view, at.viewer.speech),
        "may_accept": "accept_terms" in _acts(state, view, at.viewer, directory),
    }
    return page(request, "customers/terms.html", status=status, **{**shown, **facts})


def _acts(
    state: CustomerAccess, view: CustomerView, viewer: Viewer, directory: Directory
) -> frozenset[str]:
    """Return what may be offered to the viewer; the door judges it again, with all its rules."""
    me, found = viewer.person.id, set[str]()
    if directory.holds(me, Role.PARTNER_ADMIN, state.partner):
        found |= {"disable"} if state.is_on else {"enable"}
    if is_of_customer(state, me, directory):
        found |= {"accept_terms"} if state.status is Status.PENDING else set()
        found |= {"end_session"} if view.visit is not None else set()
        is_in = state.status is Status.ACCEPTED and view.visit is None
        found |= {"begin_session"} if is_in else set()
    return frozenset(found)


async def _place(
    desk: CustomerDesk, partner: str, customer: str
) -> tuple[OrganizationId, OrganizationId]:
    """Return the ids of a partner and a customer, by slugs of an address."""
    first, second = await desk.place(slug_of(customer), slug_of(partner), is_customer=True)
    return first.id, second.id


def _place_after(said: str) -> tuple[str, str] | None:
    """Read where a page of the list begins. Raises NotFoundError for what no page wrote."""
    partner, _, customer = said.partition("~")
    return (slug_of(partner), slug_of(customer)) if said else None


def _fits(one: ListedCustomer, name: str) -> bool:
    words = f"{one.customer_name} {one.customer} {one.partner_name} {one.partner}".casefold()
    return name.strip().casefold() in words


def _seen(view: CustomerView, speech: Speech) -> dict[str, str]:
    return {speech.say(N_("Version of the terms")): view.terms}


async def _terms_seen(at: PortalDesk, process: UUID) -> dict[str, str]:
    _, view = await CustomerDesk(at).viewed(process)
    return _seen(view, at.viewer.speech)


async def _pulse_of_list(at: PortalDesk, _key: str) -> str:
    found = await CustomerDesk(at).listed(None, Part(limit=PAGE))
    return " ".join(f"{one.partner}.{one.customer}.{one.status}" for one in found)


FAMILY = Family(
    pages,
    entries=(
        Entry(
            "/customers",
            N_("Customers"),
            lambda one: one.has(Role.PARTNER_ADMIN, Role.OPERATOR),
        ),
        Entry(
            "/customers",
            N_("Platform access"),
            lambda one: one.organization.kind is OrganizationKind.CUSTOMER,
        ),
    ),
    pulses={"customer": pulses.of_process(CustomerDesk), "customers": _pulse_of_list},
)
