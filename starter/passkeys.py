"""`gatehouse keys passkeys|remove-passkey`: for operators, when somebody has lost one."""

from typing import Annotated
from uuid import UUID

import typer

from approvals.addresses import address
from approvals.errors import NotFoundError
from approvals.facts import Needed
from approvals.people import PersonId
from approvals.sign_in.commands import RemovePasskey
from approvals.sign_in.record import KIND
from starter.console import print_json, print_table, runs, status
from starter.desk import Desk, desk
from starter.options import AsJson, DryRun
from starter.times import said_utc
from starter.typed import checked, id_of
from store.passkeys import Passkeys


@runs
async def list_passkeys(
    email: Annotated[
        str | None, typer.Argument(metavar="EMAIL", help="Whose; yours without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List somebody's passkeys, with which they sign in to the portal."""
    async with desk() as at:
        found = await Passkeys(at.engines).of(await _owner(at, email))
    if as_json:
        print_json([one.model_dump(mode="json", exclude={"public_key"}) for one in found])
        return
    print_table(
        ["PASSKEY", "NAME", "ADDED", "USED"],
        [
            [
                str(one.id),
                one.name,
                said_utc(one.added_at),
                "never" if one.used_at is None else said_utc(one.used_at),
            ]
            for one in found
        ],
    )


@runs
async def remove_passkey(
    passkey: Annotated[
        UUID,
        typer.Argument(
            metavar="PASSKEY",
            parser=id_of,
            help="The passkey's id, from `gatehouse keys passkeys EMAIL`.",
        ),
    ],
    dry_run: DryRun = False,
) -> None:
    """Remove a passkey that somebody has lost; whoever was signed in with it is out (operators)."""
    async with desk() as at:
        sign_in = at.profile.key_id  # whoever is not signed in removes nothing
        if dry_run:
            status(f"Nothing was changed. Passkey {passkey} would be removed, if you may do that.")
            return
        gatehouse = await at.gatehouse()
        await gatehouse.send(KIND, at.signed(sign_in, RemovePasskey(passkey=passkey)))
    status(f"Passkey {passkey} is removed. Its owner and their security contacts get a mail.")


async def _owner(at: Desk, email: str | None) -> PersonId:
    if email is None:
        return PersonId(at.profile.person)
    wanted = checked("EMAIL", address, email)
    person = (await at.inbox.directory(Needed(emails=(wanted,)))).person_of(wanted)
    if person is None:
        raise NotFoundError
    return person.id
