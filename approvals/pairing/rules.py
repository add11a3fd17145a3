"""The pairing as one kind of process."""

from datetime import datetime

from approvals.commands import CLOCK, Command, Signed, Tick, forms_of
from approvals.errors import AlreadySubmittedError, NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.pairing import authority, life, offer
from approvals.pairing import commands as say
from approvals.pairing.record import CLOSED, KIND, Pairing, subject_of
from approvals.people import PersonId
from approvals.transition import Transition

COMMANDS = (
    say.Offer, say.Reissue, say.Withdraw, say.Accept, say.Decline,
    say.AssignRoles, say.RemoveRoles, say.DefineRole, say.DropRole, say.AskRoles, say.DeclineRoles,
    say.Suspend, say.Resume, say.Revoke, say.AddClone, say.RemoveClone,
    say.AskConsent, say.GiveConsent, say.RefuseConsent, say.RecordChange, say.RecordRevert,
    say.BeginSession, say.EndSession,
)  # fmt: skip


def needed(state: Pairing | None, signed: Signed | None) -> Needed:
    """Say which facts a judgement, or the addressing of notices, needs."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    command = None if signed is None else signed.command
    if state is None:
        return _needed_to_offer(people, command)
    acted = tuple(one for one in (state.decided_by, state.closed_by) if one not in (None, CLOCK))
    asked = getattr(command, "person", None)
    others = (*acted, *(() if asked is None else (asked,)))
    return Needed(
        people=(*people, state.requester, *(one for one in others if one is not None)),
        tenants=(state.tenant,),
        organizations=(state.vendor, state.customer),
        groups=(state.group,),
        scopes=(state.vendor, state.customer),
        subject=state.subject if isinstance(command, say.Reissue) else None,
        draws="link" if isinstance(command, say.Reissue) else None,
        proof=command.proof if isinstance(command, say.Accept) else None,
    )


def judge(
    state: Pairing | None, signed: Signed, actor: PersonId | None, facts: Facts, now: datetime
) -> Transition:
    """Authorise and apply one verified command."""
    command = signed.command
    if actor is None:
        raise NotFoundError
    if state is None:
        return _offered(signed, actor, facts, now)
    if isinstance(command, say.Offer):
        if not authority.may_see(state, actor, facts.directory):
            raise NotFoundError
        raise AlreadySubmittedError
    authority.require_right(state, command, actor, facts.directory)
    return life.apply(state, command, actor, facts, now)


def _needed_to_offer(people: tuple[PersonId, ...], command: Command | None) -> Needed:
    if not isinstance(command, say.Offer):
        return Needed(people=people)
    return Needed(
        people=people,
        slugs=(command.tenant,),
        group_slugs=(command.group,),
        organization_slugs=() if command.organization is None else (command.organization,),
        subject=subject_of(command.group, command.tenant),
        draws="link",
    )


def tick(state: Pairing, now: datetime) -> Transition:
    """Return what time alone demands."""
    return life.apply(state, Tick(), CLOCK, Facts(), now)


def _offered(signed: Signed, actor: PersonId, facts: Facts, now: datetime) -> Transition:
    command = signed.command
    if not isinstance(command, say.Offer):
        raise NotFoundError
    place = authority.require_offer(signed.process, command, actor, facts.directory)
    return offer.offered(signed.process, command, actor, place, facts, now)


RULES = Kind(
    name=KIND,
    state=Pairing,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset({say.Offer.kind, say.Reissue.kind}),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=authority.may_see,
)
