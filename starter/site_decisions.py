"""The commands on somebody's access to a site: grant, deny, withdraw, add, change, remove."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import typer

from approvals.directory_forms import locale as checked_locale
from approvals.errors import NotFoundError
from approvals.site_access.commands import (
    Add,
    ChangePrivileges,
    Deny,
    Grant,
    Remove,
    Withdraw,
)
from approvals.site_access.privileges import Area, Level, Privileges
from approvals.site_access.record import Status
from approvals.slugs import slug
from approvals.texts import display_name
from starter.console import UsageError, runs, status
from starter.desk import desk
from starter.giving import How, HowSent, give
from starter.options import Message, Request, Why, WhyFile
from starter.sites import SiteDesk, given, words
from starter.typed import checked, message_from, reason_from

SiteSlug = Annotated[str, typer.Argument(metavar="SITE", help="The site's slug.")]
User = Annotated[str, typer.Argument(metavar="ADDRESS", help="The user's e-mail address.")]
Named = Annotated[
    str, typer.Argument(metavar="NAME", help="A request's id, or a site's slug for your own.")
]
Typed = Annotated[
    list[str] | None,
    typer.Option(
        "--privilege", "-p", metavar="AREA=LEVEL", help="May be repeated; see `site areas`."
    ),
]


@runs
async def grant(
    request: Request, privilege: Typed = None, message: Message = None, *, how: How
) -> None:
    """Let the person who asks in, with privileges that you choose."""
    levels, text = given(privilege or []), message_from(message, None)
    async with desk() as at:
        sites = SiteDesk(at)
        _, view = await sites.viewed(request)
        status(f"Grants {view.person} access to {view.site_name}: {_said(levels)}.")
        command = Grant(privileges=levels, message=text, shown=view.shown)
        await give(sites, request, command, how)


@runs
async def deny(
    request: Request, reason: Why = None, reason_file: WhyFile = None, *, how: How
) -> None:
    """Refuse a request, with a reason that the person will read."""
    why = reason_from(reason, reason_file, "denying this request")
    async with desk() as at:
        sites = SiteDesk(at)
        _, view = await sites.viewed(request)
        status(f"Refuses {view.person} access to {view.site_name}.")
        command = Deny(reason=why, shown=view.shown)
        await give(sites, request, command, how)


@runs
async def withdraw(name: Named, how: How) -> None:
    """Take back your request that nobody has decided yet."""
    async with desk() as at:
        sites = SiteDesk(at)
        process = await sites.meant(name)
        await give(sites, process, Withdraw(), how)


@runs
async def add(
    site: SiteSlug,
    user: User,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Their name, if they are new here.")
    ] = None,
    locale: Annotated[
        str, typer.Option(metavar="LANGUAGE", help="Their language, if they are new here.")
    ] = "en",
    privilege: Typed = None,
    *,
    how: HowSent,
) -> None:
    """Let somebody in without being asked; they get a welcome mail. While they ask, it grants."""
    levels = given(privilege or [])
    tongue = checked("--locale", checked_locale, locale)
    async with desk() as at:
        sites = SiteDesk(at)
        found, process, known = await sites.newcomer(checked("SITE", slug, site), user)
        if known is None and name is None:
            raise UsageError(f"{user} is new here: give --name.")
        called = known.name if known else checked("--name", display_name, name)
        email = known.email if known else user
        status(f"Adds {called} to {found.name}: {_said(levels)}.")
        command = Add(
            site=found.slug, email=email, name=called, locale=tongue, privileges=levels,
            shown=await _asked(sites, process),
        )  # fmt: skip
        await give(sites, process, command, how, group=found.id)


async def _asked(sites: SiteDesk, process: UUID) -> str | None:
    """Show the request that waits, if one does; return the digest of what was shown."""
    try:
        state, view = await sites.viewed(process)
    except NotFoundError:
        return None
    if state.status is not Status.ASKED:
        return None
    status(f"{view.person} asks for access: {view.message or 'no message'}")
    return view.shown


@runs
async def change(site: SiteSlug, user: User, privilege: Typed = None, *, how: How) -> None:
    """Change a user's privileges, all at once; areas that you do not name stay as they are."""
    async with desk() as at:
        sites = SiteDesk(at)
        process = await sites.of_user(site, user)
        _, view = await sites.viewed(process)
        before = {Area(area): Level(level) for area, level in view.privileges.items()}
        levels = given(privilege or [], before)
        status(f"{view.person} at {view.site_name}: {_said(levels)}.")
        command = ChangePrivileges(privileges=levels, shown=view.shown)
        await give(sites, process, command, how)


@runs
async def remove(site: SiteSlug, user: User, message: Message = None, *, how: How) -> None:
    """End a user's access at once; they are told."""
    text = message_from(message, None)
    async with desk() as at:
        sites = SiteDesk(at)
        process = await sites.of_user(site, user)
        _, view = await sites.viewed(process)
        status(f"Ends access of {view.person} to {view.site_name}.")
        command = Remove(message=text, shown=view.shown)
        await give(sites, process, command, how)


COMMANDS: tuple[Callable[..., Any], ...] = (grant, deny, withdraw, add, change, remove)


def _said(levels: Privileges) -> str:
    return words({area.value: level.value for area, level in levels.items()})
