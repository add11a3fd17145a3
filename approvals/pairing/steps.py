"""How a pairing's next state and its transition are built, so that nothing outlives its ground."""

from collections.abc import Container
from datetime import datetime

from approvals.pairing.notices import notices_of
from approvals.pairing.record import Pairing, Status, passes_of, visits_allowed
from approvals.people import PersonId
from approvals.transition import Notice, Transition


def stepped(
    state: Pairing, members: Container[PersonId | None] | None = None, **changes: object
) -> Pairing:
    """Return the state of the next version.

    Below the vendor's minimum it is not active, and a session stays only while it is allowed.
    With *members*, roles of people who have left the group do not count towards the minimum.
    """
    after = state.model_copy(update={"version": state.version + 1, **changes})
    missing = after.missing if members is None else after.missing_among(members)
    if after.status is Status.ACTIVE and (not after.assignments or missing):
        after = after.model_copy(update={"status": Status.PAIRED})
    return after.model_copy(update={"sessions": visits_allowed(after)})


def closed(
    state: Pairing, status: Status, by: PersonId, now: datetime, **changes: object
) -> Pairing:
    """Return the state after the end: no clone and no session outlives it."""
    ends = {"closed_by": by, "closed_at": now, "clones": (), "sessions": ()}
    return stepped(state, None, status=status, **ends, **changes)


def transition(
    after: Pairing,
    event: str,
    actor: PersonId,
    *,
    reason: str | None = None,
    notices: tuple[Notice, ...] | None = None,
    receipt: str | None = None,
) -> Transition:
    """Name all that follows; without *notices* the event's own. *reason* goes to the audit."""
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=notices_of(after, event, actor, reason) if notices is None else notices,
        sessions=after.sessions,
        passes=passes_of(after),
        clones=after.clones,
        receipt=receipt or str(after.process_id),
    )
