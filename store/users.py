"""Who uses a site: its open memberships, and when people were last here."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.facts import LastUse, Needed
from approvals.people import PersonId, SiteId
from approvals.transition import Membership
from store import tables as t
from store.access_tables import membership

MEMBERSHIPS = (
    select(membership)
    .where(
        membership.c.site_id.in_(bindparam("sites", expanding=True)),
        membership.c.closed_at.is_(None),
    )
    .order_by(membership.c.since, membership.c.person_id)
)
SITES = (
    select(t.site.c.id)
    .where(
        t.site.c.id.in_(bindparam("sites", expanding=True))
        | t.site.c.slug.in_(bindparam("slugs", expanding=True))
    )
    .order_by(t.site.c.id)
)
SIGN_INS = (
    select(t.key.c.person_id, func.max(t.key.c.enrolled_at))
    .where(t.key.c.person_id.in_(bindparam("people", expanding=True)))
    .group_by(t.key.c.person_id)
)
SESSIONS = (
    select(t.session.c.person_id, func.max(t.session.c.begun_at))
    .where(t.session.c.person_id.in_(bindparam("people", expanding=True)))
    .group_by(t.session.c.person_id)
)


async def sites_of(connection: AsyncConnection, needed: Needed) -> Sequence[SiteId]:
    """Return the ids of the sites that a judgement needs, in a fixed order."""
    asked = {"sites": list(needed.sites), "slugs": list(needed.site_slugs)}
    return (await connection.execute(SITES, asked)).scalars().all()


async def memberships_of(
    connection: AsyncConnection, sites: Sequence[SiteId]
) -> tuple[Membership, ...]:
    """Return the open memberships of these sites, the oldest first."""
    if not sites:
        return ()
    rows = (await connection.execute(MEMBERSHIPS, {"sites": list(sites)})).all()
    return tuple(
        Membership(
            process=row.process_id,
            site=row.site_id,
            person=row.person_id,
            privileges=tuple(row.privileges.items()),
            since=row.since,
        )
        for row in rows
    )


async def last_uses_of(
    connection: AsyncConnection, people: Sequence[PersonId]
) -> tuple[LastUse, ...]:
    """Return the latest sign-in or session of each; whoever was never here is left out."""
    latest: dict[PersonId, datetime] = {}
    for query in (SIGN_INS, SESSIONS):
        for person, at in (await connection.execute(query, {"people": list(people)})).all():
            latest[person] = max(at, latest.get(person, at))
    return tuple(LastUse(person=one, at=at) for one, at in latest.items())
