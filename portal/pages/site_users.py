"""The page of one site for its contacts: its users with their privileges, and adding another."""

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.addresses import address
from approvals.commands import Command
from approvals.errors import NotAuthorisedError
from approvals.people import Directory, PersonId, Site
from approvals.site_access.authority import DECIDER, deciders
from approvals.site_access.commands import Add
from approvals.site_access.privileges import LEAST, levels_of
from approvals.site_access.record import Status
from approvals.transition import Membership
from portal import levels
from portal.acts import Reading, Sheet, kept, opened, take
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Family, Pages, slug_of
from portal.languages import LANGUAGES, Speech
from portal.render import page
from portal.vocabulary import AREAS
from starter.sites import SiteDesk

pages = Pages()
Place = tuple[Site, Directory, tuple[Membership, ...]]
NAMES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}


@pages.page("/sites/{site}/users")
async def show(request: Request, at: AtDesk, site: str) -> Response:
    """Show who uses a site with which privileges, and who asks to."""
    return await users_page(request, at, site, **kept(request, at))


@pages.act("/sites/{site}/add", on="/sites/{site}/users")
async def add(request: Request, at: AtDesk, fields: Posted, site: str) -> Response:
    """Let somebody in who need not have asked, known here or not."""
    desk = SiteDesk(at)
    place, directory, memberships = await managed(desk, site)
    if desk.viewer not in deciders(place.id, directory, memberships):
        raise NotAuthorisedError("decide about access to this site", DECIDER)
    show = partial(users_page, request, at, site)
    sheet = Sheet(f"/sites/{site}/users", show, SiteDesk, group=place.id)
    typed = {**fields.typed, "form": ["add"]}
    read = Reading(fields, at.viewer.speech)
    email = read.checked("email", address, fields.one("email").strip())
    if email is None:
        return await users_page(request, at, site, status=422, wrong=read.wrong, typed=typed)
    _, process, known = await desk.newcomer(site, email)

    def build(reading: Reading) -> Command | None:
        said = {
            "site": site,
            "email": email if known is None else known.email,
            "name": reading.fields.one("name") if known is None else known.name,
            "locale": reading.fields.one("locale") or "en",
        }
        return reading.command(Add, {**said, **levels.given(reading.fields)})

    return await take(
        at, fields, sheet, "add", process, build,
        goal=lambda _: f"/sites/{process}?done=add",
    )  # fmt: skip


async def managed(desk: SiteDesk, named: str) -> Place:
    """Return the site of an address, if the viewer may see its users. Raises NotFoundError."""
    return await desk.managed(slug_of(named))


async def users_page(
    request: Request, at: PortalDesk, named: str, *, status: int = 200, **facts: Any
) -> Response:
    """Render a site's users. *facts* are what a form that was not taken adds."""
    desk, speech = SiteDesk(at), at.viewer.speech
    site, directory, memberships = await managed(desk, named)
    own = levels_of(desk.viewer, site.id, directory, memberships)
    asked = await at.sites.requests([site.id], [Status.ASKED.value])
    shown = {
        **opened(request, at),
        "site": site,
        "users": await matrix(desk, site, memberships, speech),
        "areas": [speech.say(one) for one in AREAS.values()],
        "asked": await desk.views(asked) if asked else [],
        "may_decide": desk.viewer in deciders(site.id, directory, memberships),
        "choices": levels.choices(own or LEAST, {}, speech, is_contact=True),
        "languages": [(one, NAMES[one]) for one in LANGUAGES],
        "live": "sites",
    }
    return page(request, "sites/users.html", status=status, **{**shown, **facts})


async def matrix(
    desk: SiteDesk, site: Site, memberships: tuple[Membership, ...], speech: Speech
) -> list[tuple[Any, list[tuple[str, str, bool]], UUID | None]]:
    """Return each user, their level in every area, and the process of their access, if any."""
    accesses = {one.person: one.process for one in memberships if one.site == site.id}
    return [
        (one, levels.held(one.privileges, speech), accesses.get(PersonId(one.person)))
        for one in await desk.users(site.slug)
    ]


FAMILY = Family(pages)
