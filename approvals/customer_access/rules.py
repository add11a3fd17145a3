"""A customer's access to the platform as one kind of process."""

from datetime import datetime

from approvals.commands import CLOCK, Signed, Tick, forms_of
from approvals.customer_access import authority, life
from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.record import CLOSED, KIND, CustomerAccess
from approvals.errors import NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.people import PersonId
from approvals.sessions import EndSession
from approvals.transition import Transition

COMMANDS = (Enable, Disable, AcceptTerms, BeginSession, EndSession)


def needed(state: CustomerAccess | None, signed: Signed | None) -> Needed:
    """Say which part of the directory a judgement, or the addressing of notices, needs."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    command = None if signed is None else signed.command
    if state is not None:
        accepted = () if state.accepted is None else (state.accepted.person,)
        return Needed(
            people=(*people, state.requester, state.switched_by, *accepted),
            organizations=(state.partner, state.customer),
            with_in_charge=True,
        )
    if not isinstance(command, Enable):
        return Needed(people=people)
    partner = () if command.partner is None else (command.partner,)
    slugs = (command.customer, *partner)
    return Needed(people=people, organization_slugs=slugs, with_in_charge=True)


def judge(
    state: CustomerAccess | None,
    signed: Signed,
    actor: PersonId | None,
    facts: Facts,
    now: datetime,
) -> Transition:
    """Authorise and apply one verified command."""
    command, directory = signed.command, facts.directory
    if actor is None:
        raise NotFoundError
    if state is None:
        if not isinstance(command, Enable):
            raise NotFoundError
        place = authority.require_start(signed.process, command, actor, directory)
        in_charge = authority.in_charge(place[1], directory)
        return life.enabled(signed.process, command, actor, place, in_charge, now)
    authority.require_role(state, command, actor, directory)
    in_charge = authority.in_charge(state.customer, directory)
    return life.apply(state, command, actor, now, facts.policies.terms.version, in_charge)


def tick(state: CustomerAccess, now: datetime) -> Transition:
    """Return what time alone demands: visits of twelve hours end."""
    return life.apply(state, Tick(), CLOCK, now)


RULES = Kind(
    name=KIND,
    state=CustomerAccess,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset({Enable.kind}),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=authority.may_see,
)
