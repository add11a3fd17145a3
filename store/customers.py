"""Lists of customers' access to the platform: a partner's customers, and a customer's partners."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CompoundSelect, Row, Select, and_, or_, select, union

from approvals.customer_access.record import KIND, CustomerAccess
from approvals.customer_access.views import ListedCustomer, switch_of
from approvals.people import OrganizationId, PersonId, Role
from store import tables as t
from store.directory import scopes_of
from store.engine import Engines

NEVER = "never"  # the status of whoever was never switched on
PARTNER, CUSTOMER = t.organization.alias("partner"), t.organization.alias("customer")
_HOLDS = (
    t.process.c.kind == KIND,
    t.process.c.customer_id == CUSTOMER.c.id,
    t.process.c.organization_id == PARTNER.c.id,
)
_LINES = select(
    PARTNER.c.slug.label("partner"),
    PARTNER.c.name.label("partner_name"),
    CUSTOMER.c.slug.label("customer"),
    CUSTOMER.c.name.label("customer_name"),
    t.process.c.id,
    t.process.c.status,
    t.process.c.state,
)
# Every customer that is served, and every one that was switched on before it was not served more.
SERVED = _LINES.select_from(t.serves).join(PARTNER, PARTNER.c.id == t.serves.c.server_id)
SERVED = SERVED.join(CUSTOMER, CUSTOMER.c.id == t.serves.c.customer_id).outerjoin(
    t.process, and_(*_HOLDS)
)
SWITCHED = (
    _LINES.select_from(t.process)
    .join(PARTNER, PARTNER.c.id == t.process.c.organization_id)
    .join(CUSTOMER, CUSTOMER.c.id == t.process.c.customer_id)
    .where(t.process.c.kind == KIND)
)


class Part(NamedTuple):
    """Which part of a list is meant: all of it, unless it says so.

    *status* may be ``never``; *after* holds the slugs of partner and customer of the last line of
    the page before.
    """

    status: str | None = None
    limit: int | None = None
    after: tuple[str, str] | None = None


ALL = Part()


class Customers:
    """Reads switches for people. Every list takes the viewer, and shows what they have part in."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def served(self, viewer: PersonId, part: Part = ALL) -> list[ListedCustomer]:
        """Return every customer of the partners whose admin the viewer is, by slug."""
        mine = PARTNER.c.id.in_(scopes_of(viewer, Role.PARTNER_ADMIN))
        return await self._of_partner(mine, part)

    async def served_by(self, partner: OrganizationId, part: Part = ALL) -> list[ListedCustomer]:
        """Return every customer of one partner, by slug."""
        return await self._of_partner(PARTNER.c.id == partner, part)

    async def partners_of(self, customer: OrganizationId, part: Part = ALL) -> list[ListedCustomer]:
        """Return the partners that ever switched a customer on, by slug."""
        return await self._listed(SWITCHED.where(t.process.c.customer_id == customer), part)

    async def _of_partner(self, which: Any, part: Part) -> list[ListedCustomer]:
        return await self._listed(union(SERVED.where(which), SWITCHED.where(which)), part)

    async def _listed(
        self, lines: Select[Any] | CompoundSelect[Any], part: Part
    ) -> list[ListedCustomer]:
        found = lines.subquery()
        query = select(found).order_by(found.c.partner, found.c.customer).limit(part.limit)
        if part.status == NEVER:
            query = query.where(found.c.id.is_(None))
        elif part.status is not None:
            query = query.where(found.c.status == part.status)
        if part.after is not None:
            partner, customer = part.after
            is_next = and_(found.c.partner == partner, found.c.customer > customer)
            query = query.where(or_(found.c.partner > partner, is_next))
        async with self._engines.read.connect() as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return [_line(row) for row in rows]


def _line(row: Row[Any]) -> ListedCustomer:
    state = None if row.state is None else CustomerAccess.model_validate_json(row.state)
    found: UUID | None = row.id
    return ListedCustomer(
        partner=row.partner,
        partner_name=row.partner_name,
        customer=row.customer,
        customer_name=row.customer_name,
        id=found,
        switch=switch_of(None if state is None else state.status),
        status=NEVER if state is None else state.status,
        since=None if state is None else state.changed_at,
    )
