"""Whom and what may be named: the people and groups of an organization, the tenants it serves."""

from collections.abc import Sequence

from sqlalchemy import select

from approvals.people import OrganizationId
from approvals.records import Record
from store import tables as t
from store.engine import Engines

MOST = 500  # of each, on one page


class Candidate(Record):
    """Somebody, or a tenant, that may be named: *key* is the address, or the slug."""

    key: str
    name: str


class Candidates:
    """Reads what may stand in a new request."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def people(self, organization: OrganizationId) -> Sequence[Candidate]:
        """Return an organization's active people by name, at most 500."""
        query = (
            select(t.person.c.email.label("key"), t.person.c.name)
            .where(t.person.c.organization_id == organization, t.person.c.is_active.is_(True))
            .order_by(t.person.c.name, t.person.c.email)
            .limit(MOST)
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [Candidate(key=row.key, name=row.name) for row in rows]

    async def tenants(self, organization: OrganizationId) -> Sequence[Candidate]:
        """Return the tenants of the customers that an organization serves, by name, at most 500."""
        owner = t.organization
        query = (
            select(t.tenant.c.slug.label("key"), t.tenant.c.name)
            .join(owner, owner.c.id == t.tenant.c.organization_id)
            .join(t.serves, t.serves.c.customer_id == owner.c.id)
            .where(
                t.serves.c.server_id == organization,
                t.tenant.c.is_on.is_(True),
                owner.c.is_active.is_(True),
            )
            .order_by(t.tenant.c.name, t.tenant.c.slug)
            .limit(MOST)
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [Candidate(key=row.key, name=row.name) for row in rows]

    async def groups(self, organization: OrganizationId) -> Sequence[Candidate]:
        """Return an organization's support groups by name, at most 500."""
        query = (
            select(t.team.c.slug.label("key"), t.team.c.name)
            .where(t.team.c.organization_id == organization)
            .order_by(t.team.c.name, t.team.c.slug)
            .limit(MOST)
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [Candidate(key=row.key, name=row.name) for row in rows]
