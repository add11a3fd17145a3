"""Tenant access requests from the command line; also `python -m starter.tenant_access`."""

from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID, uuid4

import typer

from approvals.errors import FieldError
from approvals.slugs import slug
from approvals.tenant_access.record import Status
from approvals.texts import request_name
from starter import batches, decisions, screens
from starter.console import AsJson, DryRun, UsageError, print_json, runs, status
from starter.decisions import Request, Text, Wait
from starter.desk import desk
from starter.requests import RequestDesk, association
from starter.typed import checked, id_of, message_from
from starter.watching import watch as watched

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Ask for access to tenants, decide on it, and end it.",
)
Statuses = Annotated[
    list[Status] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help=f"Only these: {', '.join(Status)}. May be repeated.",
    ),
]

Batch = Annotated[
    UUID | None,
    typer.Option(metavar="ID", parser=id_of, help="Repeat a batch: sends what is missing."),
]
File = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A CSV of many: name,message,people,tenants; blanks between people and tenants.",
    ),
]


@app.command()
@runs
async def create(
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your label: letters and digits only.")
    ] = None,
    associate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS[,...]=TENANT[,...]", help="Who gets into which; may be repeated."
        ),
    ] = None,
    message: Text = None,
    message_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the message from a file.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="SLUG", help="For whom (operators only).")
    ] = None,
    batch: Batch = None,
    file: File = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Ask the admins of tenants to let people in. Each tenant gets a request of its own."""
    async with desk() as at:
        how = batches.How(dry_run, wait, as_json)
        requests = RequestDesk(at)
        if organization is not None:
            checked("--organization", slug, organization)
        if file is not None:
            if any(one is not None for one in (name, associate, message, message_file, batch)):
                raise UsageError("--file stands alone: each of its lines is one request.")
            await batches.send(requests, file, organization, how)
            return
        if name is None or not associate:
            raise UsageError("Give --name and at least one --associate, or --file.")
        label = checked("--name", request_name, name)
        text = message_from(message, message_file)
        pairs = [association(one) for one in associate]
        try:
            drafts = await requests.drafts(label, text, pairs, batch or uuid4(), organization)
        except FieldError as wrong:
            raise UsageError(f"--associate: {wrong}") from None
        await batches.send_drafts(requests, drafts, how)


@app.command("list")
@runs
async def list_requests(
    side: Annotated[
        Literal["outgoing", "incoming", "both"], typer.Option(help="Sent, or to decide on.")
    ] = "both",
    statuses: Statuses = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many a side.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List the requests that your organization sent, and those to your tenants."""
    async with desk() as at:
        requests = RequestDesk(at)
        wanted = [one.value for one in statuses or []]
        found = {}
        if side in ("outgoing", "both"):
            found["outgoing"] = await at.inbox.outgoing(requests.viewer, wanted, limit)
        if side in ("incoming", "both"):
            found["incoming"] = await at.inbox.incoming(requests.viewer, wanted, limit)
        views = {one: await requests.views(states) for one, states in found.items()}
        if as_json:
            print_json({one: [v.model_dump(mode="json") for v in views[one]] for one in views})
            return
        zone = await requests.own_zone()
        for one, lines in views.items():
            status(f"{one.capitalize()}: {len(lines)}")
            if lines:
                screens.requests(lines, zone)


@app.command()
@runs
async def show(request: Request, as_json: AsJson = False) -> None:
    """Show one request, and what happened to it so far, its mails included."""
    async with desk() as at:
        requests = RequestDesk(at)
        _, view, _ = await requests.viewed(request)
        state, lines = await requests.timeline(request)
        if as_json:
            timeline = [one.model_dump(mode="json") for one in lines]
            print_json({**view.model_dump(mode="json"), "timeline": timeline})
            return
        zone = await requests.zone_of(state)
        screens.request(view, zone)
        status("Timeline")
        screens.timeline(lines, zone)


@app.command()
@runs
async def watch(request: Request) -> None:
    """Show the life of a request while it happens; ends with it, or with Ctrl-C."""
    async with desk() as at:
        await watched(RequestDesk(at), request)


for command in decisions.COMMANDS:
    app.command()(command)
app.command("approve", hidden=True)(decisions.grant)  # another word for it


if __name__ == "__main__":
    app()
