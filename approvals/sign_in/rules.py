"""Sign-in as one kind of process."""

from datetime import datetime

from approvals import newcomers
from approvals.authority import PORTAL
from approvals.commands import CLOCK, Signed, Tick, forms_of
from approvals.errors import AlreadySubmittedError, InvalidDecisionError, NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.people import Directory, PersonId, Role
from approvals.sign_in import life, passkeys
from approvals.sign_in.commands import (
    AddPasskey,
    Begin,
    Prove,
    RemovePasskey,
    RevokeKey,
    SignOut,
)
from approvals.sign_in.record import CLI, CLOSED, KIND, Newcomer, SignIn, SignInFacts
from approvals.transition import DirectoryChange, Transition

COMMANDS = (Begin, Prove, SignOut, RevokeKey, AddPasskey, RemovePasskey)


def needed(state: SignIn | None, signed: Signed | None) -> Needed:
    """Say which facts a judgement needs: whose address it is, and the address's other sign-ins."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    command = None if signed is None else signed.command
    if state is not None:
        owner = () if state.person is None else (state.person,)
        found = Needed(
            people=(*people, *owner),
            with_own_tenants=True,
            subject=state.subject if isinstance(command, Prove) else None,
            proof=command.proof if isinstance(command, Prove) else None,
            passkey=passkeys.asked_for(state, command),
        )
        return found if state.newcomer is None else _with_newcomer(found, state.newcomer.email)
    if not isinstance(command, Begin):
        return Needed(people=people)
    found = Needed(
        people=people,
        emails=(command.email,),
        keyed_subject=f"subject {command.email.casefold()}",
        draws="code" if command.issuer is None and command.passkey is None else None,
        passkey=command.passkey,
    )
    if command.newcomer is None:
        return found
    found = found.model_copy(update={"site_slugs": (command.newcomer.site,)})
    return _with_newcomer(found, command.email)


def judge(
    state: SignIn | None, signed: Signed, actor: PersonId | None, facts: Facts, now: datetime
) -> Transition:
    """Authorise and apply one verified command. A code's two messages come without an actor."""
    match signed.command, state:
        case Begin() as command, None:
            return life.begun(signed.process, command, _of_begin(signed, command, facts), now)
        case Begin(), SignIn():
            raise AlreadySubmittedError
        case Prove() as command, SignIn():
            return life.apply(state, command, None, _of_proof(state, facts), now)
        case Prove(), None:
            raise InvalidDecisionError(("process_id", "There is no sign-in of this number."))
        case SignOut(), SignIn() if signed.key != signed.process:
            raise NotFoundError  # one signs out with the very key that ends
        case ((AddPasskey() | RemovePasskey()), SignIn()) if signed.key != signed.process:
            raise NotFoundError  # one does that in the very sign-in by which one is known
        case AddPasskey() as command, SignIn():
            return passkeys.added(state, command, facts, now)
        case RemovePasskey(), SignIn():
            return passkeys.removed(state, facts, now)
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


def _with_newcomer(needed: Needed, email: str) -> Needed:
    """Add what tells whether this address can become a guest's."""
    return needed.model_copy(
        update={
            "emails": (email,),
            "people": (*needed.people, newcomers.person_id_of(email)),
            "organizations": (newcomers.GUESTS,),
            "organization_slugs": newcomers.GUESTS_SLUGS,
        }
    )


def _newcomer(command: Begin, directory: Directory) -> Newcomer | None:
    """Return who may get a code without being known: for an open site, at a free address."""
    said = command.newcomer
    site = None if said is None else directory.site_of(said.site)
    home = None if site is None else directory.organization(site.organization)
    if said is None or home is None or not home.is_active:
        return None
    if not newcomers.is_free(command.email, directory):
        return None
    return Newcomer(email=command.email, name=said.name, locale=said.locale)


def _arrived(state: SignIn, directory: Directory) -> tuple[PersonId | None, DirectoryChange | None]:
    """Return the person whom a proof makes of a newcomer, or whom somebody has named meanwhile."""
    new = state.newcomer
    if new is None:
        return None, None
    known = directory.person_of(new.email)
    if known is not None:
        return (known.id if directory.is_live(known.id) else None), None
    home = newcomers.guests(directory)
    if not (home.is_active and newcomers.is_free(new.email, directory)):
        return None, None
    guest = newcomers.newcomer(new.email, new.name, new.locale, home)
    return guest.id, DirectoryChange(organizations=(home,), people=(guest,))


def _issuer(signed: Signed, command: Begin) -> str | None:
    """Return who identified the person, if a portal vouches for it; the door has looked."""
    if command.issuer is not None and signed.channel != PORTAL:
        raise InvalidDecisionError(("command.args.issuer", "Only a portal can say who it was."))
    if command.passkey is not None and (signed.channel != PORTAL or command.issuer is not None):
        raise InvalidDecisionError(("command.args.passkey", "It is used in a portal, alone."))
    return command.issuer


def _of_begin(signed: Signed, command: Begin, facts: Facts) -> SignInFacts:
    person = facts.directory.person_of(command.email)
    return SignInFacts(
        person=person.id if person and facts.directory.is_live(person.id) else None,
        newcomer=_newcomer(command, facts.directory),
        channel=PORTAL if signed.channel == PORTAL else CLI,
        issuer=_issuer(signed, command),
        passkey=facts.passkey,
        subject=facts.subject,
        recent=facts.kin.recent,
        failures=facts.kin.failures,
        newest=facts.kin.newest,
        code=facts.secret,
    )


def _of_proof(state: SignIn, facts: Facts) -> SignInFacts:
    person, change = _arrived(state, facts.directory)
    return SignInFacts(
        person=person,
        change=change,
        newest=facts.kin.newest,
        recent=facts.kin.recent,
        failures=facts.kin.failures,
        proof_check=facts.proof_check,
        passkey=facts.passkey,
        counted=facts.counted,
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
