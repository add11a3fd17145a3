"""Lists of pairings, and the cloned users that show among the customers' people."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from approvals.facts import Kin
from approvals.pairing.record import KIND, Pairing, Status
from approvals.people import PersonId, Role
from approvals.permissions import roles_with
from approvals.records import Record
from store import access_tables as a
from store import tables as t
from store.engine import Engines
from store.listing import newest_first

PAGE = 200
VENDOR = t.organization.alias("vendor")
CUSTOMER = t.organization.alias("customer")


class ListedClone(Record):
    """A cloned user as the customer's list of people shows it: with the vendor's address."""

    id: UUID
    email: str
    name: str
    organization: str
    vendor: str
    tenant: str
    locale: str
    time_zone: str
    active: bool


class Pairings:
    """Reads pairings for people: only those in which the viewer has a part."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def of(
        self,
        viewer: PersonId,
        statuses: Sequence[str] = (),
        limit: int = PAGE,
        after: UUID | None = None,
    ) -> list[Pairing]:
        """Return the pairings of the viewer's side, newest first; *after* is the last one before.

        Agents see their vendor's, people of a group those that were active once, the customer's
        side its own, and operators what they offered.
        """
        mine = or_(
            t.process.c.organization_id.in_(_scopes(viewer, (Role.SUPPORT_AGENT,))),
            t.process.c.customer_id.in_(_scopes(viewer, roles_with("pairing.view"))),
            t.process.c.id.in_(_of_groups(viewer)),
            and_(t.process.c.requester_id == viewer, _speaks(viewer)),
        )
        query: Select[Any] = select(t.process.c.state).where(t.process.c.kind == KIND, mine)
        return await self._read(newest_first(query, statuses, limit, after))

    async def ways_in(self, viewer: PersonId, tenant: str) -> list[Pairing]:
        """Return the active pairings of the viewer's groups with a tenant, newest first."""
        query = (
            select(t.process.c.state)
            .join(t.tenant, t.tenant.c.id == t.process.c.tenant_id)
            .where(
                t.process.c.kind == KIND,
                t.process.c.status == Status.ACTIVE.value,
                t.process.c.id.in_(_of_groups(viewer)),
                t.tenant.c.slug == tenant,
            )
            .order_by(t.process.c.begun_at.desc(), t.process.c.id)
        )
        return await self._read(query)

    async def kin(self, subject: str) -> Kin:
        """Return the open pairing of a group and a tenant, if there is one."""
        query = select(t.process.c.id).where(
            t.process.c.subject == subject, t.process.c.is_closed.is_(False)
        )
        async with self._engines.read.connect() as connection:
            return Kin(open=(await connection.execute(query)).scalars().first())

    async def clones(self) -> list[ListedClone]:
        """Return every cloned user that is there now, ordered by customer and address."""
        query = (
            select(
                a.clone.c.id,
                t.person.c.email,
                t.person.c.name,
                CUSTOMER.c.slug.label("organization"),
                VENDOR.c.slug.label("vendor"),
                t.tenant.c.slug.label("tenant"),
                t.person.c.locale,
                t.person.c.time_zone,
                t.person.c.is_active.label("active"),
            )
            .join(t.person, t.person.c.id == a.clone.c.person_id)
            .join(VENDOR, VENDOR.c.id == t.person.c.organization_id)
            .join(t.tenant, t.tenant.c.id == a.clone.c.tenant_id)
            .join(CUSTOMER, CUSTOMER.c.id == t.tenant.c.organization_id)
            .where(a.clone.c.removed_at.is_(None))
            .order_by(CUSTOMER.c.slug, t.person.c.email_key)
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [ListedClone.model_validate(dict(row)) for row in rows]

    async def _read(self, query: Select[Any]) -> list[Pairing]:
        async with self._engines.read.connect() as connection:
            texts = (await connection.execute(query)).scalars().all()
        return [Pairing.model_validate_json(text) for text in texts]


def _scopes(viewer: PersonId, roles: Sequence[Role]) -> Select[Any]:
    held = t.role_assignment
    return select(held.c.scope_id).where(
        held.c.person_id == viewer, held.c.role.in_([one.value for one in roles])
    )


def _speaks(viewer: PersonId) -> ColumnElement[bool]:
    """Whether the viewer is still of the vendor, or an operator."""
    is_theirs = exists().where(
        t.person.c.id == viewer, t.person.c.organization_id == t.process.c.organization_id
    )
    return or_(is_theirs, _scopes(viewer, (Role.OPERATOR,)).exists())


def _of_groups(viewer: PersonId) -> Select[Any]:
    """Those of the groups of the viewer's own organization; others' people get in nowhere."""
    own = t.person.c.organization_id == t.team.c.organization_id
    groups = (
        select(t.team_member.c.team_id)
        .join(t.team, t.team.c.id == t.team_member.c.team_id)
        .join(t.person, and_(t.person.c.id == t.team_member.c.person_id, own))
        .where(t.team_member.c.person_id == viewer)
    )
    return select(a.pairing_pass.c.process_id).where(a.pairing_pass.c.team_id.in_(groups))
