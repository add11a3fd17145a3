"""The onboardings of a vendor, as its operators list them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from approvals.onboarding.record import KIND, Onboarding
from approvals.people import PersonId, Role
from store import tables as t
from store.directory import scopes_of
from store.engine import Engines
from store.listing import newest_first

PAGE = 200


class Onboardings:
    """Reads onboardings for people."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def listed(
        self,
        viewer: PersonId,
        statuses: Sequence[str] = (),
        limit: int = PAGE,
        after: UUID | None = None,
    ) -> list[Onboarding]:
        """Return those that the viewer started or looks after, newest first.

        *after* is the last one of the page before.
        """
        mine = scopes_of(viewer, Role.ONBOARDING_OPERATOR)
        query = select(t.process.c.state).where(
            t.process.c.kind == KIND,
            t.process.c.organization_id.in_(mine) | (t.process.c.requester_id == viewer),
        )
        query = newest_first(query, statuses, limit, after)
        async with self._engines.read.connect() as connection:
            texts = (await connection.execute(query)).scalars().all()
        return [Onboarding.model_validate_json(text) for text in texts]

    async def open_of(self, subject: str) -> UUID | None:
        """Return the onboarding of that subject that is not over, whoever may see it."""
        query = select(t.process.c.id).where(
            t.process.c.subject == subject, t.process.c.is_closed.is_(False)
        )
        async with self._engines.read.connect() as connection:
            found: UUID | None = (await connection.execute(query)).scalar()
        return found
