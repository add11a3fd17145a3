"""Customers' access to the platform on the command line; `python -m starter.customer_access`."""

from typing import Annotated

import typer

from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.record import Status, process_id_of, shown_digest
from approvals.errors import NotFoundError
from approvals.sessions import EndSession
from starter import showing
from starter.client import UnreachableError
from starter.console import UsageError, command_group, confirmed, print_json, runs, status
from starter.customers import CustomerDesk, print_list, print_view
from starter.desk import desk
from starter.giving import How, HowSent, give
from starter.options import AsJson, Yes

app = command_group("Let a customer's people sign in to the platform, or not.")
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


@app.command("list")
@runs
async def list_customers(partner: ForPartner = None, as_json: AsJson = False) -> None:
    """List every customer that you serve, with switch and status; or the partners you have."""
    async with desk() as at:
        customers = CustomerDesk(at)
        lines = await customers.listed(partner)
        if as_json:
            print_json(lines)
            return
        print_list(lines, await customers.zone())


@app.command()
@runs
async def show(name: Other, partner: ForPartner = None, as_json: AsJson = False) -> None:
    """Show how one customer stands, and what happened so far, mails included."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(name, partner)
        await showing.show(customers, process, print_view, as_json=as_json)


@app.command()
@runs
async def enable(customer: Customer, partner: ForPartner = None, *, how: How) -> None:
    """Switch a customer on. Once somebody there has accepted the terms, its people sign in."""
    async with desk() as at:
        customers = CustomerDesk(at)
        first, second = await customers.place(customer, partner, is_customer=True)
        process = process_id_of(first.id, second.id)
        is_new = await at.inbox.state(process) is None
        if how.sign_only and is_new:
            raise UsageError("--sign-only needs a customer that was switched on before.")
        command = Enable(customer=second.slug, partner=partner)
        status(f"Switches {second.name} on.")
        try:
            await give(customers, process, command, how)
        except UnreachableError:
            if not is_new or await at.inbox.state(process) is None:
                raise
            await give(customers, process, command, how)  # somebody else was first: say so


@app.command()
@runs
async def disable(customer: Customer, partner: ForPartner = None, *, how: How) -> None:
    """Switch a customer off: its people cannot sign in to the platform, and open visits end."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(customer, partner)
        _, view = await customers.viewed(process)
        status(f"Switches {view.customer_name} off.")
        await give(customers, process, Disable(), how)


@app.command()
@runs
async def accept(
    partner: Partner,
    terms: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The version that you have read; else the newest."),
    ] = None,
    yes: Yes = False,
    *,
    how: How,
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
        is_asked = not (how.dry_run or how.sign_only)
        if is_asked and not confirmed(f"Accept them for {view.customer_name}?", yes=yes):
            raise UsageError("Not confirmed. Nothing was changed.")
        command = AcceptTerms(shown=shown_digest(state.partner, state.customer, read))
        done = f"the terms are accepted for {view.customer_name}; its people can sign in."
        await give(customers, process, command, how, done=done)


@app.command("sign-in")
@runs
async def sign_in(partner: Partner, how: HowSent) -> None:
    """Sign in to the platform for at most 12 hours; an earlier visit of yours ends.

    Prints the visit's id.
    """
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(partner)
        _, view = await customers.viewed(process)
        done = f"you are signed in to the platform ({view.partner_name})."
        await give(customers, process, BeginSession(), how, done=done)


@app.command("sign-out")
@runs
async def sign_out(partner: Partner, how: HowSent) -> None:
    """End your visit to the platform."""
    async with desk() as at:
        customers = CustomerDesk(at)
        process = await customers.meant(partner)
        _, view = await customers.viewed(process)
        if view.visit is None:
            raise NotFoundError
        done = f"you are signed out of the platform ({view.partner_name})."
        await give(customers, process, EndSession(session=view.visit), how, done=done)


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
        await showing.watch(customers, await customers.meant(name, partner), until)


if __name__ == "__main__":
    app()
