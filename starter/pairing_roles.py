"""`gatehouse pairing roles`: who of a paired group has which roles, and the customer's own ones."""

from typing import Annotated
from uuid import UUID

import typer

from approvals.commands import Command
from approvals.pairing.commands import AssignRoles, DeclineRoles, DefineRole, DropRole, RemoveRoles
from approvals.pairing.fields import own_role_name, role_list
from approvals.pairing.record import Pairing
from approvals.pairing.views import PairingView, role_lines
from approvals.permissions import PERMISSIONS, permission_list
from starter import pairing_screens
from starter.console import command_group, print_json, print_table, runs, status
from starter.desk import desk
from starter.giving import How, give
from starter.options import AsJson, Why, WhyFile
from starter.pairing_desk import ForPerson, PairingDesk, PairingId, give_seen
from starter.typed import checked, id_of, reason_from

app = command_group("Say by roles what a paired group may do. No role of a group is billed.")
Roles = Annotated[list[str], typer.Argument(metavar="ROLE", help="The roles.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The role's name.")]


@app.command("list")
@runs
async def list_roles(pairing: PairingId, as_json: AsJson = False) -> None:
    """List the roles that there are, and who has which."""
    async with desk() as at:
        state, view = await PairingDesk(at).viewed(pairing)
    lines = role_lines(state)
    if as_json:
        print_json(
            {
                "roles": lines,
                "assigned": view.roles,
                "asked": view.asks,
                "minimum": view.minimum,
                "missing": view.missing,
            }
        )
        return
    pairing_screens.roles(lines)
    pairing_screens.holders(view)
    pairing_screens.asks(view)
    status(f"The group needs at least: {', '.join(view.minimum)}.")


@app.command()
def permissions(as_json: AsJson = False) -> None:
    """List the permissions of which roles are made."""
    if as_json:
        print_json(PERMISSIONS)
        return
    print_table(["PERMISSION", "MEANING"], [[name, text] for name, text in PERMISSIONS.items()])


@app.command()
@runs
async def assign(pairing: PairingId, roles: Roles, person: ForPerson = None, *, how: How) -> None:
    """Give roles to the group, or to one of its people."""
    listed = checked("ROLE", role_list, roles)
    async with desk() as at:
        pairings = PairingDesk(at)
        holder = await pairings.person(person)
        _, view = await pairings.viewed(pairing)
        status(f"Gives {', '.join(listed)} to {person or view.group} in {view.tenant_name}.")
        command = AssignRoles(roles=listed, person=holder, shown=view.shown)
        await give(pairings, pairing, command, how)


@app.command()
@runs
async def remove(pairing: PairingId, roles: Roles, person: ForPerson = None, *, how: How) -> None:
    """Take roles away. Below what the group needs at least, nobody gets in."""
    listed = checked("ROLE", role_list, roles)
    async with desk() as at:
        pairings = PairingDesk(at)
        command = RemoveRoles(roles=listed, person=await pairings.person(person))
        await give(pairings, pairing, command, how)


@app.command()
@runs
async def define(
    pairing: PairingId,
    name: Name,
    allowed: Annotated[
        list[str],
        typer.Argument(metavar="PERMISSION", help="See `gatehouse pairing roles permissions`."),
    ],
    how: How,
) -> None:
    """Define a role of your own, or define it anew: that counts at once for all who have it."""
    command = DefineRole(
        name=checked("NAME", own_role_name, name),
        permissions=checked("PERMISSION", permission_list, allowed),
    )
    await give_seen(pairing, lambda *_: command, how)


@app.command()
@runs
async def drop(pairing: PairingId, name: Name, how: How) -> None:
    """Forget a role of your own that nobody has."""
    command = DropRole(name=checked("NAME", own_role_name, name))
    await give_seen(pairing, lambda *_: command, how)


@app.command()
@runs
async def decline(
    pairing: PairingId,
    ask: Annotated[UUID, typer.Argument(metavar="ASK", parser=id_of, help="What was asked for.")],
    reason: Why = None,
    reason_file: WhyFile = None,
    *,
    how: How,
) -> None:
    """Decline roles that were asked for, with a reason that they will read."""
    why = reason_from(reason, reason_file, "declining these roles")

    def build(_: Pairing, view: PairingView) -> Command:
        return DeclineRoles(ask=ask, reason=why, shown=view.shown)

    await give_seen(pairing, build, how)
