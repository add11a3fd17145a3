"""What people do with a pairing: offer it, answer it, give roles, consent, record, enter."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from fastapi import Request
from fastapi.responses import Response

from approvals.commands import Command
from approvals.errors import NotAuthorisedError, NotFoundError, RateLimitedError
from approvals.pairing import commands as say
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.record import Pairing, process_id_of
from approvals.people import Role
from approvals.transition import Session
from identity.assertions import OpenSession
from identity.enrolment import proof_of_link
from portal import cookies, guard
from portal.acts import Act, Reading, Sheet, kept, opened, route, take
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Family, Pages, Process, process_id
from portal.pages.pairings import link_page, pairing_page, seen_of
from portal.render import page
from portal.way_in import let_in, own, pulse_of, way_in_page
from starter.pairing_desk import PairingDesk, token_in
from starter.pairing_visits import limits
from store.candidates import Candidates

pages = Pages()
ACTS = {
    "reissue": Act(say.Reissue),
    "withdraw": Act(say.Withdraw),
    "decline": Act(say.Decline, texts=("reason",)),
    "assign_roles": Act(say.AssignRoles, lists=("roles",), choices=("person",)),
    "remove_roles": Act(say.RemoveRoles, lists=("roles",), item="person"),
    "define_role": Act(say.DefineRole, texts=("name",), lists=("permissions",)),
    "drop_role": Act(say.DropRole, item="name"),
    "ask_roles": Act(say.AskRoles, texts=("reason",), lists=("roles",), choices=("person",)),
    "decline_roles": Act(say.DeclineRoles, texts=("reason",), item="ask"),
    "suspend": Act(say.Suspend, texts=("message",)),
    "resume": Act(say.Resume),
    "revoke": Act(say.Revoke, texts=("reason",)),
    "add_clone": Act(say.AddClone),
    "remove_clone": Act(say.RemoveClone, item="clone"),
    "ask_consent": Act(say.AskConsent, texts=("what",)),
    "consent": Act(say.GiveConsent, item="consent"),
    "refuse": Act(say.RefuseConsent, texts=("reason",), item="consent"),
    "record_change": Act(
        say.RecordChange, texts=("what",), choices=("consent",), marks=("is_disruptive",)
    ),
    "record_revert": Act(say.RecordRevert, texts=("note",), item="change"),
    "begin_session": Act(
        say.BeginSession,
        texts=("mode",),
        marks=("as_clone",),
        goal=lambda process, made: f"/pairings/{process}/sessions/{UUID(made)}",
    ),
    "end_session": Act(say.EndSession, item="session"),
}


@pages.page("/pairings/new")
async def ask(request: Request, at: AtDesk) -> Response:
    """Show the form of an offer."""
    return await _offer_page(request, at, **kept(request, at))


@pages.act("/pairings/new", on="/pairings/new", form="offer")
async def offer(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Offer a pairing. The form's number makes the batch: twice is once."""
    _require_agent(at)
    batch = uuid5(at.viewer.person.id, fields.nonce)
    process = process_id_of(batch, fields.one("tenant"))
    sheet = Sheet("/pairings/new", partial(_offer_page, request, at), PairingDesk)

    def build(read: Reading) -> Command | None:
        said = {name: read.fields.one(name) for name in ("tenant", "group", "message")}
        return read.command(say.Offer, {"batch": batch, **said})

    return await take(
        at, fields, sheet, "offer", process, build, goal=lambda _: f"/pairings/{process}?done=offer"
    )


@pages.act("/pairings/{process}/accept", on="/pairings/{process}/link")
async def accept(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Take an offer by its link, from the page to which the link leads."""
    rates, here = at.parts.rates, guard.address(request.scope)
    if rates.unknown_links.is_spent(here) or rates.unknown_links_of_all.is_spent("all"):
        raise RateLimitedError.in_seconds(60)
    token = token_in(cookies.offer(request, at.parts, process))
    await link_page(request, at, process)  # whoever may not accept it is refused here
    sheet = Sheet(
        f"/pairings/{process}/link",
        partial(link_page, request, at, process),
        PairingDesk,
        partial(_seen, at, process),
    )

    def build(read: Reading) -> Command | None:
        return read.command(say.Accept, {"proof": proof_of_link(process, token)})

    answer = await take(
        at, fields, sheet, "accept", process, build,
        goal=lambda _: f"/pairings/{process}?done=accept",
    )  # fmt: skip
    if answer.status_code == 404:  # the door knows no such link
        rates.unknown_links.wait(here)
        rates.unknown_links_of_all.wait("all")
    return answer


async def _sheet(request: Request, at: PortalDesk, process: UUID) -> Sheet:
    state, _ = await PairingDesk(at).viewed(process)
    show, seen = partial(pairing_page, request, at, process), partial(_seen, at, process)
    return Sheet(f"/pairings/{process}", show, PairingDesk, seen, state.tenant)


route(pages, "pairings", ACTS, _sheet)


@pages.page("/pairings/{process}/sessions/{session}")
async def way_in(request: Request, at: AtDesk, session: str, process: UUID = Process) -> Response:
    """Show an open session with its way in: an assertion that is good for five minutes."""
    state, view = await PairingDesk(at).viewed(process)
    opened = await _opened(at, state, await own(at, process_id(session)))
    live = f"pairing-session/{opened.id}"
    return way_in_page(request, at, "pairings/session.html", opened, view=view, live=live)


async def _opened(at: PortalDesk, state: Pairing, session: Session) -> OpenSession:
    """Return a session of a pairing that the gate lets in. Raises NotFoundError."""
    if session.process != state.process_id:
        raise NotFoundError
    return OpenSession(
        id=session.id,
        person=session.person,
        tenant=await let_in(at, session),
        mode=session.mode,
        ends_at=None,
        **limits(state, session),
    )


async def _offer_page(
    request: Request, at: PortalDesk, *, status: int = 200, **facts: Any
) -> Response:
    _require_agent(at)
    known, own = Candidates(at.engines), at.viewer.organization.id
    tenants, groups = await asyncio.gather(known.tenants(own), known.groups(own))
    shown: dict[str, Any] = {
        **opened(request, at),
        "tenants": [(one.key, one.name) for one in tenants],
        "groups": [(one.key, one.name) for one in groups],
    }
    return page(request, "pairings/new.html", status=status, **{**shown, **facts})


async def _seen(at: PortalDesk, process: UUID) -> dict[str, str]:
    try:
        _, view = await PairingDesk(at).viewed(process)
    except NotFoundError:
        raise LinkInvalidError from None
    return seen_of(view, at.viewer.speech)


def _require_agent(at: PortalDesk) -> None:
    if not at.viewer.has(Role.SUPPORT_AGENT):
        raise NotAuthorisedError("offer a pairing", "support_agent of your organization")


async def _pulse_of_session(at: PortalDesk, key: str) -> str:
    """Change when the way in should be renewed; whoever may not enter any more hears nothing."""
    found = await own(at, process_id(key))
    state, _ = await PairingDesk(at).viewed(found.process)
    return pulse_of(await _opened(at, state, found))


FAMILY = Family(pages, pulses={"pairing-session": _pulse_of_session})
