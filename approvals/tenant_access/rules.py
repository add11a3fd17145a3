"""The tenant access request as one kind of process."""

from datetime import datetime

from approvals.commands import CLOCK, Signed, Tick, forms_of
from approvals.errors import AlreadySubmittedError, NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.people import PersonId
from approvals.sessions import BeginSession, EndSession
from approvals.tenant_access import authority, life
from approvals.tenant_access.commands import (
    ChangeEnd,
    Deny,
    Finish,
    Grant,
    Revoke,
    Submit,
    Withdraw,
)
from approvals.tenant_access.record import CLOSED, KIND, TenantAccess
from approvals.transition import Transition

COMMANDS = (
    Submit, Grant, Deny, Withdraw, ChangeEnd, Revoke, Finish, BeginSession, EndSession,
)  # fmt: skip


def needed(state: TenantAccess | None, signed: Signed | None) -> Needed:
    """Say which part of the directory a judgement, or the addressing of notices, needs."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    if state is not None:
        deciders = tuple(one for one in (state.decided_by, state.closed_by) if one)
        return Needed(
            people=(*people, state.requester, *state.people, *deciders),
            tenants=(state.tenant,),
            organizations=(state.organization,),
        )
    command = None if signed is None else signed.command
    if not isinstance(command, Submit):
        return Needed(people=people)
    return Needed(
        people=(*people, *command.people),
        slugs=(command.tenant,),
        organization_slugs=() if command.organization is None else (command.organization,),
    )


def judge(
    state: TenantAccess | None,
    signed: Signed,
    actor: PersonId | None,
    facts: Facts,
    now: datetime,
) -> Transition:
    """Authorise and apply one verified command."""
    command = signed.command
    if actor is None:
        raise NotFoundError
    if state is None:
        return _submitted(signed, actor, facts, now)
    if isinstance(command, Submit):
        if not authority.may_see(state, actor, facts.directory):
            raise NotFoundError
        raise AlreadySubmittedError
    authority.require_role(state, command, actor, facts.directory)
    return life.apply(state, command, actor, now)


def tick(state: TenantAccess, now: datetime) -> Transition:
    """Return what time alone demands."""
    return life.apply(state, Tick(), CLOCK, now)


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
    return life.submitted(signed.process, command, actor, place, policy, now)


RULES = Kind(
    name=KIND,
    state=TenantAccess,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset({Submit.kind}),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=authority.may_see,
)
