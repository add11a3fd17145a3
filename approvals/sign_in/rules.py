"""Sign-in as one kind of process."""

from datetime import datetime

from approvals.commands import CLOCK, Signed, Tick, forms_of
from approvals.errors import AlreadySubmittedError, InvalidDecisionError, NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.people import Directory, PersonId, Role
from approvals.sign_in import life
from approvals.sign_in.commands import Begin, Prove, RevokeKey, SignOut
from approvals.sign_in.record import CLOSED, KIND, SignIn, SignInFacts
from approvals.transition import Transition

COMMANDS = (Begin, Prove, SignOut, RevokeKey)


def needed(state: SignIn | None, signed: Signed | None) -> Needed:
    """Say which facts a judgement needs: whose address it is, and the address's other sign-ins."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    command = None if signed is None else signed.command
    if state is not None:
        owner = () if state.person is None else (state.person,)
        return Needed(
            people=(*people, *owner),
            with_own_tenants=True,
            subject=state.subject if isinstance(command, Prove) else None,
            proof=command.proof if isinstance(command, Prove) else None,
        )
    if not isinstance(command, Begin):
        return Needed(people=people)
    return Needed(
        people=people,
        emails=(command.email,),
        keyed_subject=f"subject {command.email.casefold()}",
        draws="code",
    )


def judge(
    state: SignIn | None, signed: Signed, actor: PersonId | None, facts: Facts, now: datetime
) -> Transition:
    """Authorise and apply one verified command. A code's two messages come without an actor."""
    match signed.command, state:
        case Begin() as command, None:
            return life.begun(signed.process, command, _of_begin(command, facts), now)
        case Begin(), SignIn():
            raise AlreadySubmittedError
        case Prove() as command, SignIn():
            return life.apply(state, command, None, _of_proof(facts), now)
        case Prove(), None:
            raise InvalidDecisionError(("process_id", "There is no sign-in of this number."))
        case SignOut(), SignIn() if signed.key != signed.process:
            raise NotFoundError  # one signs out with the very key that ends
        case (SignOut() | RevokeKey()) as command, SignIn():
            by_operator = facts.directory.holds(actor, Role.OPERATOR, None)
            return life.apply(state, command, actor, SignInFacts(by_operator=by_operator), now)
        case _:
            raise NotFoundError


def tick(state: SignIn, now: datetime) -> Transition:
    """Return what time alone demands."""
    return life.apply(state, Tick(), CLOCK, SignInFacts(), now)


def may_see(state: SignIn, viewer: PersonId, directory: Directory) -> bool:
    """Whether it is their own, or they administer keys."""
    return viewer == state.person or directory.holds(viewer, Role.OPERATOR, None)


def _of_begin(command: Begin, facts: Facts) -> SignInFacts:
    person = facts.directory.person_of(command.email)
    return SignInFacts(
        person=person.id if person and facts.directory.is_live(person.id) else None,
        subject=facts.subject,
        recent=facts.kin.recent,
        newest=facts.kin.newest,
        code=facts.secret,
    )


def _of_proof(facts: Facts) -> SignInFacts:
    return SignInFacts(
        newest=facts.kin.newest,
        recent=facts.kin.recent,
        proof_check=facts.proof_check,
        security_scopes=tuple(one.id for one in facts.directory.tenants),
    )


RULES = Kind(
    name=KIND,
    state=SignIn,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset({Begin.kind}),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=may_see,
)
