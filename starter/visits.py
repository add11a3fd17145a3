"""My tenants, and sessions in them, from the command line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from approvals.errors import NotFoundError
from approvals.facts import Needed
from approvals.pairing.record import Pairing
from approvals.people import PersonId
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.slugs import slug
from approvals.tenant_access.record import Status, TenantAccess
from approvals.tenant_access.views import RequestView
from approvals.transition import Session
from identity import assertions
from identity.assertions import OpenSession
from identity.signing import SigningKey
from starter import pairing_visits, screens
from starter.console import (
    UsageError,
    command_group,
    confirmed,
    print_json,
    print_table,
    print_text,
    runs,
    status,
)
from starter.desk import Desk, desk
from starter.options import AsJson, DryRun, Yes
from starter.pairing_desk import PairingDesk
from starter.pairing_visits import Way
from starter.requests import RequestDesk
from starter.tenant_access import Statuses
from starter.times import said_utc
from starter.typed import checked, id_of

tenants = command_group("The tenants that requests named you for.")
sessions = command_group("Open a tenant that you may enter, and close it again.")
ASSERTION_KEY = "session-assertion.key"
OTHER_ASSERTION_KEY = "session-assertion.other.key"  # published too: the last one, or the next
SessionId = Annotated[
    UUID,
    typer.Argument(
        metavar="SESSION", parser=id_of, help="The session's id, from `gatehouse session list`."
    ),
]


@tenants.command("list")
@runs
async def list_tenants(statuses: Statuses = None, as_json: AsJson = False) -> None:
    """List every tenant that a request named you for, with the admin's answer and the way in."""
    async with desk() as at:
        requests = RequestDesk(at)
        wanted = [one.value for one in statuses or []]
        states = await at.inbox.named(requests.viewer, wanted)
        views = await requests.views(states)
        zone = await requests.zone()
    if as_json:
        print_json(views)
        return
    print_table(
        ["TENANT", "STATUS", "UNTIL", "THEIR ANSWER", "WAY IN"],
        [
            [
                f"{one.tenant_name} ({one.tenant})",
                one.status,
                screens.clock(one, zone),
                one.answer,
                _way(state, one, requests.viewer),
            ]
            for state, one in zip(states, views, strict=True)
        ],
    )


@sessions.command("begin")
@runs
async def begin(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's slug.")],
    mode: Annotated[
        Mode, typer.Option(help="configure lands on business units, support on employees.")
    ] = Mode.SUPPORT,
    as_clone: Annotated[
        bool, typer.Option("--as-clone", help="As your cloned user of a pairing.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Open a tenant. Prints the session's signed assertion, which lives for at most 5 minutes."""
    wanted = checked("TENANT", slug, tenant)
    async with desk() as at:
        way = None if as_clone else await _way_in(RequestDesk(at), wanted, mode)
        way = way or await pairing_visits.way_in(PairingDesk(at), wanted, mode, as_clone=as_clone)
        status(f"You are about to open {way.tenant_name} in mode {mode.value}{way.remark}")
        if dry_run:
            await way.on.judged(way.process, way.command)
            if as_json:
                print_json({"dry_run": True, "tenant": wanted, "mode": mode.value})
            status("Nothing was changed.")
            return
        if not confirmed(f"Open {way.tenant_name}?", yes=yes):
            raise UsageError("Not confirmed. Nothing was changed.")
        receipt = await way.on.give(way.process, way.command)
        await _print_assertion(at, UUID(receipt), as_json=as_json)


@sessions.command("assertion")
@runs
async def assertion(session: SessionId, as_json: AsJson = False) -> None:
    """Print a fresh assertion for an open session of yours, for the next 5 minutes."""
    async with desk() as at:
        await _print_assertion(at, session, as_json=as_json)


@sessions.command("end")
@runs
async def end(session: SessionId, dry_run: DryRun = False) -> None:
    """Close a session of yours."""
    async with desk() as at:
        found = await _session(at, session)
        is_paired = isinstance(await at.inbox.state(found.process), Pairing)
        on = PairingDesk(at) if is_paired else RequestDesk(at)
        if dry_run:
            await on.judged(found.process, EndSession(session=session))
            status("Nothing was changed. The session would end.")
            return
        await on.give(found.process, EndSession(session=session))
        status("The session is closed.")


@sessions.command("list")
@runs
async def list_sessions(as_json: AsJson = False) -> None:
    """List your open sessions."""
    async with desk() as at:
        requests = RequestDesk(at)
        found = [one for one in await at.inbox.sessions(requests.viewer) if await _is_open(at, one)]
        places = tuple(one.tenant for one in found if one.tenant is not None)
        directory = await at.inbox.directory(Needed(tenants=places))
        slugs = {one.id: one.slug for one in directory.tenants}
    if as_json:
        print_json(found)
        return
    print_table(
        ["SESSION", "TENANT", "MODE", "SINCE"],
        [
            [
                str(one.id),
                slugs.get(one.tenant) if one.tenant else "",
                one.mode,
                said_utc(one.begun_at),
            ]
            for one in found
        ],
    )


def _way(state: TenantAccess, view: RequestView, viewer: PersonId) -> str:
    is_open = state.status is Status.GRANTED and viewer not in state.finished
    return f"gatehouse session begin {view.tenant}" if is_open else ""


async def _way_in(requests: RequestDesk, tenant: str, mode: Mode) -> Way | None:
    """Return the way in by the granted request for this tenant that lasts longest, or None.

    One that the person has finished is taken only where there is no other: its refusal says so.
    """
    granted = await requests.desk.inbox.named(requests.viewer, [Status.GRANTED.value])
    pairs = zip(granted, await requests.views(granted), strict=True)
    found = [pair for pair in pairs if pair[1].tenant == tenant]
    if not found:
        return None
    latest = datetime.max.replace(tzinfo=UTC)

    def rank(pair: tuple[TenantAccess, RequestView]) -> tuple[bool, datetime]:
        return requests.viewer not in pair[0].finished, pair[0].ends_at or latest

    state, view = max(found, key=rank)
    answer = f'. They say: "{view.answer}"' if view.answer else "."
    command = BeginSession(mode=mode)
    return Way(requests, state.process_id, view.tenant_name, answer, command)


async def _session(at: Desk, wanted: UUID) -> Session:
    mine = await at.inbox.sessions(RequestDesk(at).viewer)
    found = next((one for one in mine if one.id == wanted), None)
    if found is None:
        raise NotFoundError
    return found


def assertion_keys(folder: Path) -> tuple[SigningKey, ...]:
    """Return the key that signs assertions, and the other one that counts while they change."""
    other = folder / OTHER_ASSERTION_KEY
    both = [folder / ASSERTION_KEY, *([other] if other.exists() else [])]
    return tuple(SigningKey.read(one) for one in both)


async def _is_open(at: Desk, session: Session) -> bool:
    return (await at.gate.check_session(session)).is_open


async def _print_assertion(at: Desk, wanted: UUID, *, as_json: bool) -> None:
    session = await _session(at, wanted)
    state = await at.inbox.state(session.process)
    if not isinstance(state, TenantAccess | Pairing) or session.tenant is None:
        raise NotFoundError
    if not await _is_open(at, session):
        raise NotFoundError
    key = assertion_keys(at.settings.keys)[0]
    opened = OpenSession(
        id=session.id,
        person=session.person,
        tenant=session.tenant,
        mode=session.mode,
        ends_at=state.ends_at if isinstance(state, TenantAccess) else None,
        **(pairing_visits.limits(state, session) if isinstance(state, Pairing) else {}),
    )
    token = assertions.minted(opened, key, at.settings.issuer, datetime.now(UTC))
    if as_json:
        print_json({"session": str(session.id), "mode": session.mode, "assertion": token})
        return
    status(f"Session {session.id} is open. Its assertion, for the next 5 minutes at most:")
    print_text(token)
