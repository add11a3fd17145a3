"""Sign-in: a mailed one-time code enrols exactly one key, for twelve hours."""

import hmac
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from approvals.commands import CLOCK, Command, Tick
from approvals.errors import (
    AlreadyDecidedError,
    ApprovalError,
    NotAllowedNowError,
    NotFoundError,
    RateLimitedError,
    ReplacedError,
    TooLateError,
    WrongCodeError,
)
from approvals.facts import FreshSecret
from approvals.people import PersonId, Role
from approvals.sign_in import delays, passkeys
from approvals.sign_in.commands import Begin, Prove, RevokeKey, SignOut, fingerprint
from approvals.sign_in.record import (
    ATTEMPTS,
    CODE_LIFE,
    CODES_PER_WINDOW,
    SignIn,
    SignInFacts,
    Status,
)
from approvals.transition import (
    DirectoryChange,
    EnrolledKey,
    Letterbox,
    Notice,
    Transition,
)


def begun(process_id: UUID, command: Begin, facts: SignInFacts, now: datetime) -> Transition:
    """Open a sign-in and mail the code, if the address is somebody's.

    Whom an issuer has identified needs none, nor whoever brings a passkey; they must be known here.
    Raises RateLimitedError, the same for known and unknown addresses, or NotFoundError.
    """
    if facts.issuer is not None or command.passkey is not None:
        is_theirs = command.passkey is None or passkeys.is_of(facts.passkey, facts.person)
        if facts.person is None or not is_theirs:
            raise NotFoundError
        after = _opened(process_id, command, facts, now).model_copy(update={"newcomer": None})
        return _transition(after, "asked", after.person)
    delays.require_patience(facts.failures, now)
    if facts.recent >= CODES_PER_WINDOW:
        raise RateLimitedError("Too many codes were asked for. Try again in 10 minutes.")
    if facts.code is None:
        raise NotAllowedNowError("sign in", "without a code")
    after = _opened(process_id, command, facts, now)
    is_nobody = after.person is None and after.newcomer is None
    notices = () if is_nobody else (_code_notice(after, facts.code),)
    return _transition(after, "asked", after.person, notices=notices)


def _opened(process_id: UUID, command: Begin, facts: SignInFacts, now: datetime) -> SignIn:
    return SignIn(
        process_id=process_id,
        person=facts.person,
        newcomer=facts.newcomer,
        subject=facts.subject,
        public_key=command.public_key,
        client=command.client,
        channel=facts.channel,
        check="" if facts.code is None else facts.code.check,
        issuer=facts.issuer,
        passkey=command.passkey,
        asked_at=now,
        ends_at=now + CODE_LIFE,
    )


def apply(
    state: SignIn,
    command: Command | Tick,
    actor: PersonId | None,
    facts: SignInFacts,
    now: datetime,
) -> Transition:
    """Judge one command on a sign-in.

    Raises TooLateError, ReplacedError, RateLimitedError, NotFoundError, AlreadyDecidedError or
    NotAllowedNowError. A wrong code is a transition with a refusal, for the attempt is counted.
    """
    match command, state.status:
        case Tick(), _:
            ended = Status.LAPSED if state.status is Status.PENDING else Status.EXPIRED
            return _transition(_closed(state, ended, CLOCK, now), ended.value, CLOCK)
        case Prove(), Status.PENDING:
            return _prove(state, facts, now)
        case ((SignOut() | RevokeKey()), _) if not _is_theirs(state, command, actor, facts):
            raise NotFoundError  # first of all: a stranger learns nothing of it, closed or not
        case SignOut(), Status.ENROLLED:
            return _transition(_closed(state, Status.FINISHED, actor, now), "signed_out", actor)
        case RevokeKey(reason=reason), Status.ENROLLED:
            after = _closed(state, Status.REVOKED, actor, now)
            return _transition(after, "key_revoked", actor, reason=reason)
        case _ if state.closed_at is not None:
            by = None if state.closed_by == CLOCK else state.closed_by
            raise AlreadyDecidedError(state.status, by, state.closed_at)
        case _:
            raise NotAllowedNowError(command.kind.replace("_", " "), state.status)


def _is_theirs(
    state: SignIn, command: Command | Tick, actor: PersonId | None, facts: SignInFacts
) -> bool:
    return actor == state.person or (isinstance(command, RevokeKey) and facts.by_operator)


def _prove(state: SignIn, facts: SignInFacts, now: datetime) -> Transition:
    if now >= state.ends_at:
        raise TooLateError("This code", state.ends_at)
    if state.passkey is None and facts.newest != state.process_id:
        raise ReplacedError
    if state.passkey is None and state.issuer is None:
        delays.require_patience(facts.failures, now)
    person = state.person or facts.person
    if state.passkey is not None:
        used = passkeys.used(facts, state.person, now)
        fits = used is not None
    else:
        used = None
        fits = state.issuer is not None or hmac.compare_digest(state.check, facts.proof_check or "")
    if not fits or person is None:
        return _wrong(state, now)
    after = state.model_copy(
        update={
            "version": state.version + 1,
            "status": Status.ENROLLED,
            "person": person,
            "newcomer": None,
            "enrolled_at": now,
            "ends_at": now + state.key_life,
        }
    )
    notices = (_enrolled_notice(after, facts),)
    enrolled = _transition(after, "enrolled", person, notices=notices, directory=facts.change)
    return enrolled if used is None else replace(enrolled, passkeys=(used,))


def _wrong(state: SignIn, now: datetime) -> Transition:
    attempts = state.attempts + 1
    changed = {"version": state.version + 1, "attempts": attempts, "failed_at": now}
    after = state.model_copy(update=changed)
    if attempts >= ATTEMPTS:
        closed = {"status": Status.DENIED, "closed_at": now, "closed_by": CLOCK, "newcomer": None}
        after = after.model_copy(update=closed)
    if state.passkey is not None:
        return _transition(after, "wrong_passkey", state.person, refusal=passkeys.not_accepted())
    return _transition(
        after, "wrong_code", state.person, refusal=WrongCodeError(ATTEMPTS - attempts)
    )


def _closed(state: SignIn, status: Status, by: PersonId | None, now: datetime) -> SignIn:
    changes = {"status": status, "closed_at": now, "closed_by": by, "newcomer": None}
    return state.model_copy(update={"version": state.version + 1, **changes})


def key_of_sign_in(state: SignIn) -> EnrolledKey | None:
    """Return the key that a sign-in has enrolled, or None before it is proved."""
    if state.person is None or state.enrolled_at is None:
        return None
    ended_early = state.status in (Status.FINISHED, Status.REVOKED)
    return EnrolledKey(
        id=state.process_id,
        person=state.person,
        public_key=state.public_key,
        channel=state.channel,
        client=state.client,
        enrolled_at=state.enrolled_at,
        expires_at=state.enrolled_at + state.key_life,
        revoked_at=state.closed_at if ended_early else None,
        passkey=state.passkey,
    )


def _code_notice(state: SignIn, code: FreshSecret) -> Notice:
    new = state.newcomer
    return Notice(
        kind="sign_in_code" if new is None else "newcomer_code",
        people=() if state.person is None else (state.person,),
        stranger=None
        if new is None
        else Letterbox(email=new.email, name=new.name, locale=new.locale),
        facts=_facts(state),
        sealed=code.sealed,
    )


def _enrolled_notice(state: SignIn, facts: SignInFacts) -> Notice:
    return Notice(
        kind="key_enrolled",
        people=() if state.person is None else (state.person,),
        holders=tuple((Role.SECURITY_CONTACT, scope) for scope in facts.security_scopes),
        facts=_facts(state),
        about=state.person,
    )


def _facts(state: SignIn) -> dict[str, str | bool | list[str] | None]:
    return {
        "client": state.client,
        "fingerprint": fingerprint(state.public_key),
        "expires_at": state.ends_at.isoformat(),
    }


def _transition(
    after: SignIn,
    event: str,
    actor: PersonId | None,
    *,
    reason: str | None = None,
    notices: tuple[Notice, ...] = (),
    refusal: ApprovalError | None = None,
    directory: DirectoryChange | None = None,
) -> Transition:
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=notices,
        key=key_of_sign_in(after),
        receipt=str(after.process_id),
        refusal=refusal,
        directory=directory,
    )
