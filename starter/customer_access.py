"""Customers' access to the platform on the command line; `python -m starter.customer_access`."""

from typing import Annotated, NamedTuple
from uuid import UUID

import typer

from approvals.commands import Command
from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.record import Status, process_id_of, shown_digest
from approvals.errors import NotFoundError
from approvals.sessions import EndSession
from starter import screens
from starter.client import UnreachableError
from starter.console import AsJson, DryRun, UsageError, confirmed, print_json, runs, status
from starter.customers import WORDS, CustomerDesk, print_list, print_view, watched
from starter.decisions import SignOnly, Wait
from starter.desk import desk
from starter.visits import Yes

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Let a customer's people sign in to the platform, or not.",
)
Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's slug.")]
Partner = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's slug.")]
Other = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The customer's slug (for its own people the partner's), or an id."
    ),
]
ForPartner = Annotated[
    str | None, typer.Option("--partner", metavar="SLUG", help="Of which partner (operators).")
]


class How(NamedTuple):
    """How a command is given."""

    dry_run: bool = False
    sign_only: bool = False
    wait: bool = True
    as_json: bool = False


@app.command("list")
@runs
async def list_customers(partner: ForPartner = None, as_json: AsJson = False) -> None:
    """List every customer that you serve, with switch and status; or the partners you have."""
    async with desk() as at:
        customers = CustomerDesk(at)
        lines = await customers.listed(partner)
        if as_json:
            print_json([one.model_dump(mode="json") for one in lines])
            return
        print_list(lines, await customers.zone())


@app.command()
@runs
async def show(name: Other, partner: ForPartner = None, as_json: AsJson = False) -> None:
    """Show how one customer stands, and what happened so far, mails included."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(name, partner)
        _, view = await customers.viewed(process)
        lines = await customers.lines(process)
        if as_json:
            timeline = [one.model_dump(mode="json") for one in lines]
            print_json({**view.model_dump(mode="json"), "timeline": timeline})
            return
        zone = await customers.zone()
        print_view(view, zone)
        status("Timeline")
        screens.timeline(lines, zone)


@app.command()
@runs
async def enable(
    customer: Customer,
    partner: ForPartner = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Switch a customer on. Once somebody there has accepted the terms, its people sign in."""
    async with desk() as at:
        customers = CustomerDesk(at)
        first, second = await customers.place(customer, partner, is_customer=True)
        process = process_id_of(first.id, second.id)
        is_new = await at.inbox.state(process) is None
        if sign_only and is_new:
            raise UsageError("--sign-only needs a customer that was switched on before.")
        command = Enable(customer=second.slug, partner=partner)
        status(f"Switches {second.name} on.")
        how = How(dry_run, sign_only, wait, as_json)
        try:
            await _give(customers, process, command, how)
        except UnreachableError:
            if not is_new or await at.inbox.state(process) is None:
                raise
            await _give(customers, process, command, how)  # somebody else was first: say so


@app.command()
@runs
async def disable(
    customer: Customer,
    partner: ForPartner = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Switch a customer off: its people cannot sign in to the platform, and open visits end."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(customer, partner)
        _, view = await customers.viewed(process)
        status(f"Switches {view.customer_name} off.")
        await _give(customers, process, Disable(), How(dry_run, sign_only, wait, as_json))


@app.command()
@runs
async def accept(
    partner: Partner,
    terms: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The version that you have read; else the newest."),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Accept the platform's terms of use for your organization, once for everybody in it."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(partner)
        state, view = await customers.viewed(process)
        read = terms or view.terms
        status(f"The terms of use for {view.customer_name}, version {read}.")
        if customers.terms.page is not None:
            status(f"Read them at {customers.terms.page}")
        is_asked = not (dry_run or sign_only)
        if is_asked and not confirmed(f"Accept them for {view.customer_name}?", yes=yes):
            raise UsageError("Not confirmed. Nothing was changed.")
        command = AcceptTerms(shown=shown_digest(state.partner, state.customer, read))
        done = f"Done: the terms are accepted for {view.customer_name}; its people can sign in."
        await _give(customers, process, command, How(dry_run, sign_only, wait, as_json), done)


@app.command("sign-in")
@runs
async def sign_in(
    partner: Partner, dry_run: DryRun = False, wait: Wait = True, as_json: AsJson = False
) -> None:
    """Sign in to the platform for at most 12 hours; an earlier visit of yours ends."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(partner)
        _, view = await customers.viewed(process)
        how = How(dry_run, wait=wait, as_json=as_json)
        done = f"Done: you are signed in to the platform ({view.partner_name})."
        await _give(customers, process, BeginSession(), how, done)


@app.command("sign-out")
@runs
async def sign_out(
    partner: Partner, dry_run: DryRun = False, wait: Wait = True, as_json: AsJson = False
) -> None:
    """End your visit to the platform."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(partner)
        _, view = await customers.viewed(process)
        if view.visit is None:
            raise NotFoundError
        how = How(dry_run, wait=wait, as_json=as_json)
        done = f"Done: you are signed out of the platform ({view.partner_name})."
        await _give(customers, process, EndSession(session=view.visit), how, done)


@app.command()
@runs
async def watch(
    name: Other,
    partner: ForPartner = None,
    until: Annotated[
        Status | None, typer.Option(help="End once it is so; else with Ctrl-C.")
    ] = None,
) -> None:
    """Show what happens to a customer's access while it happens."""
    async with desk() as at:
        customers = CustomerDesk(at)
        await watched(customers, await customers.meant(name, partner), until)


async def _give(
    customers: CustomerDesk, process: UUID, command: Command, how: How, done: str | None = None
) -> None:
    """Judge, print or send one command, and say that it is *done*, or how the customer stands."""
    if how.dry_run and how.sign_only:
        raise UsageError("Give --dry-run or --sign-only, not both.")
    if how.dry_run:
        after = (await customers.judged(process, command)).after
        if how.as_json:
            print_json({"dry_run": True, "status": after.status})
        status(f"Nothing was changed. With this command it would be {WORDS[after.status]}.")
        return
    if how.sign_only:
        customers.print_signed(process, command, as_json=how.as_json)
        return
    await customers.give(process, command, wait=how.wait)
    if not how.wait:
        status("Left with Temporal; its outcome will stand on the timeline.")
        return
    _, view = await customers.viewed(process)
    if how.as_json:
        print_json(view.model_dump(mode="json"))
    status(done or f"Done: {view.customer_name} is {WORDS[view.status]}.")


if __name__ == "__main__":
    app()
