"""The switch of one customer: on and off any number of times, and accepted once for good."""

from datetime import datetime
from uuid import UUID, uuid5

from approvals.commands import CLOCK, Command, Tick
from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.notices import InCharge, notices_of
from approvals.customer_access.record import (
    PLATFORM,
    Acceptance,
    CustomerAccess,
    Status,
    ends,
    shown_digest,
)
from approvals.errors import AlreadyDecidedError, NotAllowedNowError, NotFoundError, StaleError
from approvals.people import OrganizationId, PersonId
from approvals.sessions import EndSession
from approvals.transition import Session, Transition

SWITCH, SIGN_IN = "This customer's access to the platform", "sign in to the platform"
ACCEPTANCE = "This customer's acceptance of the terms"
WAITS = "pending until somebody of the customer accepts the terms"


def enabled(
    process_id: UUID,
    command: Enable,
    actor: PersonId,
    place: tuple[OrganizationId, OrganizationId],
    in_charge: InCharge,
    now: datetime,
) -> Transition:
    """Switch a customer on for the first time; authority.py has judged by whom and for whom."""
    partner, customer = place
    after = CustomerAccess(
        process_id=process_id,
        partner=partner,
        customer=customer,
        requester=actor,
        begun_at=now,
        switched_by=actor,
        switched_at=now,
    )
    behalf = None if command.partner is None else f"{command.customer} for {command.partner}"
    return _transition(after, "enabled", actor, in_charge, reason=behalf)


def apply(
    state: CustomerAccess,
    command: Command | Tick,
    actor: PersonId,
    now: datetime,
    terms: str = "",
    in_charge: InCharge = (),
) -> Transition:
    """Judge one command at *now* (aware UTC), with the version of the *terms* that holds now.

    Raises AlreadyDecidedError, NotAllowedNowError, StaleError or NotFoundError. Source: glossary,
    "customer access".
    """
    match command, state.status:
        case Tick(), _:
            return _tick(state, now)
        case Enable(), Status.DISABLED:
            status = Status.PENDING if state.accepted is None else Status.ACCEPTED
            after = _switched(state, status, actor, now)
            return _transition(after, "enabled", actor, in_charge)
        case Disable(), Status.PENDING | Status.ACCEPTED:
            after = _switched(state, Status.DISABLED, actor, now)
            return _transition(after, "disabled", actor, in_charge)
        case AcceptTerms(), Status.PENDING:
            _require_read(state, command, terms)
            accepted = Acceptance(person=actor, terms=terms, at=now)
            after = _stepped(state, status=Status.ACCEPTED, accepted=accepted)
            return _transition(after, "accepted", actor, in_charge, reason=f"terms {terms}")
        case BeginSession(), Status.ACCEPTED:
            return _begin(state, actor, now)
        case EndSession(session=wanted), _:
            return _end(state, wanted, actor)
        case _:
            raise _not_now(state, command)


def _begin(state: CustomerAccess, actor: PersonId, now: datetime) -> Transition:
    opened = Session(
        id=uuid5(state.process_id, f"session/{state.version + 1}"),
        process=state.process_id,
        person=actor,
        tenant=None,
        mode=PLATFORM,
        begun_at=now,
    )
    others = tuple(one for one in _still_open(state, now) if one.person != actor)
    after = _stepped(state, sessions=(*others, opened))
    return _transition(after, "session_begun", actor, receipt=str(opened.id))


def _end(state: CustomerAccess, wanted: UUID, actor: PersonId) -> Transition:
    rest = tuple(one for one in state.sessions if one.id != wanted or one.person != actor)
    if len(rest) == len(state.sessions):
        raise NotFoundError
    return _transition(_stepped(state, sessions=rest), "session_ended", actor)


def _tick(state: CustomerAccess, now: datetime) -> Transition:
    return _transition(_stepped(state, sessions=_still_open(state, now)), "session_expired", CLOCK)


def _still_open(state: CustomerAccess, now: datetime) -> tuple[Session, ...]:
    return tuple(one for one in state.sessions if now < ends(one))


def _require_read(state: CustomerAccess, command: AcceptTerms, terms: str) -> None:
    if command.shown != shown_digest(state.partner, state.customer, terms):
        raise StaleError(f"the terms are now version {terms}.")


def _not_now(state: CustomerAccess, command: Command | Tick) -> Exception:
    """Say how it stands to whoever asked for what it is already, or what it does not allow."""
    match command, state:
        case Enable(), _:
            return AlreadyDecidedError(
                "switched on", state.switched_by, state.switched_at, SWITCH, _standing(state)
            )
        case Disable(), _:
            return AlreadyDecidedError("switched off", state.switched_by, state.switched_at, SWITCH)
        case AcceptTerms(), CustomerAccess(accepted=Acceptance() as one, status=Status.ACCEPTED):
            given = f"given (version {one.terms})"
            return AlreadyDecidedError(given, one.person, one.at, ACCEPTANCE)
        case _:
            act = "accept the terms" if isinstance(command, AcceptTerms) else SIGN_IN
            return NotAllowedNowError(act, "disabled by the partner" if not state.is_on else WAITS)


def _standing(state: CustomerAccess) -> str:
    if state.status is Status.PENDING:
        return "It is pending: nobody of the customer has accepted the terms yet."
    return "It is accepted: the customer's people can sign in."


def _switched(
    state: CustomerAccess, status: Status, actor: PersonId, now: datetime
) -> CustomerAccess:
    """Turn the switch; nobody's visit outlasts it. What was accepted stays accepted."""
    return _stepped(state, status=status, switched_by=actor, switched_at=now, sessions=())


def _stepped(state: CustomerAccess, **changes: object) -> CustomerAccess:
    return state.model_copy(update={"version": state.version + 1, **changes})


def _transition(
    after: CustomerAccess,
    event: str,
    actor: PersonId,
    in_charge: InCharge = (),
    reason: str | None = None,
    receipt: str | None = None,
) -> Transition:
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=notices_of(after, event, in_charge),
        sessions=after.sessions,
        receipt=receipt or str(after.process_id),
    )
