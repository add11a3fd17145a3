"""Site access: a person asks, the site's contacts decide, or add somebody without being asked."""

from datetime import datetime, timedelta
from uuid import UUID

from approvals.commands import CLOCK, Command, Tick
from approvals.errors import (
    AlreadyDecidedError,
    AlreadySubmittedError,
    NotAllowedNowError,
    RateLimitedError,
    StaleError,
    SubmissionError,
    TooLateError,
)
from approvals.people import PersonId, Site
from approvals.policy import Policy
from approvals.site_access.commands import (
    Add,
    Ask,
    ChangePrivileges,
    Deny,
    Grant,
    Remove,
    Withdraw,
)
from approvals.site_access.notices import notices_of
from approvals.site_access.privileges import Privileges, pairs
from approvals.site_access.record import (
    SiteAccess,
    Status,
    memberships_of,
    shown_digest,
    standing,
)
from approvals.transition import DirectoryChange, Transition

HOUR = timedelta(hours=1)
Deciders = tuple[PersonId, ...]


class Place:
    """Where a process begins: its id, the site, the person, the limits."""

    def __init__(self, process: UUID, site: Site, person: PersonId, policy: Policy) -> None:
        self.process, self.site, self.person, self.policy = process, site, person, policy


def asked(
    state: SiteAccess | None, place: Place, command: Ask, deciders: Deciders, now: datetime
) -> Transition:
    """Ask, for the first time or again; authority.py has judged who may ask where.

    Raises AlreadySubmittedError while a request waits, SubmissionError for a member, and
    RateLimitedError for who asks again and again, as each mails all who decide.
    """
    if state is not None and state.status is Status.MEMBER:
        raise SubmissionError(f"You are a member of {place.site.name} already.")
    if state is not None and state.status is Status.ASKED:
        raise AlreadySubmittedError
    recent = () if state is None else tuple(one for one in state.asks if now - one < HOUR)
    if len(recent) >= (limit := place.policy.site_asks_per_hour):
        raise RateLimitedError(f"The limit is {limit} requests to one site an hour.")
    after = _begun(
        state,
        place,
        now,
        status=Status.ASKED,
        message=command.message,
        asked_at=now,
        asks=(*recent, now),
        due_at=now + place.policy.decision_window,
    )
    return transition(after, "asked", place.person, deciders)


def added(
    state: SiteAccess | None,
    place: Place,
    command: Add,
    actor: PersonId,
    change: DirectoryChange | None,
    now: datetime,
) -> Transition:
    """Make somebody a member; while they ask it is a grant. *change* puts a new person down.

    Raises SubmissionError for a member, StaleError for who has not seen the request that waits, and
    TooLateError once its window is over.
    """
    if state is not None and state.status is Status.MEMBER:
        raise SubmissionError("This person is a member already: change their privileges instead.")
    if state is not None and state.status is Status.ASKED:
        _require_open(state, now)
        _require_seen(state, command)
    message = None if state is None or state.is_closed else state.message
    after = _begun(
        state, place, now, status=Status.MEMBER, message=message, **_decided(actor, now)
    ).model_copy(update={"privileges": pairs(command.privileges), "since": now})
    return transition(after, "added", actor, (), directory=change)


def apply(
    state: SiteAccess, command: Command | Tick, actor: PersonId, deciders: Deciders, now: datetime
) -> Transition:
    """Judge one command on a stored state at *now* (aware UTC).

    Raises StaleError, TooLateError, AlreadyDecidedError or NotAllowedNowError.
    """
    match command, state.status:
        case Tick(), Status.ASKED:
            return _tick(state, deciders, now)
        case ((Grant() | Deny() | Withdraw()), Status.ASKED):
            _require_open(state, now)
            return _decide(state, command, actor, deciders, now)
        case ((ChangePrivileges() | Remove()), Status.MEMBER):
            _require_seen(state, command)
            return _change(state, command, actor, now)
        case _:
            raise _too_late(state, command)


def transition(
    after: SiteAccess,
    event: str,
    actor: PersonId,
    deciders: Deciders,
    reason: str | None = None,
    directory: DirectoryChange | None = None,
) -> Transition:
    """Return all that follows from a new state; the open membership is exactly what it gives."""
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=notices_of(after, event, deciders),
        memberships=memberships_of(after),
        directory=directory,
        receipt=str(after.process_id),
    )


def _decide(
    state: SiteAccess,
    command: Grant | Deny | Withdraw,
    actor: PersonId,
    deciders: Deciders,
    now: datetime,
) -> Transition:
    match command:
        case Grant(privileges=given, message=message):
            _require_seen(state, command)
            decided = _decided(actor, now)
            after = _moved(state, Status.MEMBER, now, **decided, **_held(given, now))
            after = after.model_copy(update={"answer": message})
            return transition(after, "granted", actor, (), message)
        case Deny(reason=reason):
            _require_seen(state, command)
            decided = _decided(actor, now)
            after = _closed(state, Status.DENIED, actor, now, answer=reason, **decided)
            return transition(after, "denied", actor, (), reason)
        case Withdraw():
            after = _closed(state, Status.WITHDRAWN, actor, now)
            return transition(after, "withdrawn", actor, deciders)


def _change(
    state: SiteAccess, command: ChangePrivileges | Remove, actor: PersonId, now: datetime
) -> Transition:
    match command:
        case ChangePrivileges(privileges=given):
            if pairs(given) == state.privileges:
                raise SubmissionError("These are the privileges that this person has already.")
            after = _moved(state, Status.MEMBER, now, privileges=pairs(given), answer=None)
            return transition(after, "privileges_changed", actor, ())
        case Remove(message=message):
            after = _closed(state, Status.REMOVED, actor, now, answer=message, privileges=())
            return transition(after, "removed", actor, (), message)


def _tick(state: SiteAccess, deciders: Deciders, now: datetime) -> Transition:
    if state.due_at is not None and now >= state.due_at:
        return transition(_closed(state, Status.LAPSED, CLOCK, now), "lapsed", CLOCK, ())
    after = _stepped(state, clock_from=now)
    return transition(after, "reminded", CLOCK, deciders)


def _begun(state: SiteAccess | None, place: Place, now: datetime, **changes: object) -> SiteAccess:
    fresh = SiteAccess(
        process_id=place.process,
        version=1 if state is None else state.version + 1,
        status=Status.ASKED,
        site=place.site.id,
        organization=place.site.organization,
        person=place.person,
        policy=place.policy,
        asks=() if state is None else state.asks,
        clock_from=now,
    )
    return fresh.model_copy(update=changes)


def _held(given: Privileges, now: datetime) -> dict[str, object]:
    return {"privileges": pairs(given), "since": now}


def _decided(actor: PersonId, now: datetime) -> dict[str, object]:
    return {"decided_by": actor, "decided_at": now}


def _require_open(state: SiteAccess, now: datetime) -> None:
    if state.due_at is not None and now >= state.due_at:
        raise TooLateError("The decision window of this request", state.due_at)


def _require_seen(state: SiteAccess, command: Command) -> None:
    if command.shown != shown_digest(state):
        raise StaleError(standing(state))


def _too_late(state: SiteAccess, command: Command | Tick) -> Exception:
    if state.closed_at is not None:
        by = None if state.closed_by == CLOCK else state.closed_by
        return AlreadyDecidedError(state.status, by, state.closed_at)
    if isinstance(command, Grant | Deny | Withdraw) and state.decided_at is not None:
        return AlreadyDecidedError("granted", state.decided_by, state.decided_at)
    return NotAllowedNowError(command.kind.replace("_", " "), state.status)


def _stepped(state: SiteAccess, **changes: object) -> SiteAccess:
    return state.model_copy(update={"version": state.version + 1, **changes})


def _moved(state: SiteAccess, status: Status, now: datetime, **changes: object) -> SiteAccess:
    return _stepped(state, status=status, clock_from=now, **changes)


def _closed(
    state: SiteAccess, status: Status, by: PersonId, now: datetime, **changes: object
) -> SiteAccess:
    return _moved(state, status, now, closed_by=by, closed_at=now, **changes)
