"""The life of a pairing: which rule answers which command, and the switches of the customer."""

from datetime import datetime

from approvals.commands import Command, Tick
from approvals.errors import NotFoundError
from approvals.facts import Facts
from approvals.pairing import changes, offer, roles, use
from approvals.pairing import commands as say
from approvals.pairing.authority import members_of
from approvals.pairing.offer import not_now, require_seen
from approvals.pairing.record import Pairing, Status
from approvals.pairing.steps import closed, stepped, transition
from approvals.people import PersonId
from approvals.transition import Transition


def apply(
    state: Pairing, command: Command | Tick, actor: PersonId, facts: Facts, now: datetime
) -> Transition:
    """Judge one command at *now* (aware UTC) and name everything that follows from it.

    Raises the refusals of approvals/errors.py and errors.py here. Source: glossary, "pairing".
    """
    match command:
        case Tick() if state.status is Status.OFFERED and now >= state.due_at:
            return offer.lapsed(state, now)
        case Tick():
            raise not_now(state, "tick")
        case say.Accept():
            return offer.accepted(state, command, actor, facts.proof_check, now)
        case say.Decline():
            return offer.declined(state, command, actor, now)
        case say.Withdraw():
            return offer.withdrawn(state, actor, now)
        case say.Reissue():
            return offer.reissued(state, actor, facts, now)
        case say.Suspend() | say.Resume() | say.Revoke():
            return _switched(state, command, actor, facts, now)
        case _:
            return _in_use(state, command, actor, facts, now)


def _switched(
    state: Pairing,
    command: say.Suspend | say.Resume | say.Revoke,
    actor: PersonId,
    facts: Facts,
    now: datetime,
) -> Transition:
    match command:
        case say.Suspend() if state.status is Status.ACTIVE:
            after = stepped(state, status=Status.SUSPENDED)
            return transition(after, "suspended", actor, reason=command.message)
        case say.Resume() if state.status is Status.SUSPENDED:
            members = members_of(state, facts.directory)
            return transition(stepped(state, members, status=Status.ACTIVE), "resumed", actor)
        case say.Revoke() if not state.is_closed:
            require_seen(state, command)
            after = closed(state, Status.REVOKED, actor, now, answer=command.reason)
            return transition(after, "revoked", actor, reason=command.reason)
        case _:
            raise not_now(state, f"{command.kind} this pairing")


def _in_use(
    state: Pairing, command: Command, actor: PersonId, facts: Facts, now: datetime
) -> Transition:
    """Judge what needs an accepted offer."""
    match command:
        case say.AssignRoles():
            return roles.assigned(state, command, actor, facts.directory)
        case say.RemoveRoles():
            return roles.removed(state, command, actor, facts.directory)
        case say.AskRoles():
            return roles.asked(state, command, actor, facts.directory, now)
        case say.DeclineRoles():
            return roles.declined(state, command, actor)
        case say.DefineRole():
            return roles.defined(state, command, actor, facts.directory)
        case say.DropRole():
            return roles.dropped(state, command, actor)
        case say.BeginSession():
            return use.session_begun(state, command, actor, now)
        case say.EndSession():
            return use.session_ended(state, command, actor)
        case say.AddClone():
            return use.clone_added(state, actor, now)
        case say.RemoveClone():
            return use.clone_removed(state, command, actor)
        case _:
            return _changing(state, command, actor, now)


def _changing(state: Pairing, command: Command, actor: PersonId, now: datetime) -> Transition:
    match command:
        case say.AskConsent():
            return changes.consent_asked(state, command, actor, now)
        case say.GiveConsent() | say.RefuseConsent():
            return changes.consent_decided(state, command, actor, now)
        case say.RecordChange():
            return changes.change_recorded(state, command, actor, now)
        case say.RecordRevert():
            return changes.change_reverted(state, command, actor, now)
        case _:
            raise NotFoundError
