"""The tenant access request: a partner's staff ask a tenant's admins for time-limited access."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid5

from approvals.commands import CLOCK, Command, Tick
from approvals.errors import (
    AlreadyDecidedError,
    EndDateError,
    NotAllowedNowError,
    NotFoundError,
    OwnRequestError,
    StaleError,
    TooLateError,
)
from approvals.instants import end_within
from approvals.people import OrganizationId, PersonId, TenantId
from approvals.policy import Policy
from approvals.sessions import BeginSession, EndSession
from approvals.tenant_access.commands import (
    ChangeEnd,
    Deny,
    Finish,
    Grant,
    Revoke,
    Submit,
    Withdraw,
)
from approvals.tenant_access.notices import notices_of
from approvals.tenant_access.record import Status, TenantAccess, grants_of, shown_digest, standing
from approvals.transition import Session, Transition


def submitted(
    process_id: UUID,
    command: Submit,
    actor: PersonId,
    place: tuple[OrganizationId, TenantId],
    policy: Policy,
    now: datetime,
) -> Transition:
    """Open a request; authority.py has judged who may ask for whom and where."""
    organization, tenant = place
    after = TenantAccess(
        process_id=process_id,
        batch=command.batch,
        name=command.name,
        message=command.message,
        organization=organization,
        tenant=tenant,
        requester=actor,
        people=tuple(dict.fromkeys(command.people)),
        policy=policy,
        submitted_at=now,
        due_at=now + policy.decision_window,
        clock_from=now,
    )
    behalf = None if command.organization is None else f"for {command.organization}"
    return _transition(after, "submitted", actor, behalf)


def apply(
    state: TenantAccess, command: Command | Tick, actor: PersonId, now: datetime
) -> Transition:
    """Judge one command at *now* (aware UTC) and name everything that follows from it.

    Raises OwnRequestError, EndDateError, StaleError, TooLateError, AlreadyDecidedError or
    NotAllowedNowError. Source: glossary, "tenant access".
    """
    match command, state.status:
        case Tick(), _:
            return _tick(state, now)
        case ((Grant() | Deny() | Withdraw()), Status.PENDING):
            _require_open(state, now)
            return _decide(state, command, actor, now)
        case ((ChangeEnd() | Revoke()), Status.GRANTED):
            _require_open(state, now)
            return _change(state, command, actor, now)
        case ((Finish() | BeginSession() | EndSession()), Status.GRANTED):
            _require_open(state, now)
            return _use(state, command, actor, now)
        case _:
            raise _too_late(state, command)


def _decide(
    state: TenantAccess, command: Grant | Deny | Withdraw, actor: PersonId, now: datetime
) -> Transition:
    decided = {"decided_by": actor, "decided_at": now}
    match command:
        case Grant():
            _require_decider(state, command, actor)
            end = _end(command, state.policy, now)
            after = _moved(state, Status.GRANTED, now, **decided, **end, answer=command.message)
            return _transition(after, "granted", actor, command.message)
        case Deny():
            _require_decider(state, command, actor)
            after = _closed(state, Status.DENIED, actor, now, **decided, answer=command.reason)
            return _transition(after, "denied", actor, command.reason)
        case Withdraw():
            after = _closed(state, Status.WITHDRAWN, actor, now)
            return _transition(after, "withdrawn", actor)


def _change(
    state: TenantAccess, command: ChangeEnd | Revoke, actor: PersonId, now: datetime
) -> Transition:
    _require_decider(state, command, actor)
    if isinstance(command, Revoke):
        after = _closed(state, Status.REVOKED, actor, now, answer=command.reason)
        return _transition(after, "revoked", actor, command.reason)
    after = _moved(state, Status.GRANTED, now, **_end(command, state.policy, now))
    return _transition(after, "end_changed", actor)


def _use(
    state: TenantAccess, command: Finish | BeginSession | EndSession, actor: PersonId, now: datetime
) -> Transition:
    match command:
        case Finish(for_all=True):
            after = _closed(state, Status.FINISHED, actor, now, finished=state.people)
            return _transition(after, "finished", actor)
        case Finish():
            return _finish(state, actor, now)
        case BeginSession(mode=mode):
            _require_named(state, actor)
            opened = _session(state, actor, mode, now)
            others = _without(state, lambda one: one.person == actor and one.mode == mode)
            after = _stepped(state, sessions=(*others, opened))
            return _transition(after, "session_begun", actor, receipt=str(opened.id))
        case EndSession(session=wanted):
            rest = _without(state, lambda one: one.id == wanted and one.person == actor)
            if len(rest) == len(state.sessions):
                raise NotFoundError
            return _transition(_stepped(state, sessions=rest), "session_ended", actor)


def _finish(state: TenantAccess, actor: PersonId, now: datetime) -> Transition:
    _require_named(state, actor)
    finished = (*state.finished, actor)
    if set(finished) == set(state.people):
        after = _closed(state, Status.FINISHED, actor, now, finished=finished)
    else:
        rest = _without(state, lambda one: one.person == actor)
        after = _stepped(state, finished=finished, sessions=rest)
    return _transition(after, "finished", actor)


def _tick(state: TenantAccess, now: datetime) -> Transition:
    if state.is_closed:
        raise NotAllowedNowError("tick", state.status)
    if state.ends is not None and now >= state.ends:
        status = Status.LAPSED if state.status is Status.PENDING else Status.EXPIRED
        after = _closed(state, status, CLOCK, now)
        return _transition(after, status.value, CLOCK)
    return _transition(_stepped(state, clock_from=now), "reminded", CLOCK)


def _require_open(state: TenantAccess, now: datetime) -> None:
    if state.ends is not None and now >= state.ends:
        pending = state.status is Status.PENDING
        raise TooLateError(
            "The decision window of this request" if pending else "This access", state.ends
        )


def _require_decider(state: TenantAccess, command: Command, actor: PersonId) -> None:
    if actor == state.requester or actor in state.people:
        raise OwnRequestError
    if command.shown != shown_digest(state):
        raise StaleError(standing(state))


def _require_named(state: TenantAccess, actor: PersonId) -> None:
    if actor not in state.people:
        raise NotFoundError
    if actor in state.finished:
        raise NotAllowedNowError("use this access", "finished for you")


def _end(command: Grant | ChangeEnd, policy: Policy, now: datetime) -> dict[str, object]:
    if command.no_end and command.ends_at is not None:
        raise EndDateError("end_required", "Choose either an end date or no end, not both.")
    if command.ends_at is not None:
        end_within(command.ends_at, now, policy.shortest_access, policy.longest_access)
        return {"ends_at": command.ends_at, "no_end": False}
    if not command.no_end:
        raise EndDateError("end_required", "Choose an end date.")
    if not policy.allow_no_end:
        raise EndDateError(
            "end_required",
            "Choose an end date; this tenant does not allow access without one.",
        )
    return {"ends_at": None, "no_end": True}


def _too_late(state: TenantAccess, command: Command | Tick) -> Exception:
    if state.closed_at is not None:
        by = None if state.closed_by == CLOCK else state.closed_by
        return AlreadyDecidedError(state.status, by, state.closed_at)
    if isinstance(command, Grant | Deny | Withdraw) and state.decided_at is not None:
        return AlreadyDecidedError(state.status, state.decided_by, state.decided_at)
    return NotAllowedNowError(command.kind.replace("_", " "), state.status)


def _session(state: TenantAccess, actor: PersonId, mode: str, now: datetime) -> Session:
    return Session(
        id=uuid5(state.process_id, f"session/{state.version + 1}"),
        process=state.process_id,
        person=actor,
        tenant=state.tenant,
        mode=mode,
        begun_at=now,
    )


def _without(state: TenantAccess, gone: Callable[[Session], bool]) -> tuple[Session, ...]:
    return tuple(one for one in state.sessions if not gone(one))


def _stepped(state: TenantAccess, **changes: object) -> TenantAccess:
    return state.model_copy(update={"version": state.version + 1, **changes})


def _moved(state: TenantAccess, status: Status, now: datetime, **changes: object) -> TenantAccess:
    return _stepped(state, status=status, clock_from=now, **changes)


def _closed(
    state: TenantAccess, status: Status, by: PersonId, now: datetime, **changes: object
) -> TenantAccess:
    return _moved(state, status, now, closed_by=by, closed_at=now, sessions=(), **changes)


def _transition(
    after: TenantAccess,
    event: str,
    actor: PersonId,
    reason: str | None = None,
    receipt: str | None = None,
) -> Transition:
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=notices_of(after, event),
        grants=grants_of(after),
        sessions=after.sessions,
        receipt=receipt or str(after.process_id),
    )
