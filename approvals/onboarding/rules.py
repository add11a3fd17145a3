"""Onboarding as one kind of process."""

from datetime import datetime

from approvals.commands import CLOCK, Signed, Tick, forms_of
from approvals.errors import NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.onboarding import authority, life
from approvals.onboarding.commands import Abandon, Retry, Start
from approvals.onboarding.record import CLOSED, KIND, Onboarding, subject_of
from approvals.people import PersonId
from approvals.transition import Transition

COMMANDS = (Start, Retry, Abandon)


def needed(state: Onboarding | None, signed: Signed | None) -> Needed:
    """Say which part of the directory a judgement, or the addressing of notices, needs."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    if state is not None:
        partner = () if state.partner is None else (state.partner,)
        return Needed(
            people=(*people, state.operator),
            organizations=(state.vendor, *partner),
            scopes=(state.vendor, *partner),
        )
    command = None if signed is None else signed.command
    if not isinstance(command, Start):
        return Needed(people=people)
    named = (command.customer, command.organization, command.switch_on_for)
    return Needed(
        people=people,
        emails=tuple(one.email for one in command.people),
        slugs=(command.customer,),
        organization_slugs=tuple(one for one in named if one is not None),
        subject=subject_of(command.customer),
    )


def judge(
    state: Onboarding | None,
    signed: Signed,
    actor: PersonId | None,
    facts: Facts,
    now: datetime,
) -> Transition:
    """Authorise and apply one verified command."""
    command = signed.command
    if actor is None:
        raise NotFoundError
    if state is not None:
        authority.require_operator(state, command.kind, actor, facts.directory)
        return life.apply(state, command, actor, now)
    if not isinstance(command, Start):
        raise NotFoundError
    place = authority.require_start(signed.process, command, actor, facts)
    return life.started(signed.process, command, actor, place, facts.policies.onboarding, now)


def tick(state: Onboarding, now: datetime) -> Transition:
    """Return what time alone demands: to park what has waited for too long."""
    return life.apply(state, Tick(), CLOCK, now)


RULES = Kind(
    name=KIND,
    state=Onboarding,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset({Start.kind}),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=authority.may_see,
)
