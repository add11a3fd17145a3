"""The sessions that somebody has open, under processes of every kind, with the way to each."""

from datetime import datetime
from typing import NamedTuple

from approvals.customer_access.record import CustomerAccess, ends
from approvals.facts import Needed
from approvals.pairing.record import Pairing
from approvals.people import Directory
from approvals.tenant_access.record import TenantAccess
from approvals.transition import Session, State
from portal.desk import PortalDesk
from starter.times import now


class Open(NamedTuple):
    """One open session: its page, the form that ends it and the route of that form."""

    path: str
    end: str
    route: str
    name: str
    mode: str
    begun_at: datetime


async def visits(at: PortalDesk) -> list[Open]:
    """Return the viewer's open sessions, newest first."""
    opened = await at.inbox.sessions(at.viewer.person.id)
    if not opened:
        return []
    states = {one.process_id: one for one in await at.inbox.states([one.process for one in opened])}
    switches = [one for one in states.values() if isinstance(one, CustomerAccess)]
    needed = Needed(
        tenants=tuple({one.tenant: None for one in opened if one.tenant is not None}),
        organizations=tuple(one.partner for one in switches),
    )
    directory = await at.inbox.directory(needed)
    found = [_shown(one, states.get(one.process), directory) for one in opened]
    return [one for one in found if one is not None]


def _shown(session: Session, state: State | None, directory: Directory) -> Open | None:
    process, tenant = session.process, directory.tenant(session.tenant)
    name = "" if tenant is None else tenant.name
    match state:
        case TenantAccess():
            path, end = f"/sessions/{session.id}", f"/sessions/{session.id}/end"
            route = "/sessions/{process}/end"
        case Pairing():
            path = f"/pairings/{process}/sessions/{session.id}"
            end = f"/pairings/{process}/end_session/{session.id}"
            route = "/pairings/{process}/end_session/{item}"
        case CustomerAccess() if now() < ends(session):
            partner = directory.organization(state.partner)
            name = "" if partner is None else partner.name
            path, end = f"/customers/{process}", f"/customers/{process}/end_session/{session.id}"
            route = "/customers/{process}/end_session/{item}"
        case _:
            return None
    return Open(path, end, route, name, session.mode, session.begun_at)
