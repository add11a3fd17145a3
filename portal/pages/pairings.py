"""Pairings with support groups: the list, one in full, and the page of a mailed link."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import NotFoundError
from approvals.pairing.authority import has, is_member
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.record import JOINED, Pairing, Status
from approvals.pairing.views import PairingView, role_lines
from approvals.people import Directory, OrganizationKind, Role
from approvals.permissions import PERMISSIONS, permission_for
from approvals.sessions import Mode
from portal import cookies, pulses, sentences
from portal.acts import NOBODY, kept, opened
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process
from portal.languages import N_, Speech
from portal.lists import PAGE, Wanted, cut, last
from portal.parts import Parts
from portal.render import page
from portal.vocabulary import PERMISSIONS as MEANINGS
from starter.pairing_desk import PairingDesk, token_in
from starter.times import now

pages = Pages()
FIRST = 50  # pairings whose changes a list follows
TOLD = {
    "offer": N_("The pairing is offered. Whoever may accept it gets a mail with a link."),
    "reissue": N_("A new link is mailed. The older one works no more."),
    "withdraw": N_("The offer is withdrawn."),
    "accept": N_("You are paired. Assign roles now: without them nobody of the group gets in."),
    "decline": N_("The offer is declined. They get a mail with your reason."),
    "assign_roles": N_("The roles are assigned. The group gets a mail."),
    "remove_roles": N_("The roles are taken away."),
    "define_role": N_("The role is defined."),
    "drop_role": N_("The role is forgotten."),
    "ask_roles": N_("The roles are asked for. The customer gets a mail with your reason."),
    "decline_roles": N_("The roles are declined. Who asked gets a mail with your reason."),
    "suspend": N_("The pairing is suspended: nobody of the group gets in."),
    "resume": N_("The pairing is open again."),
    "revoke": N_("The pairing is revoked, for good."),
    "add_clone": N_("You are a cloned user now. The customer gets a mail."),
    "remove_clone": N_("The cloned user is removed."),
    "ask_consent": N_("The customer is asked for consent."),
    "consent": N_("You consented to this one change."),
    "refuse": N_("The change is refused. Who asked gets a mail with your reason."),
    "record_change": N_("The change is recorded. The customer gets a mail."),
    "record_revert": N_("The change is marked as undone. The customer gets a mail."),
    "end_session": N_("The session is closed."),
}


@pages.page("/pairings")
async def listed(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the pairings of the viewer's side, as support or as customer."""
    desk, wanted = PairingDesk(at), Wanted(Status, status, after)
    rows, end = cut(await at.pairings.of(desk.viewer, wanted.statuses, PAGE + 1, last(after)))
    return page(
        request,
        "pairings/list.html",
        views=await desk.views(rows),
        **wanted.shown(None if end is None else end.process_id),
        is_agent=at.viewer.has(Role.SUPPORT_AGENT),
        live="pairings",
    )


@pages.page("/pairings/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show one pairing, and what its viewer may do with it."""
    return await pairing_page(request, at, process, **kept(request, at))


@pages.page("/pairings/{process}/link")
async def link(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show the offer of the mailed link by which this browser came. Looking uses nothing up."""
    return await link_page(request, at, process, **kept(request, at))


@pages.page("/pairings/{process}/{token}")
async def mailed(request: Request, token: str, process: UUID = Process) -> Response:
    """Take the token of a mailed link out of the address, which browsers keep and show."""
    parts: Parts = request.app.state.parts
    answer = RedirectResponse(f"/pairings/{process}/link", 303)
    cookies.put_offer(answer, parts, process, token_in(token))
    return answer


async def pairing_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render one pairing. *facts* are what a form that was not taken adds."""
    desk, speech = PairingDesk(at), at.viewer.speech
    state, view = await desk.viewed(process)
    directory = await _group_of(desk, state)
    shown = {
        **opened(request, at, TOLD),
        "view": view,
        "state": state,
        "timeline": await desk.timeline(process),
        "acts": acts(state, directory, at),
        "facts": seen_of(view, speech),
        "role_choices": _role_choices(state),
        "permission_choices": [(name, name, text) for name, text in _meanings(speech).items()],
        "member_choices": _members(state, directory),
        "holders": [str(one.person or NOBODY) for one in state.assignments],
        "choices_of": [[(name, name, "") for name in one.roles] for one in state.assignments],
        "given_consents": [
            (one.id, one.what[:80]) for one in state.consents if one.answer == "given"
        ],
        "assigned_roles": {role for one in state.assignments for role in one.roles},
        "own_clone": state.clone_of(desk.viewer),
        "own_sessions": {one.id for one in state.sessions if one.person == desk.viewer},
        "modes": _modes(state, desk),
        "live": f"pairing/{process}",
    }
    return page(request, "pairings/one.html", status=status, **{**shown, **facts})


async def link_page(
    request: Request,
    at: PortalDesk,
    process: UUID,
    *,
    status: int = 200,
    **facts: Any,
) -> Response:
    """Render the offer of a link; whoever may not accept it gets the words of a wrong link."""
    token_in(cookies.offer(request, at.parts, process))
    desk = PairingDesk(at)
    try:
        state, view = await desk.viewed(process)
    except NotFoundError:
        raise LinkInvalidError from None
    _, directory = await desk.seen(process)
    if not has("pairing.authorize", desk.viewer, state.customer, directory):
        raise LinkInvalidError
    moment = now()
    shown = {
        **opened(request, at),
        "view": view,
        "is_open": state.status is Status.OFFERED and moment < state.due_at,
        "is_over": state.status in (Status.OFFERED, Status.LAPSED) and moment >= state.due_at,
        "used_at": state.link_used_at,
        "facts": seen_of(view, at.viewer.speech),
        "meanings": _meanings(at.viewer.speech),
    }
    answer = page(request, "pairings/link.html", status=status, **{**shown, **facts})
    cookies.renew_offer(request, answer, at.parts)
    return answer


def acts(state: Pairing, directory: Directory, at: PortalDesk) -> frozenset[str]:
    """Return what may be offered to the viewer; the door judges it again, with all its rules."""
    me = PairingDesk(at).viewer
    is_of_group = is_member(state, me, directory)
    is_vendor = is_of_group or me == state.requester
    may = {
        name: has(permission, me, state.customer, directory) and not is_vendor
        for name, permission in (
            ("decide", "pairing.authorize"),
            ("assign", "pairing.assign"),
            ("switch", "pairing.revoke"),
            ("consent", "consent.decide"),
        )
    }
    stands = _of_customer(state, may)
    if directory.holds(me, Role.SUPPORT_AGENT, state.vendor):
        stands |= _of_agent(state, is_of_group=is_of_group)
    if is_of_group and state.status is Status.ACTIVE and _modes(state, PairingDesk(at)):
        stands |= {"begin_session"}
    return frozenset(stands)


def _of_customer(state: Pairing, may: Mapping[str, bool]) -> set[str]:
    status, found = state.status, set[str]()
    is_open_to_roles = status in (Status.PAIRED, Status.ACTIVE)
    if may["decide"] and status is Status.OFFERED and now() < state.due_at:
        found |= {"decline"}
    if may["assign"] and status in JOINED:
        found |= {"define_role", "drop_role", "remove_roles", "remove_clone"}
    if may["assign"] and is_open_to_roles:
        found |= {"assign_roles", "decline_roles"}
    if may["switch"]:
        found |= {"suspend"} if status is Status.ACTIVE else set()
        found |= {"resume"} if status is Status.SUSPENDED else set()
        found |= {"revoke"} if status in JOINED else set()
    if may["consent"] and status is Status.ACTIVE:
        found |= {"consent"}
    if may["consent"] and status in JOINED:
        found |= {"refuse"}
    return found


def _of_agent(state: Pairing, *, is_of_group: bool) -> set[str]:
    status, found = state.status, set[str]()
    if status in (Status.OFFERED, Status.LAPSED):
        found |= {"reissue"}
    if status is Status.OFFERED and now() < state.due_at:
        found |= {"withdraw"}
    if status in (Status.PAIRED, Status.ACTIVE):
        found |= {"ask_roles"}
    if status in JOINED:
        found |= {"record_change"}
    if status is Status.ACTIVE:
        found |= {"ask_consent"} | ({"add_clone"} if is_of_group else set())
    return found


def seen_of(view: PairingView, speech: Speech) -> dict[str, str]:
    """Return the facts on which a decision about a pairing rests, each on one line."""
    waiting = [one for one in view.consents if one.answer in ("asked", "given")]
    facts = {
        N_("Status"): sentences.status(view.status, speech),
        N_("Roles"): "; ".join(f"{one.holder}: {', '.join(one.roles)}" for one in view.roles),
        N_("Roles of your own"): "; ".join(
            f"{one.name}: {', '.join(one.permissions)}" for one in view.own_roles
        ),
        N_("Asked for"): "; ".join(f"{one.holder}: {', '.join(one.roles)}" for one in view.asks),
        N_("Cloned users"): "; ".join(one.email for one in view.clones),
        N_("Changes that wait"): "; ".join(one.what for one in waiting),
        N_("The link ends"): speech.absolute(view.due_at),
    }
    return {speech.say(label): " ".join(text.split()) for label, text in facts.items()}


async def _group_of(desk: PairingDesk, state: Pairing) -> Directory:
    """Return the part of the directory that the pairing needs, with everybody of its group."""
    needed = desk.kind.needed(state, None)
    group = (await desk.directory(needed)).group(state.group)
    members = () if group is None else group.members
    return await desk.directory(needed.model_copy(update={"people": (*needed.people, *members)}))


def _meanings(speech: Speech) -> dict[str, str]:
    return {name: speech.say(MEANINGS.get(name, text)) for name, text in PERMISSIONS.items()}


def _members(state: Pairing, directory: Directory) -> list[tuple[UUID, str]]:
    group = directory.group(state.group)
    found = () if group is None else group.members
    named = [(one, directory.name_of(one)) for one in found if is_member(state, one, directory)]
    return sorted(named, key=lambda one: one[1])


def _role_choices(state: Pairing) -> list[tuple[str, str, str]]:
    return [(one.name, one.name, ", ".join(one.permissions)) for one in role_lines(state)]


def _modes(state: Pairing, desk: PairingDesk) -> list[Mode]:
    allowed = state.allowed(desk.viewer)
    return [one for one in Mode if permission_for(one.value) in allowed]


async def _pulse_of_list(at: PortalDesk, _key: str) -> str:
    found = await at.pairings.of(PairingDesk(at).viewer, (), FIRST)
    return " ".join(f"{one.process_id}.{one.version}" for one in found)


FAMILY = Family(
    pages,
    entries=(
        Entry(
            "/pairings",
            N_("Pairings"),
            lambda one: (
                one.organization.kind is OrganizationKind.VENDOR or one.has(Role.TRUST_ADMIN)
            ),
        ),
    ),
    pulses={"pairing": pulses.of_process(PairingDesk), "pairings": _pulse_of_list},
)
