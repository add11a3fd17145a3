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
from starter import pairing_screens, pairing_use, screens
from starter.console import AsJson, DryRun, UsageError, confirmed, print_json, runs, status
from starter.decisions import SignOnly, Text, Wait, Why, WhyFile
from starter.desk import desk
from starter.pairing_desk import (
    ForPerson,
    How,
    PairingDesk,
    PairingId,
    give,
    give_built,
    say_given,
    token_from,
    watched,
)
from starter.tenant_access import Batch
from starter.times import roughly, said
from starter.typed import checked, message_from, reason_from
from starter.visits import Yes

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Pair a vendor's support group with a customer's tenant.",
)
app.add_typer(roles.app, name="roles")
app.add_typer(pairing_use.clones, name="clone")
app.add_typer(pairing_use.consents, name="consent")
app.add_typer(pairing_use.changes, name="change")


@app.command()
@runs
async def offer(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's slug.")],
    group: Annotated[str, typer.Option("--group", metavar="SLUG", help="The support group.")],
    message: Text = None,
    message_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the message from a file.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option(metavar="SLUG", help="For which vendor (operators only).")
    ] = None,
    batch: Batch = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    as_json: AsJson = False,
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
        if dry_run:
            if as_json:
                print_json({"dry_run": True, "tenant": command.tenant, "status": after.status})
            status(f"Nothing was changed. The link would work for {roughly(LINK_LIFE)}.")
            return
        receipt = await pairings.give(process, command, group=after.index.tenant, wait=wait)
        if not wait:
            status("Left with Temporal; its outcome will stand on the timeline.")
            if as_json:
                print_json({"id": str(process), "waited": False})
            return
        await say_given(pairings, process, receipt, How(wait=wait, as_json=as_json))
        if not as_json:
            status(f"Its number is {process}.")


@app.command("list")
@runs
async def list_pairings(
    statuses: Annotated[
        list[Status] | None,
        typer.Option("--status", metavar="STATUS", help=f"Only these: {', '.join(Status)}."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List the pairings of your organization, as its support or as its customer."""
    async with desk() as at:
        pairings = PairingDesk(at)
        wanted = [one.value for one in statuses or []]
        views = await pairings.views(await at.pairings.of(pairings.viewer, wanted, limit))
        if as_json:
            print_json([one.model_dump(mode="json") for one in views])
            return
        pairing_screens.listed(views, await pairings.zone())


@app.command()
@runs
async def show(pairing: PairingId, as_json: AsJson = False) -> None:
    """Show a pairing: roles, cloned users, consents, changes, and what happened so far."""
    async with desk() as at:
        pairings = PairingDesk(at)
        _, view = await pairings.viewed(pairing)
        lines = await pairings.timeline(pairing)
        if as_json:
            timeline = [one.model_dump(mode="json") for one in lines]
            print_json({**view.model_dump(mode="json"), "timeline": timeline})
            return
        zone = await pairings.zone()
        pairing_screens.pairing(view, zone)
        status("Timeline")
        screens.timeline(lines, zone)


@app.command()
@runs
async def watch(pairing: PairingId) -> None:
    """Show what happens to a pairing while it happens; ends with it, or with Ctrl-C."""
    async with desk() as at:
        await watched(PairingDesk(at), pairing)


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
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
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
        is_asked = not (dry_run or sign_only)
        question = "Decline this offer?" if decline else "Yes, accept this pairing?"
        if is_asked and not confirmed(question, yes=yes):
            raise UsageError("Not confirmed. Nothing was changed, and the link still works.")
        if dry_run and not decline:
            status("Whether the token is right is checked when it is used.")
        await give_built(pairings, pairing, command, How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def reissue(
    pairing: PairingId, dry_run: DryRun = False, wait: Wait = True, as_json: AsJson = False
) -> None:
    """Mail a new link, for 7 days; the older one works no more. Opens a lapsed offer again."""
    await give(pairing, lambda *_: Reissue(), How(dry_run, wait=wait, as_json=as_json))


@app.command()
@runs
async def withdraw(
    pairing: PairingId,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Take an offer back that nobody has answered yet."""
    await give(pairing, lambda *_: Withdraw(), How(dry_run, sign_only, wait, as_json))


@app.command("ask-roles")
@runs
async def ask_roles(
    pairing: PairingId,
    wanted: Annotated[list[str], typer.Argument(metavar="ROLE", help="The roles.")],
    person: ForPerson = None,
    reason: Why = None,
    reason_file: WhyFile = None,
    dry_run: DryRun = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Ask the customer for further roles, with a reason that they will read."""
    listed = checked("ROLE", role_list, wanted)
    why = reason_from(reason, reason_file, "asking for these roles")
    async with desk() as at:
        pairings = PairingDesk(at)
        command = AskRoles(roles=listed, person=await pairings.person(person), reason=why)
        await give_built(pairings, pairing, command, How(dry_run, wait=wait, as_json=as_json))


@app.command()
@runs
async def suspend(
    pairing: PairingId,
    message: Text = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Let nobody of the group in until you resume. Roles and cloned users stay."""
    text = message_from(message, None)
    how = How(dry_run, sign_only, wait, as_json)
    await give(pairing, lambda *_: Suspend(message=text), how)


@app.command()
@runs
async def resume(
    pairing: PairingId,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Let the group in again, as its roles allow."""
    await give(pairing, lambda *_: Resume(), How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def revoke(
    pairing: PairingId,
    reason: Why = None,
    reason_file: WhyFile = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """End a pairing for good, at once: sessions end, and cloned users are removed."""
    why = reason_from(reason, reason_file, "revoking this pairing")

    def build(_: Pairing, view: PairingView) -> Command:
        status(f"Ends the pairing of {view.group} with {view.tenant_name} now.")
        return Revoke(reason=why, shown=view.shown)

    await give(pairing, build, How(dry_run, sign_only, wait, as_json))


if __name__ == "__main__":
    app()
