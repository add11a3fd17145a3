"""`gatehouse pairing clone|consent|change`: what support does in a tenant, and what it asks."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from approvals.commands import Command
from approvals.pairing.commands import (
    AddClone,
    AskConsent,
    GiveConsent,
    RecordChange,
    RecordRevert,
    RefuseConsent,
    RemoveClone,
)
from approvals.pairing.fields import change_text
from approvals.pairing.record import Pairing
from approvals.pairing.views import PairingView
from starter import pairing_screens
from starter.console import command_group, print_json, runs, status
from starter.desk import desk
from starter.giving import How, HowSent
from starter.options import AsJson, Message, Why, WhyFile
from starter.pairing_desk import PairingDesk, PairingId, give_seen
from starter.typed import checked, id_of, message_from, reason_from, text_from

clones = command_group(
    "Support agents as cloned users among the customer's people. None is billed."
)
consents = command_group("The customer's consent to changes that would disrupt its work.")
changes = command_group("The log of what support changed in the tenant.")
What = Annotated[
    str | None, typer.Option("--what", metavar="TEXT", help="What the change is, in words.")
]
WhatFile = Annotated[
    Path | None, typer.Option("--what-file", metavar="FILE", help="Read the words from a file.")
]
ConsentId = Annotated[
    UUID, typer.Argument(metavar="CONSENT", parser=id_of, help="The consent's id.")
]


@clones.command("list")
@runs
async def list_clones(pairing: PairingId, as_json: AsJson = False) -> None:
    """List the cloned users of a pairing."""
    view = await _view(pairing)
    if as_json:
        print_json(view.clones)
    elif not view.clones:
        status("There are no cloned users.")
    else:
        async with desk() as at:
            pairing_screens.clones(view, await PairingDesk(at).zone())


@clones.command("add")
@runs
async def add_clone(pairing: PairingId, how: HowSent) -> None:
    """Add yourself to the customer's people; the customer is told. Prints the clone's id."""
    await give_seen(pairing, lambda *_: AddClone(), how)


@clones.command("remove")
@runs
async def remove_clone(
    pairing: PairingId,
    clone: Annotated[
        UUID | None,
        typer.Argument(metavar="[CLONE]", parser=id_of, help="Whose; without it, your own."),
    ] = None,
    *,
    how: How,
) -> None:
    """Remove a cloned user: your own, or (the customer) any."""
    async with desk() as at:
        viewer = PairingDesk(at).viewer

    def build(state: Pairing, _: PairingView) -> Command:
        own = state.clone_of(viewer)
        return RemoveClone(clone=clone or (own.id if own else UUID(int=0)))

    await give_seen(pairing, build, how)


@consents.command("list")
@runs
async def list_consents(pairing: PairingId, as_json: AsJson = False) -> None:
    """List the disruptive changes that were asked for, and the answers."""
    view = await _view(pairing)
    if as_json:
        print_json(view.consents)
        return
    pairing_screens.consents(view)


@consents.command("ask")
@runs
async def ask_consent(
    pairing: PairingId, what: What = None, what_file: WhatFile = None, *, how: HowSent
) -> None:
    """Ask the customer to consent to one disruptive change. Prints the consent's id."""
    command = AskConsent(what=_what(what, what_file))
    await give_seen(pairing, lambda *_: command, how)


@consents.command("grant")
@runs
async def grant_consent(pairing: PairingId, consent: ConsentId, how: How) -> None:
    """Consent to one disruptive change."""

    def build(_: Pairing, view: PairingView) -> Command:
        _say(view, consent)
        return GiveConsent(consent=consent, shown=view.shown)

    await give_seen(pairing, build, how)


@consents.command("refuse")
@runs
async def refuse_consent(
    pairing: PairingId,
    consent: ConsentId,
    reason: Why = None,
    reason_file: WhyFile = None,
    *,
    how: How,
) -> None:
    """Refuse a disruptive change, or take a consent back, with a reason that they will read."""
    why = reason_from(reason, reason_file, "refusing this change")

    def build(_: Pairing, view: PairingView) -> Command:
        _say(view, consent)
        return RefuseConsent(consent=consent, reason=why, shown=view.shown)

    await give_seen(pairing, build, how)


@changes.command("list")
@runs
async def list_changes(pairing: PairingId, as_json: AsJson = False) -> None:
    """List the newest 500 changes; the timeline of the pairing has all."""
    view = await _view(pairing)
    if as_json:
        print_json(view.changes)
        return
    async with desk() as at:
        pairing_screens.changes(view, await PairingDesk(at).zone())


@changes.command("record")
@runs
async def record_change(
    pairing: PairingId,
    what: What = None,
    what_file: WhatFile = None,
    disruptive: Annotated[
        bool, typer.Option("--disruptive", help="It disrupted the customer's work.")
    ] = False,
    consent: Annotated[
        UUID | None,
        typer.Option(metavar="CONSENT", parser=id_of, help="The consent that it rests on."),
    ] = None,
    *,
    how: HowSent,
) -> None:
    """Record a change that you made; the customer is told. Prints the change's id.

    A disruptive one without its consent is recorded all the same, as a breach.
    """
    command = RecordChange(what=_what(what, what_file), is_disruptive=disruptive, consent=consent)
    await give_seen(pairing, lambda *_: command, how)


@changes.command("revert")
@runs
async def revert_change(
    pairing: PairingId,
    change: Annotated[
        UUID, typer.Argument(metavar="CHANGE", parser=id_of, help="The change's id.")
    ],
    message: Message = None,
    *,
    how: HowSent,
) -> None:
    """Record that you undid a change; the customer is told."""
    command = RecordRevert(change=change, note=message_from(message, None))
    await give_seen(pairing, lambda *_: command, how)


async def _view(pairing: UUID) -> PairingView:
    async with desk() as at:
        return (await PairingDesk(at).viewed(pairing))[1]


def _what(text: str | None, file: Path | None) -> str:
    return checked("--what", change_text, text_from("--what", text, file))


def _say(view: PairingView, consent: UUID) -> None:
    found = next((one.what for one in view.consents if one.id == consent), None)
    if found is not None:
        status(f'The change: "{found}"')
