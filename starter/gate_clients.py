"""`gatehouse client`: which programs may ask the gate over HTTP, each with a token of its own."""

from collections.abc import Mapping
from typing import Annotated

import typer

from approvals.errors import FieldError
from approvals.people import OrganizationId
from approvals.slugs import slug
from starter.console import UsageError, confirmed, print_json, print_table, print_text, runs, status
from starter.desk import Desk, desk
from starter.options import AsJson, DryRun
from store.gate_clients import GateClient, GateClients, fresh_token
from store.registrar import Registrar

app = typer.Typer(help="Programs that may ask the gate over HTTP.", no_args_is_help=True)
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="What the program is called here: a-z, 0-9 and '-'.")
]


@app.callback()
def client() -> None:
    """Programs that may ask the gate over HTTP."""


@app.command()
@runs
async def create(
    name: Name,
    organization: Annotated[
        str | None,
        typer.Option(
            metavar="SLUGS",
            help="It may ask about the places of these organizations alone: slugs, with commas."
            " By default about every place.",
        ),
    ] = None,
    search: Annotated[
        bool, typer.Option("--search", help="It may also search: who gets in, and where.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let a program ask the gate, and print its token.

    The token is shown once and stored nowhere; who has lost it revokes the client and makes
    another. Whoever holds it can ask who gets in where; with --search they can list it.
    """
    name = _name(name)
    slugs = [_organization(one) for one in organization.split(",")] if organization else []
    async with desk() as means:
        if dry_run:
            await _require_possible(means, name, slugs)
            status(f"{name} would get a token. Nothing was changed.")
            return
        token = fresh_token()
        made = await GateClients(means.engines).make(name, token, slugs, may_search=search)
    if as_json:
        print_json({"id": made.id, "name": made.name, "token": token})
    else:
        print_text(token)
    status(f"{name} may ask with this token from now on. It is not shown again.")


@app.command("list")
@runs
async def list_(as_json: AsJson = False) -> None:
    """List the programs that may ask, and those that may not any more. Tokens are not stored."""
    async with desk() as means:
        found = await GateClients(means.engines).listed()
        directory = (await Registrar(means.engines).read()).directory
    slugs = {one.id: one.slug for one in directory.organizations}
    rows = [(one, _places(one, slugs)) for one in found]
    if as_json:
        print_json([{**_facts(one), "organizations": places} for one, places in rows])
    elif rows:
        heads = ("CLIENT", "MAY", "PLACES OF", "MADE", "REVOKED")
        print_table(heads, [_row(one, places) for one, places in rows])
    else:
        status("Nothing is listed.")


@app.command()
@runs
async def revoke(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Take a program's token out of use, at once."""
    name = _name(name)
    async with desk() as means:
        if dry_run or not confirmed(f"{name} will get no answer any more. Revoke it?", yes=yes):
            status("Nothing was changed.")
            return
        await GateClients(means.engines).revoke(name)
    status(f"{name} may not ask any more.")


async def _require_possible(means: Desk, name: str, slugs: list[str]) -> None:
    live = [one.name for one in await GateClients(means.engines).listed() if not one.revoked_at]
    if name in live:
        raise UsageError(f"There is a client '{name}' already. Revoke it first.")
    directory = (await Registrar(means.engines).read()).directory
    for one in slugs:
        if directory.organization_of(one) is None:
            raise UsageError(f"There is no organization '{one}'.")


def _name(said: str) -> str:
    try:
        return slug(said)
    except FieldError:
        raise UsageError("NAME uses a-z, 0-9 and '-', 1 to 63 characters.") from None


def _organization(said: str) -> str:
    try:
        return slug(said.strip())
    except FieldError:
        raise UsageError("--organization takes slugs of organizations, with commas.") from None


def _places(one: GateClient, slugs: Mapping[OrganizationId, str]) -> list[str] | None:
    if one.organizations is None:
        return None
    return sorted(slugs[OrganizationId(organization)] for organization in one.organizations)


def _facts(one: GateClient) -> dict[str, object]:
    return one.model_dump(mode="json", exclude={"organizations"})


def _row(one: GateClient, places: list[str] | None) -> tuple[str, ...]:
    return (
        one.name,
        "ask and search" if one.may_search else "ask",
        "everywhere" if places is None else ", ".join(places),
        f"{one.made_at:%Y-%m-%d %H:%M} UTC",
        "" if one.revoked_at is None else f"{one.revoked_at:%Y-%m-%d %H:%M} UTC",
    )
