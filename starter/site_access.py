"""Access to sites from the command line; also `python -m starter.site_access`."""

from pathlib import Path
from typing import Annotated

import typer

from approvals.site_access.commands import (
    Ask,
)
from approvals.site_access.record import Status, process_id_of
from starter import screens
from starter.console import AsJson, DryRun, print_json, runs, status
from starter.decisions import Text, Wait
from starter.desk import desk
from starter.site_decisions import COMMANDS, How, Named, SiteSlug, give
from starter.sites import (
    SiteDesk,
    print_access,
    print_areas,
    print_requests,
    print_sites,
    print_users,
    watched,
)
from starter.typed import message_from

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Ask for access to sites, decide on it, and see who uses them.",
)
Statuses = Annotated[
    list[Status] | None,
    typer.Option(
        "--status", metavar="STATUS", help=f"Only these: {', '.join(Status)}. May be repeated."
    ),
]
MessageFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Read the message from a file.")
]


@app.command("list")
@runs
async def list_sites(as_json: AsJson = False) -> None:
    """List the sites that you have a part in: your privileges, and what you asked for."""
    async with desk() as at:
        views = await SiteDesk(at).listed()
    if as_json:
        print_json([one.model_dump(mode="json") for one in views])
    else:
        print_sites(views)


@app.command()
def areas() -> None:
    """Show the areas of a site and their levels, from least to most."""
    print_areas()


@app.command()
@runs
async def show(name: Named, as_json: AsJson = False) -> None:
    """Show somebody's access to a site, and what happened so far, mails included."""
    async with desk() as at:
        sites = SiteDesk(at)
        process = await sites.meant(name)
        _, view = await sites.viewed(process)
        lines = await sites.timeline(process)
        if as_json:
            timeline = [one.model_dump(mode="json") for one in lines]
            print_json({**view.model_dump(mode="json"), "timeline": timeline})
            return
        zone = await sites.zone()
        print_access(view, zone)
        status("Timeline")
        screens.timeline(lines, zone)


@app.command()
@runs
async def ask(
    site: SiteSlug,
    message: Text = None,
    message_file: MessageFile = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Ask a site's contacts to let you in. New here? First: gatehouse login EMAIL --new."""
    async with desk() as at:
        sites = SiteDesk(at)
        found, _, _ = await sites.place(site)
        text = message_from(message, message_file)
        status(f"Asks the contacts of {found.name} for access.")
        process = process_id_of(found.id, sites.viewer)
        wish = Ask(site=found.slug, message=text)
        await give(sites, process, wish, How(dry_run, False, wait, as_json), found.id)


@app.command()
@runs
async def requests(
    site: Annotated[str | None, typer.Argument(metavar="[SITE]", help="Only this site's.")] = None,
    statuses: Statuses = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List who asks for access to your sites; with --status, who had it or was refused."""
    wanted = [one.value for one in statuses or [Status.ASKED]]
    async with desk() as at:
        sites = SiteDesk(at)
        ids = await sites.overseen()
        if site is not None:
            found, _, _ = await sites.managed(site)
            ids = [found.id]
        views = await sites.views(await at.sites.requests(ids, wanted, limit))
        if as_json:
            print_json([one.model_dump(mode="json") for one in views])
            return
        print_requests(views, await sites.zone())


@app.command()
@runs
async def users(site: SiteSlug, as_json: AsJson = False) -> None:
    """Show who uses a site, with which privileges, and when they were last here."""
    async with desk() as at:
        sites = SiteDesk(at)
        views = await sites.users(site)
        if as_json:
            print_json([one.model_dump(mode="json") for one in views])
            return
        print_users(views, await sites.zone())


@app.command()
@runs
async def watch(
    name: Named,
    until: Annotated[
        Status | None, typer.Option(help="End once it is so; else when it is closed.")
    ] = None,
) -> None:
    """Show what happens to somebody's access while it happens."""
    async with desk() as at:
        sites = SiteDesk(at)
        await watched(sites, await sites.meant(name), until)


for command in COMMANDS:
    app.command()(command)


if __name__ == "__main__":
    app()
