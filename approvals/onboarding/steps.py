"""The steps of an onboarding: what the stored state demands of the platform, and what follows.

Nothing else is ever asked of the platform, and a step that is asked for twice finds what exists.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from approvals.onboarding.entry import entered
from approvals.onboarding.life import gave_up, parked, stepped, transition
from approvals.onboarding.record import Account, Before, Onboarding, Status
from approvals.people import Directory
from approvals.platform import (
    ADMIN_ROLES,
    ImportState,
    ImportStatus,
    NewCustomer,
    NewUser,
    PbxConnection,
    PlatformAway,
    PlatformCustomer,
    PlatformRefused,
    PlatformRole,
    PlatformUser,
)
from approvals.transition import Transition


@dataclass(frozen=True)
class CreateCustomer:
    customer: NewCustomer


@dataclass(frozen=True)
class WatchImport:
    customer: UUID


@dataclass(frozen=True)
class ConnectPbx:
    """Begin an import again that failed."""

    customer: UUID
    pbx: PbxConnection


@dataclass(frozen=True)
class LookUp:
    """See what the platform has of a user, before anything of them is changed."""

    customer: UUID
    email: str


@dataclass(frozen=True)
class EnsureAdmin:
    customer: UUID
    user: NewUser


@dataclass(frozen=True)
class EnsureUser:
    customer: UUID
    user: NewUser
    roles: tuple[PlatformRole, ...]


@dataclass(frozen=True)
class EnterDirectory:
    """Nothing is asked of the platform: it has all, and the directory is next."""


@dataclass(frozen=True)
class RemoveRoles:
    customer: UUID
    email: str
    roles: tuple[PlatformRole, ...]


@dataclass(frozen=True)
class DeleteUser:
    customer: UUID
    email: str


@dataclass(frozen=True)
class FindCustomer:
    """See whether a creation counted that was never answered."""

    reference: str
    key: UUID


@dataclass(frozen=True)
class DeleteCustomer:
    customer: UUID


Task = (
    CreateCustomer
    | WatchImport
    | ConnectPbx
    | LookUp
    | EnsureAdmin
    | EnsureUser
    | EnterDirectory
    | RemoveRoles
    | DeleteUser
    | FindCustomer
    | DeleteCustomer
)
Finding = PlatformCustomer | ImportState | PlatformUser | None
Answer = Finding | PlatformAway | PlatformRefused


@dataclass(frozen=True)
class Noted:
    """What follows from an answer. *waits* says why the same step must be taken again.

    It is then taken *after* some time, or with the usual back-off.
    """

    transition: Transition | None
    waits: str | None = None
    after: timedelta | None = None


def demanded(state: Onboarding) -> Task | None:
    """Return the one thing that the stored state demands now, or None when it demands nothing."""
    match state.status:
        case Status.RUNNING:
            return _forward(state)
        case Status.UNDOING:
            return _backward(state)
        case _:
            return None


def noted(
    state: Onboarding, task: Task, answer: Answer, directory: Directory, now: datetime
) -> Noted:
    """Say what follows from the platform's answer to *task*, which *state* demanded."""
    match answer:
        case PlatformRefused():
            return Noted(parked(state, answer.sentence))
        case PlatformAway():
            return _away(state, answer, now)
        case _:
            calm = state.model_copy(update={"trouble": None, "trouble_since": None})
            if state.status is Status.UNDOING:
                return _took_back(calm, task, answer, now)
            went = _went_on(calm, task, answer, directory, now)
            if went.transition is not None or state.trouble is None:
                return went
            after = stepped(calm)  # nothing new, but the platform answers again: that is shown
            return replace(went, transition=transition(after, "importing", reason=went.waits))


def orphan(state: Onboarding, task: Task, answer: Answer) -> UUID | None:
    """Return the customer that a late step made, and that was looked for in vain before."""
    if not isinstance(answer, PlatformCustomer) or not isinstance(task, CreateCustomer):
        return None
    return answer.id if state.is_abandoning and state.customer is None else None


def _forward(state: Onboarding) -> Task:
    if state.customer is None:
        return CreateCustomer(
            NewCustomer(
                key=state.process_id,
                name=state.name,
                description=state.description or "",
                reference=state.reference,
                pbx=state.pbx,
            )
        )
    if not state.is_imported:
        has_failed = state.imported is not None and state.imported.status is ImportStatus.FAILED
        return ConnectPbx(state.customer, state.pbx) if has_failed else WatchImport(state.customer)
    one = state.next_account
    if one is None:
        return EnterDirectory()
    if one.before is None:
        return LookUp(state.customer, one.email)
    user = NewUser(email=one.email, name=one.name)
    if one.is_admin:
        return EnsureAdmin(state.customer, user)
    return EnsureUser(state.customer, user, one.roles)


def _backward(state: Onboarding) -> Task:
    if state.customer is None:
        return FindCustomer(state.reference, state.process_id)
    for one in reversed(state.accounts):
        if one.is_to_be_undone and one.before is not None:
            if one.before.existed:
                return RemoveRoles(state.customer, one.email, one.added)
            return DeleteUser(state.customer, one.email)
    return DeleteCustomer(state.customer)


def _away(state: Onboarding, away: PlatformAway, now: datetime) -> Noted:
    """Tell of the first failure of a series; park once patience is at its end."""
    since = state.trouble_since or now
    troubled = state.model_copy(update={"trouble": away.sentence, "trouble_since": since})
    if troubled.due is not None and now >= troubled.due:
        return Noted(gave_up(troubled))
    if state.trouble_since is not None:
        return Noted(None, waits=away.sentence)
    after = stepped(troubled)
    return Noted(transition(after, "troubled", reason=away.sentence), waits=away.sentence)


def _went_on(
    state: Onboarding, task: Task, found: Finding, directory: Directory, now: datetime
) -> Noted:
    match task, found:
        case CreateCustomer(), PlatformCustomer():
            after = stepped(state, customer=found.id, import_since=now)
            return Noted(transition(after, "customer_created"))
        case ((WatchImport() | ConnectPbx()), ImportState()):
            return _importing(state, found, now)
        case LookUp(email=email), (PlatformUser() | None):
            roles = () if found is None else found.roles
            before = Before(existed=found is not None, roles=roles)
            return Noted(transition(_with(state, before=before), "user_looked_up", reason=email))
        case ((EnsureAdmin(user=user) | EnsureUser(user=user)), PlatformUser()):
            return _ensured(state, user, found)
        case EnterDirectory(), _:
            return Noted(entered(state, directory, now))
        case _:
            raise TypeError(f"{type(task).__name__} was answered by {type(found).__name__}.")


def _importing(state: Onboarding, found: ImportState, now: datetime) -> Noted:
    if found.status is ImportStatus.FAILED:
        reason = found.reason or "The platform gives no reason."
        return Noted(parked(state, f"The import of the PBX's users failed: {reason}", found))
    if found.status is ImportStatus.IMPORTED:
        after = stepped(state, imported=found, import_since=None)
        return Noted(transition(after, "imported", reason=_counts(found)))
    watched = state.model_copy(update={"import_since": state.import_since or now})
    if watched.due is not None and now >= watched.due:
        return Noted(gave_up(watched.model_copy(update={"imported": found})))
    waits = f"The platform is importing the PBX's users: {_counts(found)}."
    if found == state.imported:
        return Noted(None, waits, state.limits.look_every)
    after = stepped(watched, imported=found)
    change = transition(after, "importing", reason=_counts(found))
    return Noted(change, waits, state.limits.look_every)


def _ensured(state: Onboarding, user: NewUser, found: PlatformUser) -> Noted:
    one = state.next_account
    wanted = ADMIN_ROLES if one is not None and one.is_admin else one.roles if one else ()
    if missing := [role for role in wanted if not found.has(role)]:
        why = f"The platform did not give {user.email} the roles {', '.join(missing)}."
        return Noted(parked(state, why))
    event = "admin_ensured" if one is not None and one.is_admin else "roles_added"
    said = f"{user.email}: {', '.join(wanted)}"
    return Noted(transition(_with(state, is_done=True), event, reason=said))


def _took_back(state: Onboarding, task: Task, found: Finding, now: datetime) -> Noted:
    match task, found:
        case FindCustomer(), PlatformCustomer():
            return Noted(transition(stepped(state, customer=found.id), "customer_found"))
        case ((FindCustomer() | DeleteCustomer()), _):
            after = stepped(state, status=Status.ABANDONED, closed_at=now)
            return Noted(transition(after, "abandoned", reason=state.why_abandoned))
        case RemoveRoles(email=email, roles=roles), _:
            said = f"{email}: {', '.join(roles)}"
            return Noted(transition(_undone(state), "roles_removed", reason=said))
        case DeleteUser(email=email), _:
            return Noted(transition(_undone(state), "user_deleted", reason=email))
        case _:
            raise TypeError(f"{type(task).__name__} takes nothing back.")


def _with(state: Onboarding, **changes: object) -> Onboarding:
    """Return the state after a change to the account whose turn it is."""
    position = next(at for at, one in enumerate(state.accounts) if not one.is_done)
    return stepped(state, accounts=_replaced(state.accounts, position, **changes))


def _undone(state: Onboarding) -> Onboarding:
    position = max(at for at, one in enumerate(state.accounts) if one.is_to_be_undone)
    return stepped(state, accounts=_replaced(state.accounts, position, is_undone=True))


def _replaced(accounts: tuple[Account, ...], at: int, **changes: object) -> tuple[Account, ...]:
    after = accounts[at].model_copy(update=changes)
    return (*accounts[:at], after, *accounts[at + 1 :])


def _counts(found: ImportState) -> str:
    skipped = f", {found.skipped} of other customers left out" if found.skipped else ""
    return f"{found.imported} of {found.total} users{skipped}"
