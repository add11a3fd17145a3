"""Access to sites: the viewer's own, asking for it, and one person's access in full."""

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.commands import Command
from approvals.errors import FieldError, NotFoundError
from approvals.people import Directory, Role, Site
from approvals.site_access import commands as say
from approvals.site_access.authority import deciders, is_contact
from approvals.site_access.privileges import LEAST, levels_of
from approvals.site_access.record import SiteAccess, Status, process_id_of
from approvals.site_access.views import AccessView
from approvals.slugs import slug
from approvals.transition import Membership
from portal import levels, pulses, sentences
from portal.acts import Act, Reading, Sheet, kept, opened, route, take
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process, slug_of
from portal.languages import N_, Speech
from portal.lists import PAGE, cut, last
from portal.render import page
from starter.sites import SiteDesk
from starter.times import now

pages = Pages()
TOLD = {
    "ask": N_("Your request is sent. The contacts of the site get a mail."),
    "grant": N_("Access is granted. The person gets a mail."),
    "deny": N_("The request is denied. The person gets a mail with your reason."),
    "withdraw": N_("Your request is withdrawn."),
    "add": N_("The user is added, and gets a welcome mail."),
    "change_privileges": N_("The privileges are changed. The person gets a mail."),
    "remove": N_("The access has ended. The person gets a mail."),
}
ACTS = {
    "grant": Act(say.Grant, texts=("message",), reads=levels.given),
    "deny": Act(say.Deny, texts=("reason",)),
    "withdraw": Act(say.Withdraw),
    "change_privileges": Act(say.ChangePrivileges, reads=levels.given),
    "remove": Act(say.Remove, texts=("message",)),
}
NO_SITE = N_("There is no site of that name.")
FIRST = 50  # requests whose changes a list follows


@pages.page("/sites")
async def listed(request: Request, at: AtDesk, site: str = "") -> Response:
    """List the sites that the viewer has a part in, and who asks for access to them.

    *site* is the one for which somebody came, who has still to ask.
    """
    came = {"form": ["ask"], "site": [site[:63]]} if site else {}
    before = kept(request, at)
    return await sites_page(request, at, **before if before["is_kept"] else {"typed": came})


@pages.act("/sites/ask", on="/sites")
async def ask(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Ask the contacts of a site for access, for oneself."""
    desk, named = SiteDesk(at), fields.one("site").strip()
    typed = {**fields.typed, "form": ["ask"]}
    try:
        site, _, _ = await desk.place(slug(named))
    except (FieldError, NotFoundError):
        wrong = {"site": at.viewer.speech.say(NO_SITE)}
        return await sites_page(request, at, status=422, wrong=wrong, typed=typed)
    process = process_id_of(site.id, desk.viewer)
    sheet = Sheet("/sites", partial(sites_page, request, at), SiteDesk, group=site.id)

    def build(read: Reading) -> Command | None:
        return read.command(say.Ask, {"site": site.slug, "message": read.fields.one("message")})

    return await take(
        at, fields, sheet, "ask", process, build,
        goal=lambda _: f"/sites/{process}?done=ask",
    )  # fmt: skip


@pages.page("/sites/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show one person's access to a site, and what the viewer may do with it."""
    return await access_page(request, at, process, **kept(request, at))


async def _sheet(request: Request, at: PortalDesk, process: UUID) -> Sheet:
    await SiteDesk(at).viewed(process)
    show, seen = partial(access_page, request, at, process), partial(_seen_now, at, process)
    return Sheet(f"/sites/{process}", show, SiteDesk, seen)


route(pages, "sites", ACTS, _sheet)


async def sites_page(
    request: Request, at: PortalDesk, *, status: int = 200, **facts: Any
) -> Response:
    """Render the viewer's sites. *facts* are what a form that was not taken adds."""
    desk, query = SiteDesk(at), request.query_params
    ids = await desk.overseen()
    waiting = [Status.ASKED.value]
    before, after = last(query.get("asked", "")), query.get("after", "")
    asked, end = cut(await at.sites.requests(ids, waiting, PAGE + 1, before) if ids else [])
    sites, end_of_sites = cut(await desk.listed(PAGE + 1, slug_of(after) if after else None))
    shown = {
        **opened(request, at),
        "sites": sites,
        "following": None if end_of_sites is None else end_of_sites.site,
        "is_first": not after,
        "asked": await desk.views(asked) if asked else [],
        "following_asked": None if end is None else end.process_id,
        "is_first_asked": before is None,
        "live": "sites",
    }
    return page(request, "sites/list.html", status=status, **{**shown, **facts})


async def access_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render one person's access. *facts* are what a form that was not taken adds."""
    desk, speech = SiteDesk(at), at.viewer.speech
    state, view = await desk.viewed(process)
    site, directory, memberships = await desk.place(view.site, state.person)
    own = levels_of(desk.viewer, site.id, directory, memberships)
    shown = {
        **opened(request, at, TOLD),
        "view": view,
        "timeline": await desk.timeline(process),
        "acts": _acts(state, site, directory, memberships, desk),
        "facts": seen_of(view, speech),
        "held": levels.held(view.privileges, speech),
        "choices": levels.choices(
            own or LEAST,
            view.privileges if state.status is Status.MEMBER else {},
            speech,
            is_contact=is_contact(state.person, site.id, directory),
        ),
        "is_mine": state.person == desk.viewer,
        "is_of_contacts": is_contact(desk.viewer, site.id, directory),
        "live": f"site/{process}",
    }
    return page(request, "sites/one.html", status=status, **{**shown, **facts})


def _acts(
    state: SiteAccess,
    site: Site,
    directory: Directory,
    memberships: tuple[Membership, ...],
    desk: SiteDesk,
) -> frozenset[str]:
    """Return what may be offered to the viewer; the door judges it again, with all its rules."""
    is_asked = state.status is Status.ASKED and state.due_at is not None and now() < state.due_at
    if state.person == desk.viewer:
        is_free = state.is_closed and not directory.holds(
            desk.viewer, Role.PRIMARY_CONTACT, site.id
        )
        return frozenset({"withdraw"} if is_asked else {"ask"} if is_free else ())
    if desk.viewer not in deciders(site.id, directory, memberships):
        return frozenset()
    if is_asked:
        return frozenset({"grant", "deny"})
    return frozenset({"change_privileges", "remove"} if state.status is Status.MEMBER else {"add"})


def seen_of(view: AccessView, speech: Speech) -> dict[str, str]:
    """Return the facts on which a decision about somebody's access rests, each on one line."""
    words = [
        f"{area} {level}" for area, level, is_none in levels.held(view.privileges, speech)
        if not is_none
    ]  # fmt: skip
    facts = {
        N_("Status"): sentences.status(view.status, speech),
        N_("Message"): view.message or "",
        N_("Decide by"): "" if view.due_at is None else speech.absolute(view.due_at),
        N_("Privileges"): ", ".join(words) if view.privileges else "",
    }
    return {speech.say(label): " ".join(text.split()) for label, text in facts.items()}


async def _seen_now(at: PortalDesk, process: UUID) -> dict[str, str]:
    _, view = await SiteDesk(at).viewed(process)
    return seen_of(view, at.viewer.speech)


async def _pulse_of_list(at: PortalDesk, _key: str) -> str:
    desk = SiteDesk(at)
    own = await at.sites.own(desk.viewer)
    asked = await at.sites.requests(await desk.overseen(), [], FIRST)
    return " ".join(f"{one.process_id}.{one.version}" for one in (*own, *asked))


FAMILY = Family(
    pages,
    entries=(Entry("/sites", N_("Sites"), lambda one: True),),
    pulses={"site": pulses.of_process(SiteDesk), "sites": _pulse_of_list},
)
