"""Pairings with support groups from the command line; also `python -m starter.pairing`."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from approvals.commands import Command
from approvals.pairing.commands import (
    Accept,
    AskRoles,
    Decline,
    Offer,
    Reissue,
    Resume,
    Revoke,
    Suspend,
    Withdraw,
)
from approvals.pairing.fields import role_list
from approvals.pairing.record import LINK_LIFE, Pairing, Status, process_id_of
from approvals.pairing.views import PairingView
from approvals.slugs import slug
from identity.enrolment import proof_of_link
from starter import pairing_roles as roles
from starter import pairing_screens, pairing_use, showing
from starter.console import UsageError, command_group, confirmed, print_json, runs, status
from starter.desk import desk
from starter.giving import How, HowSent, give
from starter.options import (
    AsJson,
    Batch,
    Limit,
    Message,
    MessageFile,
    Vendor,
    Why,
    WhyFile,
    Yes,
    only,
)
from starter.pairing_desk import ForPerson, PairingDesk, PairingId, give_seen, token_from
from starter.times import roughly, said
from starter.typed import checked, message_from, reason_from

app = command_group("Pair a vendor's support group with a customer's tenant.")
app.add_typer(roles.app, name="roles")
app.add_typer(pairing_use.clones, name="clone")
app.add_typer(pairing_use.consents, name="consent")
app.add_typer(pairing_use.changes, name="change")


@app.command()
@runs
async def offer(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's slug.")],
    group: Annotated[str, typer.Option("--group", metavar="SLUG", help="The support group.")],
    message: Message = None,
    message_file: MessageFile = None,
    organization: Vendor = None,
    batch: Batch = None,
    *,
    how: HowSent,
) -> None:
    """Offer a pairing: mails the people who may accept it a link that works once, for 7 days."""
    command = Offer(
        batch=batch or uuid4(),
        tenant=checked("TENANT", slug, tenant),
        group=checked("--group", slug, group),
        message=message_from(message, message_file),
        organization=None
        if organization is None
        else checked("--organization", slug, organization),
    )
    process = process_id_of(command.batch, command.tenant)
    async with desk() as at:
        pairings = PairingDesk(at)
        after = (await pairings.judged(process, command)).after
        if how.dry_run:
            status(f"The link would work for {roughly(LINK_LIFE)}.")
        view = await give(pairings, process, command, how, group=after.index.tenant)
        if view is not None and not how.as_json:
            status(f"Its number is {process}.")


@app.command("list")
@runs
async def list_pairings(
    statuses: Annotated[list[Status] | None, only(Status)] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """List the pairings of your organization, as its support or as its customer."""
    async with desk() as at:
        pairings = PairingDesk(at)
        wanted = [one.value for one in statuses or []]
        views = await pairings.views(await at.pairings.of(pairings.viewer, wanted, limit))
        if as_json:
            print_json(views)
            return
        pairing_screens.listed(views, await pairings.zone())


@app.command()
@runs
async def show(pairing: PairingId, as_json: AsJson = False) -> None:
    """Show a pairing: roles, cloned users, consents, changes, and what happened so far."""
    async with desk() as at:
        await showing.show(PairingDesk(at), pairing, pairing_screens.pairing, as_json=as_json)


@app.command()
@runs
async def watch(pairing: PairingId) -> None:
    """Show what happens to a pairing while it happens; ends with it, or with Ctrl-C."""
    async with desk() as at:
        await showing.watch(PairingDesk(at), pairing)


@app.command("open")
@runs
async def open_(
    pairing: PairingId,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file with the link's token; else it is asked for."),
    ] = None,
    decline: Annotated[bool, typer.Option("--decline", help="Decline; needs a reason.")] = False,
    reason: Why = None,
    reason_file: WhyFile = None,
    yes: Yes = False,
    *,
    how: How,
) -> None:
    """Look at an offer, and accept it with its link's token, or decline it.

    Looking uses nothing up, and neither does a try that fails.
    """
    if not decline and (reason is not None or reason_file is not None):
        raise UsageError("--reason goes with --decline.")
    why = reason_from(reason, reason_file, "declining this offer") if decline else ""
    async with desk() as at:
        pairings = PairingDesk(at)
        _, view = await pairings.viewed(pairing)
        zone = await pairings.zone()
        status(f"{view.vendor} asks to pair its group {view.group} with {view.tenant_name}.")
        if view.message:
            status(f'They say: "{view.message}"')
        status(f"The group needs at least: {', '.join(view.minimum)}.")
        status(f"The pairing is {view.status}; its link works until {said(view.due_at, zone)}.")
        if decline:
            command: Command = Decline(reason=why, shown=view.shown)
        else:
            proof = proof_of_link(pairing, token_from(token_file))
            command = Accept(proof=proof, shown=view.shown)
        is_asked = not (how.dry_run or how.sign_only)
        question = "Decline this offer?" if decline else "Yes, accept this pairing?"
        if is_asked and not confirmed(question, yes=yes):
            raise UsageError("Not confirmed. Nothing was changed, and the link still works.")
        if how.dry_run and not decline:
            status("Whether the token is right is checked when it is used.")
        await give(pairings, pairing, command, how)


@app.command()
@runs
async def reissue(pairing: PairingId, how: HowSent) -> None:
    """Mail a new link, for 7 days; the older one works no more. Opens a lapsed offer again."""
    await give_seen(pairing, lambda *_: Reissue(), how)


@app.command()
@runs
async def withdraw(pairing: PairingId, how: How) -> None:
    """Take an offer back that nobody has answered yet."""
    await give_seen(pairing, lambda *_: Withdraw(), how)


@app.command("ask-roles")
@runs
async def ask_roles(
    pairing: PairingId,
    wanted: Annotated[list[str], typer.Argument(metavar="ROLE", help="The roles.")],
    person: ForPerson = None,
    reason: Why = None,
    reason_file: WhyFile = None,
    *,
    how: HowSent,
) -> None:
    """Ask the customer for further roles, with a reason that they will read."""
    listed = checked("ROLE", role_list, wanted)
    why = reason_from(reason, reason_file, "asking for these roles")
    async with desk() as at:
        pairings = PairingDesk(at)
        command = AskRoles(roles=listed, person=await pairings.person(person), reason=why)
        await give(pairings, pairing, command, how)


@app.command()
@runs
async def suspend(pairing: PairingId, message: Message = None, *, how: How) -> None:
    """Let nobody of the group in until you resume. Roles and cloned users stay."""
    text = message_from(message, None)
    await give_seen(pairing, lambda *_: Suspend(message=text), how)


@app.command()
@runs
async def resume(pairing: PairingId, how: How) -> None:
    """Let the group in again, as its roles allow."""
    await give_seen(pairing, lambda *_: Resume(), how)


@app.command()
@runs
async def revoke(
    pairing: PairingId, reason: Why = None, reason_file: WhyFile = None, *, how: How
) -> None:
    """End a pairing for good, at once: sessions end, and cloned users are removed."""
    why = reason_from(reason, reason_file, "revoking this pairing")

    def build(_: Pairing, view: PairingView) -> Command:
        status(f"Ends the pairing of {view.group} with {view.tenant_name} now.")
        return Revoke(reason=why, shown=view.shown)

    await give_seen(pairing, build, how)


if __name__ == "__main__":
    app()
