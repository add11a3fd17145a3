"""The commands on one request: grant, deny, withdraw, change-end, revoke, finish."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from approvals.commands import Command
from approvals.policy import Policy
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.views import RequestView
from starter.console import runs, status
from starter.desk import desk
from starter.giving import How, give
from starter.options import Message, Request, Why, WhyFile
from starter.requests import RequestDesk
from starter.times import end_of, said
from starter.typed import message_from, reason_from

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
    message: Message = None,
    *,
    how: How,
) -> None:
    """Let the people of a request in, until a date that you choose."""
    text = message_from(message, None)

    def build(seen: Seen) -> Command:
        view, zone, policy = seen
        ends_at = end_of(until, span, zone, no_end=no_end, shortest=policy.shortest_access)
        status(f"Grants {view.organization} access to {view.tenant_name}: {said(ends_at, zone)}.")
        return Grant(ends_at=ends_at, no_end=no_end, message=text, shown=view.shown)

    await _give_seen(request, build, how)


@runs
async def deny(
    request: Request, reason: Why = None, reason_file: WhyFile = None, *, how: How
) -> None:
    """Refuse a request, with a reason that its people will read."""
    why = reason_from(reason, reason_file, "denying this request")

    def build(seen: Seen) -> Command:
        status(f"Refuses {seen.view.organization} access to {seen.view.tenant_name}.")
        return Deny(reason=why, shown=seen.view.shown)

    await _give_seen(request, build, how)


@runs
async def withdraw(request: Request, *, how: How) -> None:
    """Take back a request that nobody has decided yet."""

    def build(seen: Seen) -> Command:
        status(f"Withdraws the request to {seen.view.tenant_name}.")
        return Withdraw()

    await _give_seen(request, build, how)


@runs
async def change_end(
    request: Request, until: Until = None, span: Span = None, no_end: NoEnd = False, *, how: How
) -> None:
    """Move, set or remove the end date of granted access."""

    def build(seen: Seen) -> Command:
        view, zone, policy = seen
        ends_at = end_of(until, span, zone, no_end=no_end, shortest=policy.shortest_access)
        status(f"Access of {view.organization} to {view.tenant_name}: {said(ends_at, zone)}.")
        return ChangeEnd(ends_at=ends_at, no_end=no_end, shown=view.shown)

    await _give_seen(request, build, how)


@runs
async def revoke(
    request: Request, reason: Why = None, reason_file: WhyFile = None, *, how: How
) -> None:
    """End granted access at once, and every open session with it."""
    why = reason_from(reason, reason_file, "revoking this access")

    def build(seen: Seen) -> Command:
        status(f"Ends access of {seen.view.organization} to {seen.view.tenant_name} now.")
        return Revoke(reason=why, shown=seen.view.shown)

    await _give_seen(request, build, how)


@runs
async def finish(
    request: Request,
    for_all: Annotated[
        bool, typer.Option("--for-all", help="For everybody whom it names (TM admins).")
    ] = False,
    *,
    how: How,
) -> None:
    """Be done before the end: gives your access back, or everybody's."""

    def build(seen: Seen) -> Command:
        status(f"Gives access to {seen.view.tenant_name} back.")
        return Finish(for_all=for_all)

    await _give_seen(request, build, how)


COMMANDS: tuple[Callable[..., Any], ...] = (grant, deny, withdraw, change_end, revoke, finish)


async def _give_seen(request: UUID, build: Build, how: How) -> None:
    """Look at the request, build the command on what is seen, and judge, print or send it."""
    async with desk() as at:
        requests = RequestDesk(at)
        state, view = await requests.viewed(request)
        command = build(Seen(view, await requests.zone_of(state), state.policy))
        await give(requests, request, command, how)
