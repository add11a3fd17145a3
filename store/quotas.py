"""How many requests somebody sent lately: what the quotas of a policy are about."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.commands import Signed
from approvals.facts import Counts
from approvals.tenant_access.commands import Submit
from approvals.tenant_access.record import KIND
from store import tables as t

HOUR = timedelta(hours=1)


async def counts_of(connection: AsyncConnection, signed: Signed, now: datetime) -> Counts:
    """Count for a submission what its sender, and its pair of organizations, have sent before."""
    command = signed.command
    if not isinstance(command, Submit) or signed.actor is None:
        return Counts()
    mine = (t.process.c.requester_id == signed.actor) & (t.process.c.kind == KIND)
    recent = t.process.c.begun_at > now - HOUR
    tenant = select(t.tenant.c.id).where(t.tenant.c.slug == command.tenant).scalar_subquery()
    asking = select(t.person.c.organization_id).where(t.person.c.id == signed.actor)
    if command.organization is not None:  # an operator sends for another one
        asking = select(t.organization.c.id).where(t.organization.c.slug == command.organization)
    pair = (t.process.c.tenant_id == tenant) & (
        t.process.c.organization_id == asking.scalar_subquery()
    )
    waiting = t.process.c.status == "pending"
    query = select(
        func.count().filter(mine, recent),
        func.count().filter(pair, recent),
        func.count().filter(pair, mine, waiting),
    ).where(mine | pair)
    row = (await connection.execute(query)).one()
    return Counts(by_person=row[0], by_pair=row[1], pending_of_pair_and_person=row[2])
