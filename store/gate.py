"""The gate: one indexed read at the moment of the question, and the pure rule on what it found."""

import logging
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Row, Select, and_, bindparam, exists, literal, select
from sqlalchemy.exc import SQLAlchemyError

from approvals.access import Decision, Passage, Reason, Standing, Via, decide
from approvals.people import Role
from store import tables as t
from store.engine import Engines

log = logging.getLogger(__name__)


class SqlGate:
    """Answers who may get into which tenant now. It needs the database and nothing else."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def check(
        self, person: UUID, tenant: UUID, action: str = "support", via: Via = Via.REQUEST
    ) -> Decision:
        """Decide for one person, one tenant and one action (the mode, for sessions).

        Answers "no" with reason ``unreadable`` when the database cannot be read.
        """
        try:
            async with self._engines.read.connect() as connection:
                asked = {"person": person, "tenant": tenant, "action": action}
                rows = (await connection.execute(FACTS, asked)).all()
                now = await self._engines.clock.now(connection)
        except (SQLAlchemyError, OSError, TimeoutError) as trouble:
            log.error("gate cannot read: %s", type(trouble).__name__)
            return Decision(is_open=False, reason=Reason.UNREADABLE)
        return decide(_standing(rows), via, now)


def _facts() -> Select[Any]:
    """One row a grant that is not closed, or one row without a grant; none for unknown ids."""
    person: BindParameter[UUID] = bindparam("person")
    tenant: BindParameter[UUID] = bindparam("tenant")
    action: BindParameter[str] = bindparam("action")
    grant, ever = t.access_grant, t.access_grant.alias("ever")
    home, owner = t.organization.alias("home"), t.organization.alias("owner")
    holds_legacy = exists().where(
        t.role_assignment.c.person_id == person,
        t.role_assignment.c.role == Role.LEGACY_IMPERSONATOR.value,
        t.role_assignment.c.scope_id == home.c.id,
    )
    ever_granted = exists().where(ever.c.tenant_id == tenant)
    in_session = exists().where(
        t.session.c.process_id == grant.c.process_id,
        t.session.c.person_id == person,
        t.session.c.mode == action,
        t.session.c.ended_at.is_(None),
    )
    open_grant = and_(
        grant.c.person_id == t.person.c.id,
        grant.c.tenant_id == t.tenant.c.id,
        grant.c.closed_at.is_(None),
    )
    is_granted = and_(t.process.c.id == grant.c.process_id, t.process.c.status == "granted")
    return (
        select(
            and_(t.person.c.is_active, home.c.is_active).label("is_person_live"),
            and_(t.tenant.c.is_on, owner.c.is_active).label("is_tenant_on"),
            t.tenant.c.is_locked,
            holds_legacy.label("is_legacy"),
            ever_granted.label("was_ever_granted"),
            t.process.c.id.label("process"),
            grant.c.ends_at,
            grant.c.no_end,
            in_session.label("has_session"),
        )
        .select_from(t.person)
        .join(home, home.c.id == t.person.c.organization_id)
        .join(t.tenant, literal(True))
        .join(owner, owner.c.id == t.tenant.c.organization_id)
        .outerjoin(grant, open_grant)
        .outerjoin(t.process, is_granted)
        .where(t.person.c.id == person, t.tenant.c.id == tenant)
    )


FACTS = _facts()  # built once: building it costs more than running it


def _standing(rows: Any) -> Standing | None:
    found: list[Row[Any]] = list(rows)
    if not found:
        return None
    first = found[0]
    return Standing(
        is_person_live=bool(first.is_person_live),
        is_tenant_on=bool(first.is_tenant_on),
        is_tenant_locked=bool(first.is_locked),
        is_legacy=bool(first.is_legacy),
        was_ever_granted=bool(first.was_ever_granted),
        passages=tuple(
            Passage(
                process=row.process,
                ends_at=row.ends_at,
                no_end=bool(row.no_end),
                has_session=bool(row.has_session),
            )
            for row in found
            if row.process is not None
        ),
    )
