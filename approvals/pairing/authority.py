"""Who may do what with a pairing, judged against the directory as of now."""

from typing import NamedTuple
from uuid import UUID

from approvals.commands import Command
from approvals.errors import (
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    SubmissionError,
)
from approvals.pairing import commands as say
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.record import Pairing, process_id_of
from approvals.people import (
    Directory,
    Group,
    Organization,
    OrganizationKind,
    PersonId,
    Role,
    Tenant,
)
from approvals.permissions import roles_with

# What each command of the customer's side needs of the permissions of that side.
CUSTOMER_ACTS: dict[type[Command], tuple[str, str]] = {
    say.Accept: ("accept this offer", "pairing.authorize"),
    say.Decline: ("decline this offer", "pairing.authorize"),
    say.AssignRoles: ("assign roles", "pairing.assign"),
    say.RemoveRoles: ("remove roles", "pairing.assign"),
    say.DefineRole: ("define roles", "pairing.assign"),
    say.DropRole: ("drop roles", "pairing.assign"),
    say.DeclineRoles: ("decline roles", "pairing.assign"),
    say.Suspend: ("suspend this pairing", "pairing.revoke"),
    say.Resume: ("resume this pairing", "pairing.revoke"),
    say.Revoke: ("revoke this pairing", "pairing.revoke"),
    say.GiveConsent: ("decide on changes", "consent.decide"),
    say.RefuseConsent: ("decide on changes", "consent.decide"),
}
VENDOR_ACTS: dict[type[Command], str] = {
    say.Reissue: "issue a new link",
    say.Withdraw: "withdraw this offer",
    say.AskRoles: "ask for roles",
    say.AddClone: "add a cloned user",
    say.AskConsent: "ask for consent",
    say.RecordChange: "record changes",
    say.RecordRevert: "record changes",
}
USES = (say.BeginSession, say.EndSession)
# What brings people nearer to the tenant needs a place that they may be let into.
OPENS = (say.Reissue, say.Accept, say.AssignRoles, say.Resume, say.AddClone)


class Place(NamedTuple):
    """Who would be paired with what: judged, and named."""

    vendor: Organization
    group: Group
    customer: Organization
    tenant: Tenant


def require_offer(
    process: UUID, command: say.Offer, actor: PersonId, directory: Directory
) -> Place:
    """Return whom the offer would pair, or refuse by name what does not fit."""
    if process != process_id_of(command.batch, command.tenant):
        raise InvalidDecisionError(("process_id", "It does not belong to this batch and tenant."))
    vendor = _offering(command, actor, directory)
    group = directory.group_of(command.group)
    if group is None or group.organization != vendor.id:
        raise NotFoundError
    tenant = directory.tenant_of(command.tenant)
    customer = directory.organization(tenant.organization) if tenant else None
    if tenant is None or customer is None or not directory.is_served(vendor.id, customer.id):
        raise NotFoundError
    if not (tenant.is_on and customer.is_active):
        raise NotFoundError
    if tenant.is_locked:
        raise SubmissionError(f"{tenant.name} is locked at the moment; nobody gets in.")
    deciders = set(holders("pairing.authorize", customer.id, directory))
    if not deciders - {actor, *group.members}:
        raise SubmissionError(
            f"{customer.name} has nobody who could accept. Ask them to name a trust admin."
        )
    return Place(vendor, group, customer, tenant)


def require_right(state: Pairing, command: Command, actor: PersonId, directory: Directory) -> None:
    """Refuse whoever may not give the command: NotFoundError for those who may not see it at all.

    Whoever opens a link without the permission gets the words of a wrong link.
    """
    kind = type(command)
    if isinstance(command, say.Accept) and not has(
        "pairing.authorize", actor, state.customer, directory
    ):
        raise LinkInvalidError
    if not may_see(state, actor, directory):
        raise NotFoundError
    if kind in CUSTOMER_ACTS:
        _require_customer(state, *CUSTOMER_ACTS[kind], actor, directory)
    elif kind in VENDOR_ACTS:
        if not directory.holds(actor, Role.SUPPORT_AGENT, state.vendor):
            raise NotAuthorisedError(VENDOR_ACTS[kind], "support_agent of the vendor")
        if isinstance(command, say.AddClone) and not is_member(state, actor, directory):
            raise NotAuthorisedError("add a cloned user", "of a person of the paired group")
    elif isinstance(command, say.RemoveClone):
        _require_clone(state, command, actor, directory)
    elif isinstance(command, USES):
        _require_user(state, command, actor, directory)
    else:  # a command that nobody has given a rule here is for nobody
        raise NotFoundError
    if isinstance(command, OPENS):
        require_place(state, directory)


def may_see(state: Pairing, viewer: PersonId, directory: Directory) -> bool:
    """Whether somebody has a part in the pairing: offering, of the group, or of the customer."""
    return directory.is_live(viewer) and (
        (viewer == state.requester and directory.speaks_for(viewer, state.vendor))
        or directory.holds(viewer, Role.SUPPORT_AGENT, state.vendor)
        or is_member(state, viewer, directory)
        or has("pairing.view", viewer, state.customer, directory)
    )


def has(permission: str, person: PersonId, customer: UUID, directory: Directory) -> bool:
    """Whether a person of the customer's side holds one of that side's permissions."""
    return any(directory.holds(person, role, customer) for role in roles_with(permission))


def holders(permission: str, customer: UUID, directory: Directory) -> tuple[PersonId, ...]:
    """Return who holds one of the permissions of the customer's side as of now."""
    return tuple(
        person for role in roles_with(permission) for person in directory.holders(role, customer)
    )


def is_member(state: Pairing, person: PersonId, directory: Directory) -> bool:
    """Whether the live person is one of the paired group, and still of its vendor."""
    group, found = directory.group(state.group), directory.person(person)
    if group is None or found is None or found.organization != state.vendor:
        return False
    return person in group.members and directory.is_live(person)


def members_of(state: Pairing, directory: Directory) -> frozenset[PersonId]:
    """Return who is of the paired group as of now."""
    group = directory.group(state.group)
    listed = group.members if group else ()
    return frozenset(one for one in listed if is_member(state, one, directory))


def require_place(state: Pairing, directory: Directory) -> None:
    """Refuse while nobody may get in: tenant off or locked, or not served any more."""
    tenant, owner = directory.tenant(state.tenant), directory.organization(state.customer)
    vendor = directory.organization(state.vendor)
    if tenant is None or owner is None or not (tenant.is_on and owner.is_active):
        raise NotFoundError
    if not directory.is_served(state.vendor, state.customer):
        name = vendor.name if vendor else "The vendor"
        raise SubmissionError(f"{name} does not serve {owner.name} any more.")
    if tenant.is_locked:
        raise SubmissionError(f"{tenant.name} is locked at the moment; nobody gets in.")


def _offering(command: say.Offer, actor: PersonId, directory: Directory) -> Organization:
    person = directory.person(actor)
    own = directory.organization(person.organization) if person else None
    if command.organization is not None:
        other = directory.organization_of(command.organization)
        if other is not None and directory.holds(actor, Role.OPERATOR, None):
            return _vendor(other)
        if other is None or own is None or other.id != own.id:
            raise NotFoundError
    if own is None or not directory.holds(actor, Role.SUPPORT_AGENT, own.id):
        raise NotAuthorisedError("offer a pairing", "support_agent of your organization")
    return _vendor(own)


def _vendor(organization: Organization) -> Organization:
    if organization.kind is not OrganizationKind.VENDOR or not organization.is_active:
        raise NotFoundError
    return organization


def _require_customer(
    state: Pairing, act: str, permission: str, actor: PersonId, directory: Directory
) -> None:
    if not has(permission, actor, state.customer, directory):
        raise NotAuthorisedError(act, f"trust_admin of the customer ({permission})")
    if actor == state.requester or is_member(state, actor, directory):
        raise OwnRequestError


def _require_clone(
    state: Pairing, command: say.RemoveClone, actor: PersonId, directory: Directory
) -> None:
    clone = next((one for one in state.clones if one.id == command.clone), None)
    is_own = clone is not None and clone.person == actor
    if not is_own and not has("pairing.assign", actor, state.customer, directory):
        raise NotAuthorisedError(
            "remove this cloned user", "of its own agent, or trust_admin of the customer"
        )


def _require_user(state: Pairing, command: Command, actor: PersonId, directory: Directory) -> None:
    if isinstance(command, say.EndSession):
        return  # whose session it is, the rule looks up
    if not is_member(state, actor, directory):
        raise NotAuthorisedError("begin a session", "of a person of the paired group")
    require_place(state, directory)
