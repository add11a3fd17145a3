"""Use of an active pairing: sessions and cloned users."""

from datetime import datetime
from uuid import uuid5

from approvals.errors import NotAllowedNowError, NotAuthorisedError, NotFoundError
from approvals.pairing.commands import BeginSession, EndSession, RemoveClone
from approvals.pairing.offer import not_now
from approvals.pairing.parts import Visit
from approvals.pairing.record import JOINED, Pairing, Status
from approvals.pairing.steps import stepped, transition
from approvals.people import PersonId
from approvals.permissions import permission_for
from approvals.transition import Clone, Transition


def session_begun(
    state: Pairing, command: BeginSession, actor: PersonId, now: datetime
) -> Transition:
    """Open the tenant, as far as the actor's roles allow; one session a person and mode."""
    if state.status is not Status.ACTIVE:
        raise not_now(state, "begin a session")
    permission = permission_for(command.mode)
    if permission not in state.allowed(actor):
        raise NotAuthorisedError(
            f"begin a session in mode {command.mode}", f"with the permission {permission}"
        )
    clone = state.clone_of(actor) if command.as_clone else None
    if command.as_clone and clone is None:
        raise NotAllowedNowError("begin a session as your clone", "a pairing without your clone")
    visit = Visit(
        id=uuid5(state.process_id, f"session/{state.version + 1}"),
        process=state.process_id,
        person=actor,
        tenant=state.tenant,
        mode=command.mode.value,
        begun_at=now,
        clone=None if clone is None else clone.id,
    )
    others = tuple(
        one for one in state.sessions if (one.person, one.mode) != (actor, command.mode.value)
    )
    after = stepped(state, sessions=(*others, visit))
    return transition(after, "session_begun", actor, receipt=str(visit.id))


def session_ended(state: Pairing, command: EndSession, actor: PersonId) -> Transition:
    """Close a session of the actor's own."""
    if state.status not in JOINED:
        raise not_now(state, "end a session")
    rest = tuple(one for one in state.sessions if (one.id, one.person) != (command.session, actor))
    if len(rest) == len(state.sessions):
        raise NotFoundError
    return transition(stepped(state, sessions=rest), "session_ended", actor)


def clone_added(state: Pairing, actor: PersonId, now: datetime) -> Transition:
    """Add the actor to the customer's people; the clone enters by this pairing alone."""
    if state.status is not Status.ACTIVE:
        raise not_now(state, "add a cloned user")
    if state.clone_of(actor) is not None:
        raise NotAllowedNowError("add a cloned user", "a pairing with your clone in it already")
    clone = Clone(
        id=uuid5(state.process_id, f"clone/{state.version + 1}"),
        process=state.process_id,
        tenant=state.tenant,
        person=actor,
        added_at=now,
    )
    after = stepped(state, clones=(*state.clones, clone))
    return transition(after, "clone_added", actor, receipt=str(clone.id))


def clone_removed(state: Pairing, command: RemoveClone, actor: PersonId) -> Transition:
    """Remove a clone, and end its sessions; also while nobody gets in."""
    if state.status not in JOINED:
        raise not_now(state, "remove a cloned user")
    rest = tuple(one for one in state.clones if one.id != command.clone)
    if len(rest) == len(state.clones):
        raise NotFoundError
    return transition(stepped(state, clones=rest), "clone_removed", actor)
