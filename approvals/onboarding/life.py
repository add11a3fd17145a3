"""What people and the clock may do with an onboarding; what its steps do stands in steps.py."""

from datetime import datetime
from uuid import UUID

from approvals.commands import CLOCK, PLATFORM, Command, Tick
from approvals.errors import AlreadySubmittedError, NotAllowedNowError
from approvals.instants import say_duration
from approvals.onboarding.commands import Abandon, Retry, Start
from approvals.onboarding.notices import notices_of
from approvals.onboarding.record import Account, Onboarding, Status
from approvals.people import OrganizationId, PersonId
from approvals.platform import ADMIN_ROLES, ImportState, PbxConnection
from approvals.policy import OnboardingLimits
from approvals.transition import DirectoryChange, Transition


def started(
    process_id: UUID,
    command: Start,
    actor: PersonId,
    place: tuple[OrganizationId, OrganizationId | None],
    limits: OnboardingLimits,
    now: datetime,
) -> Transition:
    """Open an onboarding; authority.py has judged who may start it, and whom it may name.

    *place* is the vendor, and the partner who shall serve the customer too.
    """
    vendor, partner = place
    after = Onboarding(
        process_id=process_id,
        batch=command.batch,
        vendor=vendor,
        operator=actor,
        slug=command.customer,
        name=command.name,
        description=command.description,
        reference=command.reference,
        time_zone=command.time_zone,
        locale=command.locale,
        pbx=PbxConnection(**command.pbx.model_dump()),
        partner=partner,
        limits=limits,
        started_at=now,
        accounts=_accounts(command),
    )
    behalf = None if command.organization is None else f"for {command.organization}"
    return transition(after, "started", actor, reason=behalf)


def apply(state: Onboarding, command: Command | Tick, actor: PersonId, now: datetime) -> Transition:
    """Judge one command at *now* (aware UTC) and name everything that follows from it.

    Raises AlreadySubmittedError or NotAllowedNowError. Source: glossary, "onboarding".
    """
    match command, state.status:
        case Tick(), (Status.RUNNING | Status.UNDOING):
            return gave_up(state, CLOCK)
        case Start(), _:
            raise AlreadySubmittedError
        case Retry(), Status.PARKED:
            back = Status.UNDOING if state.is_abandoning else Status.RUNNING
            since = None if state.import_since is None else now
            after = stepped(state, status=back, reason=None, import_since=since)
            return transition(_calm(after), "retried", actor)
        case Abandon(reason=why), (Status.RUNNING | Status.PARKED) if not state.is_abandoning:
            asked = {"status": Status.UNDOING, "is_abandoning": True, "why_abandoned": why}
            return transition(_calm(stepped(state, **asked, reason=None)), "abandoning", actor, why)
        case _:
            raise NotAllowedNowError(command.kind, state.status)


def parked(
    state: Onboarding, reason: str, imported: ImportState | None = None, by: PersonId = PLATFORM
) -> Transition:
    """Stop until the operator says how to go on. *imported* is how far the import was."""
    after = stepped(state, status=Status.PARKED, reason=reason)
    if imported is not None:
        after = after.model_copy(update={"imported": imported})
    return transition(_calm(after), "parked", by, reason)


def gave_up(state: Onboarding, by: PersonId = PLATFORM) -> Transition:
    """Park what has waited for as long as the policy allows."""
    patience = say_duration(state.limits.patience)
    if state.trouble is not None and state.trouble_since == state.waits_since:
        reason = f"The customer platform could not be asked for {patience}. {state.trouble}"
    else:
        reason = f"The import of the PBX's users was not done after {patience}."
        reason += f" {state.trouble}" if state.trouble is not None else ""
    return parked(state, reason, by=by)


def stepped(state: Onboarding, **changes: object) -> Onboarding:
    """Return the state one version later."""
    return state.model_copy(update={"version": state.version + 1, **changes})


def transition(
    after: Onboarding,
    event: str,
    actor: PersonId = PLATFORM,
    reason: str | None = None,
    directory: DirectoryChange | None = None,
) -> Transition:
    """Name all that follows from one event."""
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=notices_of(after, event),
        directory=directory,
        receipt=str(after.process_id),
    )


def _calm(state: Onboarding) -> Onboarding:
    return state.model_copy(update={"trouble": None, "trouble_since": None})


def _accounts(command: Start) -> tuple[Account, ...]:
    """List who gets which roles, in order: no other role is given before there is an admin."""
    admins = [
        Account(email=one.email, name=one.name, roles=ADMIN_ROLES, is_admin=True)
        for one in command.admins
    ]
    others = [
        Account(
            email=one.email,
            name=one.name,
            roles=tuple(dict.fromkeys(role for role in one.roles if role not in ADMIN_ROLES)),
            is_admin=False,
        )
        for one in command.admins
    ]
    others += [
        Account(
            email=one.email, name=one.name, roles=tuple(dict.fromkeys(one.roles)), is_admin=False
        )
        for one in command.users
    ]
    return (*admins, *(one for one in others if one.roles))
