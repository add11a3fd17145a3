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
from starter.console import AsJson, DryRun, print_json, print_table, runs, status
from starter.decisions import SignOnly, Wait, Why, WhyFile
from starter.desk import desk
from starter.pairing_desk import ForPerson, How, PairingDesk, PairingId, give, give_built
from starter.typed import checked, id_of, reason_from

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Say by roles what a paired group may do. No role of a group is billed.",
)
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
                "roles": [one.model_dump(mode="json") for one in lines],
                "assigned": [one.model_dump(mode="json") for one in view.roles],
                "asked": [one.model_dump(mode="json") for one in view.asks],
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
async def assign(
    pairing: PairingId,
    roles: Roles,
    person: ForPerson = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Give roles to the group, or to one of its people."""
    listed = checked("ROLE", role_list, roles)
    async with desk() as at:
        pairings = PairingDesk(at)
        holder = await pairings.person(person)
        _, view = await pairings.viewed(pairing)
        status(f"Gives {', '.join(listed)} to {person or view.group} in {view.tenant_name}.")
        command = AssignRoles(roles=listed, person=holder, shown=view.shown)
        await give_built(pairings, pairing, command, How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def remove(
    pairing: PairingId,
    roles: Roles,
    person: ForPerson = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Take roles away. Below what the group needs at least, nobody gets in."""
    listed = checked("ROLE", role_list, roles)
    async with desk() as at:
        pairings = PairingDesk(at)
        command = RemoveRoles(roles=listed, person=await pairings.person(person))
        await give_built(pairings, pairing, command, How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def define(
    pairing: PairingId,
    name: Name,
    allowed: Annotated[
        list[str],
        typer.Argument(metavar="PERMISSION", help="See `gatehouse pairing roles permissions`."),
    ],
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Define a role of your own, or define it anew: that counts at once for all who have it."""
    command = DefineRole(
        name=checked("NAME", own_role_name, name),
        permissions=checked("PERMISSION", permission_list, allowed),
    )
    await give(pairing, lambda *_: command, How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def drop(
    pairing: PairingId,
    name: Name,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Forget a role of your own that nobody has."""
    command = DropRole(name=checked("NAME", own_role_name, name))
    await give(pairing, lambda *_: command, How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def decline(
    pairing: PairingId,
    ask: Annotated[UUID, typer.Argument(metavar="ASK", parser=id_of, help="What was asked for.")],
    reason: Why = None,
    reason_file: WhyFile = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Decline roles that were asked for, with a reason that they will read."""
    why = reason_from(reason, reason_file, "declining these roles")

    def build(_: Pairing, view: PairingView) -> Command:
        return DeclineRoles(ask=ask, reason=why, shown=view.shown)

    await give(pairing, build, How(dry_run, sign_only, wait, as_json))
