"""The roles of a pairing: assigned, removed, asked for, declined, and defined by the customer."""

from datetime import datetime
from uuid import uuid5

from approvals.errors import NotAllowedNowError, NotFoundError, RateLimitedError, SubmissionError
from approvals.pairing.authority import is_member, members_of
from approvals.pairing.commands import (
    AskRoles,
    AssignRoles,
    DeclineRoles,
    DefineRole,
    DropRole,
    RemoveRoles,
)
from approvals.pairing.errors import (
    MissingPermissionsError,
    RoleNotRequestableError,
    RoleUnknownError,
)
from approvals.pairing.fields import ENGINE_ROLES
from approvals.pairing.notices import narrowed
from approvals.pairing.offer import not_now, require_seen
from approvals.pairing.parts import Assignment, OwnRole, RoleAsk
from approvals.pairing.record import JOINED, Pairing, Status
from approvals.pairing.steps import stepped, transition
from approvals.people import Directory, PersonId
from approvals.permissions import ROLES
from approvals.transition import Transition

MOST_ASKS, MOST_OWN_ROLES, MOST_ASSIGNED, MOST_HELD = 20, 50, 200, 20
_OPEN_TO_ROLES = (Status.PAIRED, Status.ACTIVE)


def assigned(
    state: Pairing, command: AssignRoles, actor: PersonId, directory: Directory
) -> Transition:
    """Add roles, if all roles of the pairing together then hold the vendor's minimum."""
    _require_open(state, "assign roles")
    require_seen(state, command)
    require_known(state, command.roles)
    _require_of_group(state, command.person, directory)
    held = tuple(dict.fromkeys((*state.roles_of(command.person), *command.roles)))
    after = state.model_copy(update={"assignments": _with(state, command.person, held)})
    if missing := after.missing_among(members_of(state, directory)):
        raise MissingPermissionsError(missing)
    if len(held) > MOST_HELD or len(after.assignments) > MOST_ASSIGNED:
        raise RateLimitedError(
            f"The limits are {MOST_HELD} roles a holder and {MOST_ASSIGNED} holders."
        )
    after = stepped(
        state,
        status=Status.ACTIVE,
        assignments=after.assignments,
        asks=tuple(one for one in state.asks if not _is_met(one, after)),
    )
    return transition(after, "roles_assigned", actor, reason=", ".join(command.roles))


def removed(
    state: Pairing, command: RemoveRoles, actor: PersonId, directory: Directory
) -> Transition:
    """Take roles away, also while nobody gets in. What is left counts above the minimum alone."""
    if state.status not in JOINED:
        raise not_now(state, "remove roles")
    held = state.roles_of(command.person)
    if not set(command.roles) <= set(held):
        raise RoleUnknownError(
            next(one for one in command.roles if one not in held), held or ("none",)
        )
    rest = tuple(one for one in held if one not in command.roles)
    members, left = members_of(state, directory), _with(state, command.person, rest)
    after = stepped(state, members, assignments=left)
    return transition(after, "roles_removed", actor, reason=", ".join(command.roles))


def asked(
    state: Pairing, command: AskRoles, actor: PersonId, directory: Directory, now: datetime
) -> Transition:
    """Ask the customer for roles; what is asked again replaces nothing and is refused."""
    _require_open(state, "ask for roles")
    require_known(state, command.roles)
    _require_of_group(state, command.person, directory)
    ask = RoleAsk(
        id=uuid5(state.process_id, f"ask/{state.version + 1}"),
        roles=command.roles,
        person=command.person,
        reason=command.reason,
        asked_by=actor,
        asked_at=now,
    )
    if _is_met(ask, state):
        raise SubmissionError("These roles are assigned already.")
    if any((one.roles, one.person) == (ask.roles, ask.person) for one in state.asks):
        raise SubmissionError("These roles were asked for already, and the customer has not said.")
    if len(state.asks) >= MOST_ASKS:
        raise RateLimitedError(f"The limit is {MOST_ASKS} unanswered asks.")
    after = stepped(state, asks=(*state.asks, ask))
    return transition(after, "roles_asked", actor, reason=command.reason, receipt=str(ask.id))


def declined(state: Pairing, command: DeclineRoles, actor: PersonId) -> Transition:
    """Refuse what was asked for; the roles stay as they are."""
    _require_open(state, "decline roles")
    ask = next((one for one in state.asks if one.id == command.ask), None)
    if ask is None:
        raise NotFoundError
    require_seen(state, command)
    after = stepped(state, asks=tuple(one for one in state.asks if one.id != ask.id))
    return transition(after, "roles_declined", actor, reason=command.reason)


def defined(
    state: Pairing, command: DefineRole, actor: PersonId, directory: Directory
) -> Transition:
    """Define a role of the customer's own. Defined anew, it counts at once for all who have it."""
    if state.status not in JOINED:
        raise not_now(state, "define roles")
    others = tuple(one for one in state.own_roles if one.name != command.name)
    if len(others) >= MOST_OWN_ROLES:
        raise RateLimitedError(f"The limit is {MOST_OWN_ROLES} roles of your own.")
    role = OwnRole(name=command.name, permissions=command.permissions)
    after = stepped(state, members_of(state, directory), own_roles=(*others, role))
    said = f"{command.name}: {', '.join(command.permissions)}"
    shuts_out = state.status is Status.ACTIVE and after.status is Status.PAIRED
    told = (narrowed(after, actor, said),) if shuts_out else ()
    return transition(after, "role_defined", actor, reason=said, notices=told)


def dropped(state: Pairing, command: DropRole, actor: PersonId) -> Transition:
    """Forget a role of the customer's own, once nobody has it."""
    if state.status not in JOINED:
        raise not_now(state, "drop roles")
    if command.name not in {one.name for one in state.own_roles}:
        raise RoleUnknownError(command.name, [one.name for one in state.own_roles] or ("none",))
    if any(command.name in one.roles for one in state.assignments):
        raise NotAllowedNowError(f"drop the role {command.name}", "a pairing that uses it")
    rest = tuple(one for one in state.own_roles if one.name != command.name)
    asks = tuple(one for one in state.asks if command.name not in one.roles)
    after = stepped(state, own_roles=rest, asks=asks)
    return transition(after, "role_dropped", actor, reason=command.name)


def require_known(state: Pairing, roles: tuple[str, ...]) -> None:
    """Refuse what is no role of this pairing's customer, byte for byte."""
    known = (*ROLES, *(one.name for one in state.own_roles))
    for role in roles:
        if role in ENGINE_ROLES:
            raise RoleNotRequestableError(role)
        if role not in known:
            raise RoleUnknownError(role, known)


def _require_open(state: Pairing, act: str) -> None:
    if state.status not in _OPEN_TO_ROLES:
        raise not_now(state, act)


def _require_of_group(state: Pairing, person: PersonId | None, directory: Directory) -> None:
    if person is not None and not is_member(state, person, directory):
        raise SubmissionError("That person is not of the paired group, or not active any more.")


def _is_met(ask: RoleAsk, state: Pairing) -> bool:
    held = {*state.roles_of(None), *state.roles_of(ask.person)}
    return set(ask.roles) <= (set(state.roles_of(None)) if ask.person is None else held)


def _with(
    state: Pairing, person: PersonId | None, roles: tuple[str, ...]
) -> tuple[Assignment, ...]:
    others = tuple(one for one in state.assignments if one.person != person)
    return (*others, Assignment(person=person, roles=roles)) if roles else others
