"""Sessions under a pairing: the way in of a support group's people, as themselves or as a clone."""

from typing import Any, NamedTuple
from uuid import UUID

from approvals.commands import Command
from approvals.errors import NotFoundError
from approvals.pairing.commands import BeginSession
from approvals.pairing.record import Pairing
from approvals.permissions import permission_for
from approvals.sessions import Mode
from approvals.transition import Session
from starter.pairing_desk import PairingDesk
from starter.process_desk import ProcessDesk


class Way(NamedTuple):
    """A way into a tenant: the process that leads there, and the command that opens it."""

    on: ProcessDesk
    process: UUID
    tenant_name: str
    remark: str  # ends the sentence that says what is about to be opened
    command: Command


async def way_in(pairings: PairingDesk, tenant: str, mode: Mode, *, as_clone: bool) -> Way:
    """Return the way in by the pairing that allows most in a tenant.

    Raises NotFoundError where no active pairing leads there.
    """
    found = await pairings.desk.pairings.ways_in(pairings.viewer, tenant)
    if not found:
        raise NotFoundError

    def rank(state: Pairing) -> tuple[bool, bool, int]:
        allowed = state.allowed(pairings.viewer)
        has_clone = state.clone_of(pairings.viewer) is not None
        return has_clone or not as_clone, permission_for(mode) in allowed, len(allowed)

    state = max(found, key=rank)
    _, view = await pairings.viewed(state.process_id)
    remark = " as your clone." if as_clone else "."
    command = BeginSession(mode=mode, as_clone=as_clone)
    return Way(pairings, state.process_id, view.tenant_name, remark, command)


def limits(state: Pairing, session: Session) -> dict[str, Any]:
    """Return what an assertion says beyond that of a request: permissions, and the clone."""
    visit = next((one for one in state.sessions if one.id == session.id), None)
    if visit is None:
        raise NotFoundError
    return {"permissions": tuple(sorted(state.allowed(visit.person))), "clone": visit.clone}
