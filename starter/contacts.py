"""The contacts of sites from the command line; also `python -m starter.contacts`."""

from pathlib import Path
from typing import Annotated

import typer

from approvals.addresses import address
from approvals.commands import Command
from approvals.contacts.commands import (
    ConfirmReview,
    MoveReview,
    SaveContacts,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from starter import showing
from starter.console import UsageError, command_group, print_json, runs, status
from starter.desk import desk
from starter.giving import HowSent, give
from starter.options import AsJson
from starter.site_contacts import (
    ContactsDesk,
    Found,
    contact,
    from_file,
    print_contacts,
    require_kept,
    review_at,
    secondaries_of,
)
from starter.sites import SiteDesk, print_users
from starter.times import said
from starter.typed import checked

app = command_group("Who runs a site, and their monthly review of contacts and users.")
review = command_group("The monthly review of contacts and users.")
notifications = command_group("Where your own notifications of product upgrades go.")
app.add_typer(review, name="review")
app.add_typer(notifications, name="notifications")
SiteName = Annotated[
    str, typer.Argument(metavar="SITE", help="The site's slug, or the id of its contacts.")
]


@app.command()
@runs
async def show(site: SiteName, as_json: AsJson = False) -> None:
    """Show a site's contacts, its reviews, and what happened so far, mails included."""
    async with desk() as at:
        contacts = ContactsDesk(at)
        found, view = await contacts.of_site(site)
        is_contact = found.state is not None and contacts.kind.may_see(
            found.state, contacts.viewer, found.directory
        )
        lines = await contacts.timeline(found.process) if is_contact else ()
        if as_json:
            showing.print_shown(view, lines)
            return
        print_contacts(view, found.zone)
        if lines:
            showing.print_timeline(lines, found.zone)


@app.command()
@runs
async def save(
    site: SiteName,
    primary: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS[=MAIL]", help="The one primary contact, and where mail goes."
        ),
    ] = None,
    secondary: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS[=MAIL]", help="A secondary contact; may be repeated."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file: [primary] and [[secondary]] instead."),
    ] = None,
    *,
    how: HowSent,
) -> None:
    """Replace all contacts of a site at once: whom you leave out is none any more."""
    if file is not None and (primary is not None or secondary):
        raise UsageError("Give --file, or --primary and --secondary, not both.")
    if file is not None:
        first, others = from_file(file)
    elif primary is None:
        raise UsageError("Give --primary ADDRESS, or --file FILE.")
    else:
        first, others = contact("--primary", primary), secondaries_of(secondary or [])
    async with desk() as at:
        contacts = ContactsDesk(at)
        found, view = await contacts.of_site(site)
        command = SaveContacts(
            site=found.site.slug, primary=first, secondaries=others, shown=view.shown
        )
        await _give(contacts, found, command, how)


@review.command("show")
@runs
async def show_review(site: SiteName, as_json: AsJson = False) -> None:
    """Show what there is to review: contacts, and users with privileges and last use."""
    async with desk() as at:
        found, view = await ContactsDesk(at).of_site(site)
        users = await SiteDesk(at).users(found.site.slug)
        if as_json:
            print_json({**view.model_dump(mode="json"), "users": users})
            return
        print_contacts(view, found.zone)
        print_users(users, found.zone)


@review.command()
@runs
async def confirm(site: SiteName, how: HowSent) -> None:
    """Say that you have looked at contacts and users, and that they are right."""
    async with desk() as at:
        contacts = ContactsDesk(at)
        found, view = await contacts.of_site(site)
        require_kept(found)
        command = ConfirmReview(shown=view.shown)
        await _give(contacts, found, command, how)


@review.command()
@runs
async def move(
    site: SiteName,
    to: Annotated[
        str, typer.Option(metavar="DATE", help="A date (nine o'clock), or a time at the site.")
    ],
    how: HowSent,
) -> None:
    """Have the next review, and so those after it, on another day of the month."""
    async with desk() as at:
        contacts = ContactsDesk(at)
        found = await contacts.found(site)
        require_kept(found)
        moment = review_at(to, found.zone)
        status(f"The next review: {said(moment, found.zone)}.")
        command = MoveReview(to=moment)
        await _give(contacts, found, command, how)


@review.command()
@runs
async def off(site: SiteName, how: HowSent) -> None:
    """Switch the reviews off; nobody is reminded any more."""
    async with desk() as at:
        contacts = ContactsDesk(at)
        found = await contacts.found(site)
        require_kept(found)
        command = SwitchReviewOff()
        await _give(contacts, found, command, how)


@review.command()
@runs
async def on(site: SiteName, how: HowSent) -> None:
    """Switch the reviews on, again or for the first time."""
    async with desk() as at:
        contacts = ContactsDesk(at)
        found = await contacts.found(site)
        command = SwitchReviewOn(site=found.site.slug)
        await _give(contacts, found, command, how)


@notifications.command("set")
@runs
async def set_address(
    site: SiteName,
    email: Annotated[
        str | None,
        typer.Argument(metavar="[ADDRESS]", help="Where to; without it, your own address."),
    ] = None,
    *,
    how: HowSent,
) -> None:
    """Choose where your own notifications go. No contact's address changes with it."""
    wanted = None if email is None else checked("ADDRESS", address, email)
    async with desk() as at:
        contacts = ContactsDesk(at)
        found = await contacts.found(site)
        command = SetNotificationAddress(site=found.site.slug, email=wanted)
        await _give(contacts, found, command, how)


@notifications.command("show")
@runs
async def show_address(site: SiteName, as_json: AsJson = False) -> None:
    """Show where your own notifications go."""
    async with desk() as at:
        _, view = await ContactsDesk(at).of_site(site)
    if as_json:
        print_json({"site": view.site, "notification_address": view.notification_address})
        return
    status(f"Notifications go to {view.notification_address or 'your own address'}.")


async def _give(contacts: ContactsDesk, found: Found, command: Command, how: HowSent) -> None:
    """Judge or send one command, and show how the contacts stand then."""
    view = await give(contacts, found.process, command, how, group=found.site.id)
    if view is not None and not how.as_json:
        print_contacts(view, found.zone)


if __name__ == "__main__":
    app()
