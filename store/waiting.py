"""What waits for somebody in processes of every kind, beside the requests to decide."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from approvals import rules
from approvals.contacts.record import KIND as CONTACTS
from approvals.customer_access.record import KIND as CUSTOMER_ACCESS
from approvals.customer_access.record import Status as Switched
from approvals.pairing.record import KIND as PAIRING
from approvals.pairing.record import Status as Paired
from approvals.people import SITE_ROLES, PersonId, Role
from approvals.permissions import roles_with
from approvals.site_access.record import KIND as SITE_ACCESS
from approvals.site_access.record import Status as Asked
from approvals.transition import State
from store import access_tables as a
from store import tables as t
from store.engine import Engines

FIRST = 100  # processes of each part that are looked at
SERVED = exists().where(
    t.serves.c.server_id == t.process.c.organization_id,
    t.serves.c.customer_id == t.process.c.customer_id,
)
ANSWERED = ("pairing.authorize", "pairing.assign", "consent.decide")


class Waiting:
    """Reads what may wait for somebody. The caller judges, by the directory, what does."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def of(self, viewer: PersonId) -> list[State]:
        """Return the processes that may wait for the viewer: of each part the FIRST, newest first.

        They are pairings to answer or to enter under, platform access whose terms nobody has
        accepted, people who ask for access to a site, and contacts to review.
        """
        queries = [
            select(t.process.c.kind, t.process.c.state)
            .where(part)
            .order_by(t.process.c.begun_at.desc(), t.process.c.id)
            .limit(FIRST)
            for part in _parts(viewer).values()
        ]
        found: list[State] = []
        async with self._engines.read.connect() as connection:
            for query in queries:
                rows = (await connection.execute(query)).all()
                found += [rules.restored(row.kind, row.state) for row in rows]
        return list({one.process_id: one for one in found}.values())

    async def pulse(self, viewer: PersonId) -> str:
        """Return a text that is the same as long as none of these processes has changed."""
        query = (
            select(t.process.c.id, t.process.c.version)
            .where(or_(*_parts(viewer).values()))
            .order_by(t.process.c.begun_at.desc(), t.process.c.id)
            .limit(FIRST)
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return " ".join(f"{row.id}.{row.version}" for row in rows)

    async def terms(self, viewer: PersonId) -> UUID | None:
        """Return the platform access whose terms wait for the viewer, or None.

        It is that of the customer whose trust admin they are, or an admin of a tenant of whose.
        """
        own = select(t.person.c.organization_id).where(t.person.c.id == viewer)
        tenants = select(t.tenant.c.organization_id).where(
            t.tenant.c.id.in_(_scopes(viewer, Role.TENANT_ADMIN))
        )
        customer = t.process.c.customer_id
        query = (
            select(t.process.c.id)
            .where(
                t.process.c.kind == CUSTOMER_ACCESS,
                t.process.c.status == Switched.PENDING.value,
                customer.in_(own),
                or_(customer.in_(tenants), customer.in_(_scopes(viewer, Role.TRUST_ADMIN))),
                SERVED,
            )
            .order_by(t.process.c.begun_at, t.process.c.id)
            .limit(1)
        )
        async with self._engines.read.connect() as connection:
            found: UUID | None = (await connection.execute(query)).scalar()
        return found


def _parts(viewer: PersonId) -> Mapping[str, ColumnElement[bool]]:
    kind, status = t.process.c.kind, t.process.c.status
    sites = t.process.c.site_id.in_(_scopes(viewer, *SITE_ROLES))
    answering = {role for permission in ANSWERED for role in roles_with(permission)}
    own = select(t.person.c.organization_id).where(t.person.c.id == viewer)
    groups = select(t.team_member.c.team_id).where(t.team_member.c.person_id == viewer)
    passes = select(a.pairing_pass.c.process_id).where(a.pairing_pass.c.team_id.in_(groups))
    open_to_answers = [one.value for one in (Paired.OFFERED, Paired.PAIRED, Paired.ACTIVE)]
    return {
        "answer": and_(
            kind == PAIRING,
            status.in_(open_to_answers),
            t.process.c.customer_id.in_(_scopes(viewer, *answering)),
        ),
        "enter": and_(kind == PAIRING, status == Paired.ACTIVE.value, t.process.c.id.in_(passes)),
        "terms": and_(
            kind == CUSTOMER_ACCESS,
            status == Switched.PENDING.value,
            t.process.c.customer_id.in_(own),
            SERVED,
        ),
        "ask": and_(kind == SITE_ACCESS, status == Asked.ASKED.value, sites),
        "review": and_(kind == CONTACTS, sites),
    }


def _scopes(viewer: PersonId, *roles: Role) -> Select[Any]:
    held = t.role_assignment
    return select(held.c.scope_id).where(
        held.c.person_id == viewer, held.c.role.in_([one.value for one in roles])
    )
