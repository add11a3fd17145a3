"""The way into an open session: its page, with an assertion that is good for five minutes."""

from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.errors import NotFoundError
from approvals.people import TenantId
from approvals.transition import Session
from identity import assertions
from identity.assertions import OpenSession
from portal import guard
from portal.desk import PortalDesk
from portal.render import page
from starter.times import now

RENEWED = 120  # seconds between two ways into an open session, each good for five minutes


async def own(at: PortalDesk, wanted: UUID) -> Session:
    """Return an open session of the viewer's. Raises NotFoundError."""
    mine = await at.inbox.sessions(at.viewer.person.id)
    found = next((one for one in mine if one.id == wanted), None)
    if found is None:
        raise NotFoundError
    return found


async def let_in(at: PortalDesk, session: Session) -> TenantId:
    """Return the tenant into which the gate lets a session. Raises NotFoundError."""
    if session.tenant is None or not (await at.gate.check_session(session)).is_open:
        raise NotFoundError
    return session.tenant


def way_in_page(
    request: Request, at: PortalDesk, template: str, opened: OpenSession, **facts: Any
) -> Response:
    """Render the page of an open session, with a fresh assertion."""
    moment, target = now(), at.settings.target_url
    ends_at = moment + assertions.LIFE
    if target is not None:
        request.scope[guard.TARGET] = guard.origin_of(target)
    return page(
        request,
        template,
        session=opened,
        assertion=assertions.minted(
            opened, at.parts.keys.assertions[0], at.settings.issuer, moment
        ),
        good_until=ends_at if opened.ends_at is None else min(ends_at, opened.ends_at),
        target=target,
        **facts,
    )


def pulse_of(opened: OpenSession) -> str:
    """Return a pulse that changes when the way in should be renewed."""
    return f"{opened.id} {int(now().timestamp() // RENEWED)}"
