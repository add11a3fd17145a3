"""The commands on one request: grant, deny, withdraw, change-end, revoke, finish."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from approvals.commands import Command
from approvals.policy import Policy
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import TenantAccess
from approvals.tenant_access.views import RequestView
from starter.console import AsJson, DryRun, UsageError, print_json, runs, status
from starter.desk import desk
from starter.requests import RequestDesk
from starter.times import end_of, said
from starter.typed import id_of, message_from, reason_from

Request = Annotated[UUID, typer.Argument(metavar="REQUEST", parser=id_of, help="The request's id.")]
Until = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="DATE",
        help="A date (its end), a local time in the tenant's zone, or RFC 3339.",
    ),
]
Span = Annotated[
    str | None,
    typer.Option("--for", metavar="SPAN", help="How long from now, for example 8h or 14d."),
]
NoEnd = Annotated[bool, typer.Option("--no-end", help="Without an end date, where policy allows.")]
Text = Annotated[
    str | None,
    typer.Option("--message", metavar="TEXT", help="For the other side; at most 2,000 characters."),
]
Why = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why; everybody concerned reads it."),
]
WhyFile = Annotated[
    Path | None,
    typer.Option("--reason-file", metavar="FILE", help="Read the reason from a file."),
]
SignOnly = Annotated[
    bool,
    typer.Option("--sign-only", help="Print the signed command and the Temporal line to send it."),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the answer, or leave it with Temporal.")
]


class Seen(NamedTuple):
    """What a command is built on: the request as its person sees it, the tenant's clock, limits."""

    view: RequestView
    zone: ZoneInfo
    policy: Policy


Build = Callable[[Seen], Command]


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

    def build(seen: Seen) -> Command:
        view, zone, policy = seen
        ends_at = end_of(until, span, zone, no_end=no_end, shortest=policy.shortest_access)
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

    def build(seen: Seen) -> Command:
        status(f"Refuses {seen.view.organization} access to {seen.view.tenant_name}.")
        return Deny(reason=why, shown=seen.view.shown)

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

    def build(seen: Seen) -> Command:
        status(f"Withdraws the request to {seen.view.tenant_name}.")
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

    def build(seen: Seen) -> Command:
        view, zone, policy = seen
        ends_at = end_of(until, span, zone, no_end=no_end, shortest=policy.shortest_access)
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

    def build(seen: Seen) -> Command:
        status(f"Ends access of {seen.view.organization} to {seen.view.tenant_name} now.")
        return Revoke(reason=why, shown=seen.view.shown)

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

    def build(seen: Seen) -> Command:
        status(f"Gives access to {seen.view.tenant_name} back.")
        return Finish(for_all=for_all)

    await _give(request, build, ("finish", dry_run, sign_only, wait, as_json))


COMMANDS: tuple[Callable[..., Any], ...] = (grant, deny, withdraw, change_end, revoke, finish)


async def _give(request: UUID, build: Build, how: tuple[str, bool, bool, bool, bool]) -> None:
    """Look at the request, build the command on what is seen, and judge, print or send it."""
    name, dry_run, sign_only, wait, as_json = how
    if dry_run and sign_only:
        raise UsageError("Give --dry-run or --sign-only, not both.")
    async with desk() as at:
        requests = RequestDesk(at)
        state, view, _ = await requests.viewed(request)
        command = build(Seen(view, await requests.zone_of(state), state.policy))
        if dry_run:
            _say_dry(await requests.judged(state, command), as_json=as_json)
        elif sign_only:
            requests.print_signed(request, command, name, as_json=as_json)
        else:
            await requests.give(request, command, wait=wait)
            await _say_given(requests, request, wait=wait, as_json=as_json)


def _say_dry(after: TenantAccess, *, as_json: bool) -> None:
    if as_json:
        shown = after.model_dump(mode="json", include={"status", "ends_at", "no_end"})
        print_json({"dry_run": True, **shown})
    status(f"Nothing was changed. With this command the request would be {after.status}.")


async def _say_given(requests: RequestDesk, request: UUID, *, wait: bool, as_json: bool) -> None:
    _, view, _ = await requests.viewed(request)
    if as_json:
        print_json({**view.model_dump(mode="json"), "waited": wait})
    if wait:
        status(f"Done: the request is {view.status}.")
    else:
        status("Left with Temporal; its outcome will stand on the timeline.")
