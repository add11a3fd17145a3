"""Whether something has changed since a page was drawn, for little: a few indexed columns."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from approvals.people import PersonId, Role
from store import tables as t
from store.directory import scopes_of
from store.engine import Engines

FIRST = 50  # rows of a list that count


class Pulses:
    """Texts that are equal as long as nothing has changed."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def of_process(self, process: UUID) -> str:
        """Return the pulse of one process and its mails; "" when there is none."""
        row = select(t.process.c.version).where(t.process.c.id == process)
        mails = select(t.outbox.c.status).where(t.outbox.c.process_id == process)
        async with self._engines.read.connect() as connection:
            version = (await connection.execute(row)).scalar()
            fates = sorted((await connection.execute(mails)).scalars())
        return "" if version is None else f"{version} {' '.join(fates)}"

    async def by_role(self, kind: str, viewer: PersonId, role: Role, by: str) -> str:
        """Return the pulse of a list: the processes of one kind in the scopes of a role.

        *by* is the column that holds the scope: tenant_id, organization_id, site_id, customer_id.
        """
        return await self._listed(kind, t.process.c[by].in_(scopes_of(viewer, role)))

    async def named(self, kind: str, viewer: PersonId) -> str:
        """Return the pulse of the processes of one kind that name the viewer."""
        mine = select(t.involvement.c.process_id).where(t.involvement.c.person_id == viewer)
        return await self._listed(kind, t.process.c.id.in_(mine))

    async def _listed(self, kind: str, where: ColumnElement[Any]) -> str:
        query = (
            select(t.process.c.id, t.process.c.version)
            .where(t.process.c.kind == kind, where)
            .order_by(t.process.c.begun_at.desc(), t.process.c.id)
            .limit(FIRST)
        )
        async with self._engines.read.connect() as connection:
            rows = (await connection.execute(query)).all()
        return " ".join(f"{row.id}.{row.version}" for row in rows)
