"""Whose rules apply: from a stored state and a verified command to the transition it causes."""

from datetime import datetime

from approvals import access_request, authority, sign_in, tenant_access
from approvals.access_request import TenantAccess
from approvals.authority import Counts
from approvals.commands import CLOCK, Begin, Prove, RevokeKey, Signed, SignOut, Submit, Tick
from approvals.errors import AlreadySubmittedError, InvalidDecisionError, NotFoundError
from approvals.people import Directory, OrganizationId, PersonId, Role, TenantId
from approvals.policy import Policies
from approvals.records import Record
from approvals.sign_in import SignIn, SignInFacts
from approvals.transition import EnrolledKey, State, Transition

STATES: dict[str, type[TenantAccess] | type[SignIn]] = {
    access_request.KIND: TenantAccess,
    sign_in.KIND: SignIn,
}
CLOSED: dict[str, frozenset[str]] = {
    access_request.KIND: frozenset(access_request.CLOSED),
    sign_in.KIND: frozenset(sign_in.CLOSED),
}


class Facts(Record):
    """All that a judgement needs beside state, command and time, read in the same transaction."""

    directory: Directory = Directory()
    policies: Policies = Policies()
    counts: Counts = Counts()
    key: EnrolledKey | None = None
    sign_in: SignInFacts = SignInFacts()


class Needed(Record):
    """Which part of the directory a judgement needs; its role holders and companies come along."""

    people: tuple[PersonId, ...] = ()
    emails: tuple[str, ...] = ()
    tenants: tuple[TenantId, ...] = ()
    slugs: tuple[str, ...] = ()
    organizations: tuple[OrganizationId, ...] = ()
    organization_slugs: tuple[str, ...] = ()
    with_own_tenants: bool = False


def needed(state: State | None, signed: Signed | None) -> Needed:
    """Say which part of the directory to read before judging, or before addressing notices."""
    people = [] if signed is None or signed.actor is None else [signed.actor]
    match state:
        case TenantAccess():
            deciders = (state.decided_by, state.closed_by)
            people += [state.requester, *state.people, *(one for one in deciders if one)]
            return Needed(
                people=tuple(people), tenants=(state.tenant,), organizations=(state.organization,)
            )
        case SignIn():
            owner = () if state.person is None else (state.person,)
            return Needed(people=(*people, *owner), with_own_tenants=True)
        case _:
            return _needed_to_start(signed, tuple(people))


def _needed_to_start(signed: Signed | None, people: tuple[PersonId, ...]) -> Needed:
    match None if signed is None else signed.command:
        case Submit() as command:
            other = () if command.organization is None else (command.organization,)
            return Needed(
                people=(*people, *command.people),
                slugs=(command.tenant,),
                organization_slugs=other,
            )
        case Begin(email=email):
            return Needed(people=people, emails=(email,))
        case _:
            return Needed(people=people)


def restored(kind: str, text: str) -> State:
    """Read a row's JSON back into its state."""
    return STATES[kind].model_validate_json(text)


def public_key_of(state: State | None, signed: Signed, key: EnrolledKey | None) -> str | None:
    """Return the public key whose signature the message must bear, or None for an unknown one.

    A sign-in's own two messages are signed by the key that is being enrolled.
    """
    match signed.command, state:
        case Begin(public_key=public_key), None if signed.key == signed.process:
            return public_key
        case ((Begin() | Prove()), SignIn(public_key=public_key)) if signed.key == signed.process:
            return public_key
        case ((Begin() | Prove()), _):
            return None
        case _:
            return None if key is None else key.public_key


def ticked(state: State, now: datetime) -> Transition | None:
    """Return what time alone demands, or None when nothing is due yet."""
    if state.due is None or now < state.due:
        return None
    match state:
        case TenantAccess():
            return tenant_access.apply(state, Tick(), CLOCK, now)
        case SignIn():
            return sign_in.apply(state, Tick(), CLOCK, SignInFacts(), now)
        case _:
            return None


def judge(state: State | None, signed: Signed, facts: Facts, now: datetime) -> Transition:
    """Authorise and apply one verified command; raises the ApprovalError of the broken rule."""
    authority.require_fresh(signed, now)
    if isinstance(signed.command, Begin | Prove):
        return _signing_in(state, signed, facts, now)
    actor = authority.require_key(signed, facts.key, facts.directory, now)
    match state:
        case None:
            return _submitted(signed, actor, facts, now)
        case TenantAccess():
            return _on_request(state, signed, actor, facts, now)
        case SignIn() if isinstance(signed.command, SignOut) and signed.key != signed.process:
            raise NotFoundError  # one signs out with the very key that ends
        case SignIn() if isinstance(signed.command, SignOut | RevokeKey):
            is_operator = facts.directory.holds(actor, Role.OPERATOR, None)
            known = facts.sign_in.model_copy(update={"by_operator": is_operator})
            return sign_in.apply(state, signed.command, actor, known, now)
        case _:
            raise NotFoundError


def _submitted(signed: Signed, actor: PersonId, facts: Facts, now: datetime) -> Transition:
    command = signed.command
    if not isinstance(command, Submit):
        raise NotFoundError
    organization, tenant = authority.require_submission(
        signed.process, command, actor, facts.directory
    )
    policy = facts.policies.of(organization.slug, tenant.slug)
    authority.require_quota(policy, facts.counts)
    place = (organization.id, tenant.id)
    return tenant_access.submitted(signed.process, command, actor, place, policy, now)


def _on_request(
    state: TenantAccess, signed: Signed, actor: PersonId, facts: Facts, now: datetime
) -> Transition:
    command = signed.command
    if isinstance(command, SignOut | RevokeKey):
        raise NotFoundError
    if isinstance(command, Submit):
        if not authority.may_see(state, actor, facts.directory):
            raise NotFoundError
        raise AlreadySubmittedError
    authority.require_role(state, command, actor, facts.directory)
    return tenant_access.apply(state, command, actor, now)


def _signing_in(state: State | None, signed: Signed, facts: Facts, now: datetime) -> Transition:
    match signed.command, state:
        case Begin() as command, None:
            return sign_in.begun(signed.process, command, facts.sign_in, now)
        case Begin(), SignIn():
            raise AlreadySubmittedError
        case Prove() as command, SignIn():
            return sign_in.apply(state, command, None, facts.sign_in, now)
        case _:
            raise InvalidDecisionError(("process_id", "There is no sign-in of this number."))
