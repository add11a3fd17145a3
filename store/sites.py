"""Lists of sites for people: mine, who uses them, and who asks for access."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from approvals.facts import LastUse, Needed
from approvals.people import SITE_ROLES, PersonId, SiteId
from approvals.site_access.record import KIND, SiteAccess
from approvals.transition import Membership
from store import tables as t
from store import users
from store.engine import Engines
from store.listing import newest_first

PAGE = 200


class Sites:
    """Reads sites for people. The caller judges what the viewer may see of them."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def memberships(self, needed: Needed) -> tuple[Membership, ...]:
        """Return the open memberships that a judgement needs."""
        if not needed.with_memberships:
            return ()
        async with self._engines.read.connect() as connection:
            sites = await users.sites_of(connection, needed)
            return await users.memberships_of(connection, sites)

    async def last_uses(self, people: Sequence[PersonId]) -> tuple[LastUse, ...]:
        """Return when each of these people last signed in or opened a session."""
        async with self._engines.read.connect() as connection:
            return await users.last_uses_of(connection, people)

    async def of_contact(self, viewer: PersonId) -> list[SiteId]:
        """Return the sites whose primary or secondary contact the viewer is, by slug."""
        query = (
            select(t.site.c.id)
            .join(t.role_assignment, t.role_assignment.c.scope_id == t.site.c.id)
            .where(
                t.role_assignment.c.person_id == viewer,
                t.role_assignment.c.role.in_([one.value for one in SITE_ROLES]),
            )
            .distinct()
            .order_by(t.site.c.id)
        )
        async with self._engines.read.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def of_viewer(
        self, viewer: PersonId, limit: int | None = None, after: str | None = None
    ) -> list[SiteId]:
        """Return the sites whose contact the viewer is or where they ever had access, by slug.

        *after* is the slug of the last one of the page before.
        """
        held, process = t.role_assignment, t.process
        contact = select(held.c.scope_id).where(
            held.c.person_id == viewer, held.c.role.in_([one.value for one in SITE_ROLES])
        )
        own = select(process.c.site_id).where(
            process.c.kind == KIND, process.c.requester_id == viewer
        )
        query = (
            select(t.site.c.id)
            .where(or_(t.site.c.id.in_(contact), t.site.c.id.in_(own)))
            .order_by(t.site.c.slug)
            .limit(limit)
        )
        if after is not None:
            query = query.where(t.site.c.slug > after)
        async with self._engines.read.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def own(self, viewer: PersonId) -> list[SiteAccess]:
        """Return the viewer's access to every site where there ever was one, newest first."""
        query = select(t.process.c.state).where(
            t.process.c.kind == KIND, t.process.c.requester_id == viewer
        )
        async with self._engines.read.connect() as connection:
            texts = (
                await connection.execute(query.order_by(t.process.c.begun_at.desc()))
            ).scalars()
            return [SiteAccess.model_validate_json(one) for one in texts]

    async def requests(
        self,
        sites: Sequence[SiteId],
        statuses: Sequence[str],
        limit: int = PAGE,
        after: UUID | None = None,
    ) -> list[SiteAccess]:
        """Return people's access to these sites, newest first; *after* is the last one before."""
        query = select(t.process.c.state).where(
            t.process.c.kind == KIND, t.process.c.site_id.in_(sites)
        )
        query = newest_first(query, statuses, limit, after)
        async with self._engines.read.connect() as connection:
            texts = (await connection.execute(query)).scalars()
            return [SiteAccess.model_validate_json(one) for one in texts]
