"""The gate: one indexed read at the moment of the question, and the pure rule on what it found."""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.access import Decision, Passage, Reason, Standing, Via, decide, no
from approvals.addresses import canonical
from approvals.platform_entry import PlatformAction, PlatformStanding, decide_platform
from approvals.site_entry import SiteStanding, decide_site
from approvals.transition import Session
from store.engine import Engines
from store.gate_queries import PLATFORM, SITE, TENANT, Question
from store.reading import Reader, Rows

log = logging.getLogger(__name__)


class SqlGate:
    """Answers who may get in where now. It needs the database and nothing else.

    Every question is one statement. Where the database cannot be read the answer is "no", with
    the reason ``unreadable``. People may be asked about by their address, places by their slug.
    """

    def __init__(self, engines: Engines, connection: AsyncConnection | None = None) -> None:
        """Take a *connection* that is open already to ask many questions over it."""
        self._reader = Reader(engines, connection)

    async def check(
        self,
        person: UUID | str,
        tenant: UUID | str,
        action: str = "support",
        via: Via = Via.REQUEST,
        change: str | None = None,
    ) -> Decision:
        """Decide for one person, one tenant and one action: a session's mode, or a permission.

        *person* may also be a clone's id: then only its pairing counts. The action
        ``disruptive-change`` asks about one *change*, by the id of its consent.
        """
        if (read := await self._read(TENANT, person, tenant, action=action)) is None:
            return no(Reason.UNREADABLE)
        rows, now = read
        return decide(_standing(rows), via, now, action, change)

    async def check_session(self, session: Session) -> Decision:
        """Decide whether an open session may go on: in its mode, and by its own process alone."""
        if session.tenant is None:
            return no(Reason.UNKNOWN)
        who = session.clone or session.person
        read = await self._read(TENANT, who, session.tenant, action=session.mode)
        if read is None:
            return no(Reason.UNREADABLE)
        rows, now = read
        standing = _standing(rows)
        if standing is not None:
            own = tuple(one for one in standing.passages if one.process == session.process)
            standing = standing.model_copy(update={"passages": own})
        return decide(standing, Via.SESSION, now, session.mode)

    async def check_platform(
        self,
        person: UUID | str,
        partner: UUID | str,
        action: str = PlatformAction.SIGN_IN,
        *,
        in_session: bool = False,
    ) -> Decision:
        """Decide whether a customer's person may sign in to the platform of a partner's customers.

        With *in_session* they must have signed in already, less than twelve hours ago.
        """
        if (read := await self._read(PLATFORM, person, partner)) is None:
            return no(Reason.UNREADABLE)
        rows, now = read
        return decide_platform(_platform_standing(rows), action, now, in_session=in_session)

    async def check_site(
        self, person: UUID | str, site: UUID | str, area: str, level: str
    ) -> Decision:
        """Decide whether somebody holds a level (view, update) in one area of a site."""
        if (read := await self._read(SITE, person, site)) is None:
            return no(Reason.UNREADABLE)
        return decide_site(_site_standing(read[0]), area, level)

    async def _read(
        self, question: Question, person: UUID | str, place: UUID | str, **more: str
    ) -> tuple[Rows, datetime] | None:
        """Return the rows and the moment of the question; None where nothing can be read."""
        query = question[_kind(person), _kind(place)]
        who = canonical(person) if isinstance(person, str) else person
        try:
            return await self._reader.rows_and_moment(
                query, {"person": who, "place": place, **more}
            )
        except (SQLAlchemyError, OSError, TimeoutError) as trouble:
            log.error("gate cannot read: %s", type(trouble).__name__)
            return None


def _kind(said: UUID | str) -> type:
    return str if isinstance(said, str) else UUID


def _standing(rows: Rows) -> Standing | None:
    facts = next((row for row in rows if row.is_person_live is not None), None)
    if facts is None:
        return None
    return Standing(
        is_person_live=bool(facts.is_person_live),
        is_tenant_on=bool(facts.is_tenant_on),
        is_tenant_locked=bool(facts.is_locked),
        is_legacy=bool(facts.is_legacy),
        was_ever_granted=bool(facts.was_ever_granted),
        passages=tuple(_passage(row) for row in rows if row.process is not None),
    )


def _passage(row: Row[Any]) -> Passage:
    return Passage(
        process=row.process,
        ends_at=row.ends_at,
        no_end=bool(row.no_end),
        has_session=bool(row.has_session),
        permissions=None if row.permissions is None else tuple(row.permissions),
        consents=tuple(row.consents or ()),
    )


def _platform_standing(rows: Rows) -> PlatformStanding | None:
    if not rows:
        return None
    row = rows[0]
    return PlatformStanding(
        is_person_live=bool(row.is_person_live),
        is_partner_on=bool(row.is_partner_on),
        is_served=bool(row.is_served),
        process=row.process,
        status=row.status,
        begun_at=row.begun_at,
    )


def _site_standing(rows: Rows) -> SiteStanding | None:
    if not rows:
        return None
    row = rows[0]
    return SiteStanding(
        is_person_live=bool(row.is_person_live),
        is_site_on=bool(row.is_site_on),
        is_primary=bool(row.is_primary),
        is_secondary=bool(row.is_secondary),
        process=row.process,
        privileges=None if row.process is None else tuple(row.privileges.items()),
    )
