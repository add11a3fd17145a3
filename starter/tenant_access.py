"""Tenant access requests from the command line; also `python -m starter.tenant_access`."""

from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

import typer

from approvals.errors import FieldError
from approvals.slugs import slug
from approvals.tenant_access.record import Status
from approvals.texts import request_name
from starter import batches, decisions, screens, showing
from starter.console import UsageError, command_group, print_json, runs, status
from starter.desk import desk
from starter.giving import HowSent
from starter.options import AsJson, Batch, Message, MessageFile, Request, only
from starter.requests import RequestDesk, association
from starter.typed import checked, message_from

app = command_group("Ask for access to tenants, decide on it, and end it.")
Statuses = Annotated[list[Status] | None, only(Status)]
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
    message: Message = None,
    message_file: MessageFile = None,
    organization: Annotated[
        str | None, typer.Option(metavar="SLUG", help="For whom (operators only).")
    ] = None,
    batch: Batch = None,
    file: File = None,
    *,
    how: HowSent,
) -> None:
    """Ask the admins of tenants to let people in. Each tenant gets a request of its own."""
    async with desk() as at:
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
            print_json(views)
            return
        zone = await requests.zone()
        for one, lines in views.items():
            status(f"{one.capitalize()}: {len(lines)}")
            if lines:
                screens.requests(lines, zone)


@app.command()
@runs
async def show(request: Request, as_json: AsJson = False) -> None:
    """Show one request, and what happened to it so far, its mails included."""
    async with desk() as at:
        await showing.show(RequestDesk(at), request, screens.request, as_json=as_json)


@app.command()
@runs
async def watch(request: Request) -> None:
    """Show the life of a request while it happens; ends with it, or with Ctrl-C."""
    async with desk() as at:
        await showing.watch(RequestDesk(at), request)


for command in decisions.COMMANDS:
    app.command()(command)
app.command("approve", hidden=True)(decisions.grant)  # another word for it


if __name__ == "__main__":
    app()
