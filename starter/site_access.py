"""Access to sites from the command line; also `python -m starter.site_access`."""

from typing import Annotated

import typer

from approvals.site_access.commands import Ask
from approvals.site_access.privileges import LEVELS
from approvals.site_access.record import Status, process_id_of
from starter import showing
from starter.console import command_group, print_json, runs, status
from starter.desk import desk
from starter.giving import HowSent, give
from starter.options import AsJson, Limit, Message, MessageFile, only
from starter.site_decisions import COMMANDS, Named, SiteSlug
from starter.sites import (
    SiteDesk,
    print_access,
    print_areas,
    print_requests,
    print_sites,
    print_users,
)
from starter.typed import message_from

app = command_group("Ask for access to sites, decide on it, and see who uses them.")


@app.command("list")
@runs
async def list_sites(as_json: AsJson = False) -> None:
    """List the sites that you have a part in: your privileges, and what you asked for."""
    async with desk() as at:
        views = await SiteDesk(at).listed()
    if as_json:
        print_json(views)
    else:
        print_sites(views)


@app.command()
@runs
async def areas(as_json: AsJson = False) -> None:
    """Show the areas of a site and their levels, from least to most."""
    if as_json:
        print_json(LEVELS)
        return
    print_areas()


@app.command()
@runs
async def show(name: Named, as_json: AsJson = False) -> None:
    """Show somebody's access to a site, and what happened so far, mails included."""
    async with desk() as at:
        sites = SiteDesk(at)
        await showing.show(sites, await sites.meant(name), print_access, as_json=as_json)


@app.command()
@runs
async def ask(
    site: SiteSlug, message: Message = None, message_file: MessageFile = None, *, how: HowSent
) -> None:
    """Ask a site's contacts to let you in. New here? First: gatehouse login EMAIL --new."""
    async with desk() as at:
        sites = SiteDesk(at)
        found, _, _ = await sites.place(site)
        text = message_from(message, message_file)
        status(f"Asks the contacts of {found.name} for access.")
        process = process_id_of(found.id, sites.viewer)
        await give(sites, process, Ask(site=found.slug, message=text), how, group=found.id)


@app.command()
@runs
async def requests(
    site: Annotated[str | None, typer.Argument(metavar="[SITE]", help="Only this site's.")] = None,
    statuses: Annotated[list[Status] | None, only(Status)] = None,
    limit: Limit = 200,
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
            print_json(views)
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
            print_json(views)
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
        await showing.watch(sites, await sites.meant(name), until)


for command in COMMANDS:
    app.command()(command)


if __name__ == "__main__":
    app()
