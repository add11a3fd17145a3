"""The commands on one request: grant, deny, withdraw, change-end, revoke, finish."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from approvals import authority, tenant_access
from approvals.commands import ChangeEnd, Command, Deny, Finish, Grant, Revoke, Withdraw
from approvals.transition import State
from approvals.views import RequestView
from starter.console import AsJson, DryRun, print_json, runs, status
from starter.desk import desk
from starter.requests import RequestDesk
from starter.times import end_of, now, said
from starter.typed import message_from, reason_from

Request = Annotated[UUID, typer.Argument(help="The request's id.", show_default=False)]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", help="A date (its end), a local time in the tenant's zone, or RFC 3339."
    ),
]
Span = Annotated[str | None, typer.Option("--for", help="How long from now, e.g. 8h or 14d.")]
NoEnd = Annotated[bool, typer.Option("--no-end", help="Without an end date, where policy allows.")]
Text = Annotated[
    str | None, typer.Option("--message", help="For the other side; at most 2,000 characters.")
]
Why = Annotated[str | None, typer.Option("--reason", help="Why; everybody concerned reads it.")]
WhyFile = Annotated[Path | None, typer.Option("--reason-file", help="Read the reason from a file.")]
SignOnly = Annotated[
    bool,
    typer.Option("--sign-only", help="Print the signed command and the Temporal line to send it."),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the answer, or leave it with Temporal.")
]
Build = Callable[[RequestView, ZoneInfo], Command]


@runs
async def grant(
    request: Request,
    until: Until = None,
    span: Span = None,
    no_end: NoEnd = False,
    message: Text = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Let the people of a request in, until a date that you choose."""
    text = message_from(message, None)

    def build(view: RequestView, zone: ZoneInfo) -> Command:
        ends_at = end_of(until, span, zone)
        status(f"Grants {view.organization} access to {view.tenant_name}: {said(ends_at, zone)}.")
        return Grant(ends_at=ends_at, no_end=no_end, message=text, shown=view.shown)

    await _give(request, build, ("approve", dry_run, sign_only, wait, as_json))


@runs
async def deny(
    request: Request,
    reason: Why = None,
    reason_file: WhyFile = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Refuse a request, with a reason that its people will read."""
    why = reason_from(reason, reason_file, "denying this request")

    def build(view: RequestView, zone: ZoneInfo) -> Command:
        status(f"Refuses {view.organization} access to {view.tenant_name}.")
        return Deny(reason=why, shown=view.shown)

    await _give(request, build, ("deny", dry_run, sign_only, wait, as_json))


@runs
async def withdraw(
    request: Request,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Take back a request that nobody has decided yet."""

    def build(view: RequestView, zone: ZoneInfo) -> Command:
        status(f"Withdraws the request to {view.tenant_name}.")
        return Withdraw()

    await _give(request, build, ("withdraw", dry_run, sign_only, wait, as_json))


@runs
async def change_end(
    request: Request,
    until: Until = None,
    span: Span = None,
    no_end: NoEnd = False,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Move, set or remove the end date of granted access."""

    def build(view: RequestView, zone: ZoneInfo) -> Command:
        ends_at = end_of(until, span, zone)
        status(f"Access of {view.organization} to {view.tenant_name}: {said(ends_at, zone)}.")
        return ChangeEnd(ends_at=ends_at, no_end=no_end, shown=view.shown)

    await _give(request, build, ("change_end", dry_run, sign_only, wait, as_json))


@runs
async def revoke(
    request: Request,
    reason: Why = None,
    reason_file: WhyFile = None,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """End granted access at once, and every open session with it."""
    why = reason_from(reason, reason_file, "revoking this access")

    def build(view: RequestView, zone: ZoneInfo) -> Command:
        status(f"Ends access of {view.organization} to {view.tenant_name} now.")
        return Revoke(reason=why, shown=view.shown)

    await _give(request, build, ("revoke", dry_run, sign_only, wait, as_json))


@runs
async def finish(
    request: Request,
    for_all: Annotated[
        bool, typer.Option("--for-all", help="For everybody whom it names (TM admins).")
    ] = False,
    dry_run: DryRun = False,
    sign_only: SignOnly = False,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Be done before the end: gives your access back, or everybody's."""

    def build(view: RequestView, zone: ZoneInfo) -> Command:
        status(f"Gives access to {view.tenant_name} back.")
        return Finish(for_all=for_all)

    await _give(request, build, ("finish", dry_run, sign_only, wait, as_json))


COMMANDS: tuple[Callable[..., Any], ...] = (grant, deny, withdraw, change_end, revoke, finish)


async def _give(request: UUID, build: Build, how: tuple[str, bool, bool, bool, bool]) -> None:
    """Look at the request, build the command on what is seen, and judge, print or send it."""
    name, dry_run, sign_only, wait, as_json = how
    async with desk() as at:
        requests = RequestDesk(at)
        state, view, directory = await requests.viewed(request)
        command = build(view, await requests.zone_of(state))
        if dry_run:
            authority.require_role(state, command, requests.viewer, directory)
            after = tenant_access.apply(state, command, requests.viewer, now()).after
            _say_dry(after, as_json=as_json)
        elif sign_only:
            requests.print_signed(request, command, name, as_json=as_json)
        else:
            await requests.give(request, command, wait=wait)
            if not wait:
                status("Left with Temporal; its outcome will stand on the timeline.")
                return
            _, after_view, _ = await requests.viewed(request)
            if as_json:
                print_json(after_view.model_dump(mode="json"))
            status(f"Done: the request is {after_view.status}.")


def _say_dry(after: State, *, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": True, "status": after.status, "due": after.due})
    status(f"Nothing was changed. With this command the request would be {after.status}.")
