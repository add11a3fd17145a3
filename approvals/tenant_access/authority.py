"""Who may do what with a tenant access request, judged against the directory as of now."""

from uuid import UUID

from approvals.commands import Command
from approvals.errors import (
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    RateLimitedError,
    SubmissionError,
)
from approvals.facts import Counts
from approvals.people import Directory, Organization, PersonId, Role, Tenant, TenantId, named
from approvals.policy import Policy
from approvals.sessions import BeginSession, EndSession
from approvals.tenant_access.commands import (
    ChangeEnd,
    Deny,
    Finish,
    Grant,
    Revoke,
    Submit,
    Withdraw,
)
from approvals.tenant_access.record import TenantAccess, process_id_of


def require_submission(
    process: UUID, command: Submit, actor: PersonId, directory: Directory
) -> tuple[Organization, Tenant]:
    """Return the asking organization and the tenant, or refuse by name what does not fit."""
    if process != process_id_of(command.batch, command.tenant):
        raise InvalidDecisionError(("process_id", "It does not belong to this batch and tenant."))
    organization = _asking(command, actor, directory)
    tenant = directory.tenant_of(command.tenant)
    owner = directory.organization(tenant.organization) if tenant else None
    if tenant is None or owner is None or not directory.is_served(organization.id, owner.id):
        raise NotFoundError
    if not (tenant.is_on and owner.is_active):
        raise NotFoundError
    if tenant.is_locked:
        raise SubmissionError(f"{tenant.name} is locked at the moment; nobody gets in.")
    if not set(deciders(tenant.id, directory)) - {actor, *command.people}:
        raise SubmissionError(f"{tenant.name} has no admin who could decide. Ask them to name one.")
    _require_own_people(command, organization, directory)
    return organization, tenant


def deciders(tenant: TenantId, directory: Directory) -> tuple[PersonId, ...]:
    """Return who may decide for a tenant as of now."""
    return directory.holders(Role.TENANT_ADMIN, tenant)


def require_quota(policy: Policy, counts: Counts) -> None:
    """Refuse when a quota of the policy is used up. None switches a quota off."""
    limits = (
        (policy.per_hour_and_person, counts.by_person, "requests an hour by one person"),
        (policy.per_hour_and_pair, counts.by_pair, "requests an hour to one tenant"),
        (
            policy.pending_per_pair_and_person,
            counts.pending_of_pair_and_person,
            "requests of yours waiting at one tenant",
        ),
    )
    for limit, count, what in limits:
        if limit is not None and count >= limit:
            raise RateLimitedError(f"The limit is {limit} {what}. Try again later.")


def require_role(
    state: TenantAccess, command: Command, actor: PersonId, directory: Directory
) -> None:
    """Refuse whoever lacks the role: NotFoundError for those who may not even see the process."""
    if not may_see(state, actor, directory):
        raise NotFoundError
    is_admin = directory.holds(actor, Role.TENANT_ADMIN, state.tenant)
    is_asker = directory.holds(actor, Role.TM_ADMIN, state.organization)
    match command:
        case Grant() | Deny() | ChangeEnd() | Revoke():
            if not is_admin:
                raise NotAuthorisedError("decide this request", "tenant_admin of the tenant")
        case Withdraw() | Finish(for_all=True):
            if not is_asker:
                raise NotAuthorisedError(
                    "withdraw or finish this request", "tm_admin of the requesting organization"
                )
        case BeginSession():
            _require_entry(state, actor, directory)
        case Finish() | EndSession():
            if actor not in state.people:
                raise NotAuthorisedError("use this access", "of a person whom it names")
        case _:  # a command that nobody has given a rule here is for nobody
            raise NotFoundError


def may_see(state: TenantAccess, actor: PersonId, directory: Directory) -> bool:
    """Whether somebody has a part in the request: asking, named, or deciding."""
    return directory.is_live(actor) and (
        actor == state.requester
        or actor in state.people
        or directory.holds(actor, Role.TM_ADMIN, state.organization)
        or directory.holds(actor, Role.TENANT_ADMIN, state.tenant)
    )


def _asking(command: Submit, actor: PersonId, directory: Directory) -> Organization:
    person = directory.person(actor)
    own = directory.organization(person.organization) if person else None
    if command.organization is not None:
        other = directory.organization_of(command.organization)
        if other is not None and directory.holds(actor, Role.OPERATOR, None):
            return other
        if other is None or own is None or other.id != own.id:
            raise NotFoundError
    if own is None or not directory.holds(actor, Role.TM_ADMIN, own.id):
        raise NotAuthorisedError("send a request", "tm_admin of your organization")
    return own


def _require_own_people(command: Submit, organization: Organization, directory: Directory) -> None:
    found = [directory.person(one) for one in command.people]
    if any(one is None or one.organization != organization.id for one in found):
        raise SubmissionError(
            f"A person of this request does not belong to {organization.name}:"
            " name people of your own organization."
        )
    away = [one for one in found if one is not None and not directory.is_live(one.id)]
    if away:
        raise SubmissionError(f"Not active any more: {named(away)}. Leave them out.")


def _require_entry(state: TenantAccess, actor: PersonId, directory: Directory) -> None:
    if actor not in state.people:
        raise NotAuthorisedError("begin a session", "of a person whom the request names")
    tenant = directory.tenant(state.tenant)
    owner = directory.organization(tenant.organization) if tenant else None
    if tenant is None or owner is None or not (tenant.is_on and owner.is_active):
        raise NotFoundError
    if tenant.is_locked:
        raise SubmissionError(f"{tenant.name} is locked at the moment; nobody gets in.")
