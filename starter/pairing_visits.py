"""Sessions under a pairing: the way in of a support group's people, as themselves or as a clone."""

from typing import Any, NamedTuple
from uuid import UUID

from approvals.errors import NotFoundError
from approvals.pairing.commands import BeginSession
from approvals.pairing.record import Pairing
from approvals.permissions import permission_for
from approvals.sessions import Mode
from approvals.transition import Session
from starter.console import UsageError, confirmed, print_json, status
from starter.desk import Desk
from starter.pairing_desk import PairingDesk


class How(NamedTuple):
    """How a session is begun."""

    mode: Mode
    as_clone: bool
    yes: bool
    dry_run: bool
    as_json: bool


async def begin(at: Desk, tenant: str, how: How) -> UUID | None:
    """Open a tenant under the pairing that allows most of it; return the session.

    Returns None for a dry run. Raises NotFoundError where no active pairing leads there.
    """
    pairings = PairingDesk(at)
    found = await at.pairings.ways_in(pairings.viewer, tenant)
    if not found:
        raise NotFoundError
    state = max(found, key=lambda one: _rank(one, pairings, how))
    _, view = await pairings.viewed(state.process_id)
    whom = " as your clone" if how.as_clone else ""
    status(f"You are about to open {view.tenant_name} in mode {how.mode.value}{whom}.")
    command = BeginSession(mode=how.mode, as_clone=how.as_clone)
    if how.dry_run:
        await pairings.judged(state.process_id, command)
        if how.as_json:
            print_json({"dry_run": True, "tenant": tenant, "mode": how.mode.value})
        status("Nothing was changed.")
        return None
    if not confirmed(f"Open {view.tenant_name}?", yes=how.yes):
        raise UsageError("Not confirmed. Nothing was changed.")
    return UUID(await pairings.give(state.process_id, command))


def limits(state: Pairing, session: Session) -> dict[str, Any]:
    """Return what an assertion says beyond that of a request: permissions, and the clone."""
    visit = next((one for one in state.sessions if one.id == session.id), None)
    if visit is None:
        raise NotFoundError
    return {"permissions": tuple(sorted(state.allowed(visit.person))), "clone": visit.clone}


def _rank(state: Pairing, pairings: PairingDesk, how: How) -> tuple[bool, bool, int]:
    allowed = state.allowed(pairings.viewer)
    has_clone = state.clone_of(pairings.viewer) is not None
    return has_clone or not how.as_clone, permission_for(how.mode) in allowed, len(allowed)
