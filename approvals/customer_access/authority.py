"""Who may do what with a customer's access to the platform, judged as of now."""

from uuid import UUID

from approvals.commands import Command
from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.notices import InCharge
from approvals.customer_access.record import CustomerAccess, process_id_of
from approvals.errors import (
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    SubmissionError,
)
from approvals.people import (
    Directory,
    Organization,
    OrganizationId,
    OrganizationKind,
    PersonId,
    Role,
)
from approvals.sessions import EndSession

SWITCH = ("switch a customer's access", "partner_admin of the partner")


def require_start(
    process: UUID, command: Enable, actor: PersonId, directory: Directory
) -> tuple[OrganizationId, OrganizationId]:
    """Return partner and customer, or refuse. The partner must serve the customer.

    An operator names the partner; anybody else switches for their own organization.
    """
    partner = _switching(command, actor, directory)
    customer = directory.organization_of(command.customer)
    if customer is None or not directory.is_served(partner.id, customer.id):
        raise NotFoundError
    if process != process_id_of(partner.id, customer.id):
        raise InvalidDecisionError(("process_id", "It does not belong to this customer."))
    _require_active(customer)
    return partner.id, customer.id


def require_role(
    state: CustomerAccess, command: Command, actor: PersonId, directory: Directory
) -> None:
    """Refuse whoever may not see the switch, or lacks the role that the command needs."""
    if not may_see(state, actor, directory):
        raise NotFoundError
    match command:
        case Enable():
            _require_admin(state, actor, directory)
            _require_same(state, command, directory)
            _require_served(state, directory)
        case Disable():
            _require_admin(state, actor, directory)
        case AcceptTerms():
            _require_of_customer(state, actor, directory, "accept the terms")
            _require_served(state, directory)
        case BeginSession():
            _require_of_customer(state, actor, directory, "sign in to the platform")
            _require_served(state, directory)
        case EndSession():
            _require_of_customer(state, actor, directory, "end a visit")
        case _:  # a command that nobody has given a rule here is for nobody
            raise NotFoundError


def may_see(state: CustomerAccess, actor: PersonId, directory: Directory) -> bool:
    """Whether somebody has a part in it: the customer's people, partner admins, and operators."""
    return directory.is_live(actor) and (
        is_of_customer(state, actor, directory)
        or directory.holds(actor, Role.PARTNER_ADMIN, state.partner)
        or directory.holds(actor, Role.OPERATOR, None)
    )


def is_of_customer(state: CustomerAccess, actor: PersonId, directory: Directory) -> bool:
    """Whether this is a live person of the customer."""
    person = directory.person(actor)
    is_own = person is not None and person.organization == state.customer
    return is_own and directory.is_live(actor)


def in_charge(customer: OrganizationId, directory: Directory) -> InCharge:
    """Return whose holders speak for the customer: its trust admins, its tenants' admins."""
    tenants = (one.id for one in directory.tenants if one.organization == customer)
    return ((Role.TRUST_ADMIN, customer), *((Role.TENANT_ADMIN, one) for one in tenants))


def _switching(command: Enable, actor: PersonId, directory: Directory) -> Organization:
    person = directory.person(actor)
    own = directory.organization(person.organization) if person else None
    if command.partner is not None:
        other = directory.organization_of(command.partner)
        if other is not None and directory.holds(actor, Role.OPERATOR, None):
            return _require_partner(other)
        if other is None or own is None or other.id != own.id:
            raise NotFoundError
    if own is None or not directory.holds(actor, Role.PARTNER_ADMIN, own.id):
        raise NotAuthorisedError(*SWITCH)
    return _require_partner(own)


def _require_partner(organization: Organization) -> Organization:
    if organization.kind is not OrganizationKind.PARTNER:
        raise SubmissionError(f"{organization.name} is not a partner: it has no such switches.")
    _require_active(organization)
    return organization


def _require_active(organization: Organization) -> None:
    if not organization.is_active:
        raise SubmissionError(f"{organization.name} is not active.")


def _require_admin(state: CustomerAccess, actor: PersonId, directory: Directory) -> None:
    if not directory.holds(actor, Role.PARTNER_ADMIN, state.partner):
        raise NotAuthorisedError(*SWITCH)


def _require_same(state: CustomerAccess, command: Enable, directory: Directory) -> None:
    customer = directory.organization(state.customer)
    partner = directory.organization(state.partner)
    is_same = customer is not None and command.customer == customer.slug
    if command.partner is not None:
        is_same = is_same and partner is not None and command.partner == partner.slug
    if not is_same:
        raise InvalidDecisionError(("process_id", "It does not belong to this customer."))


def _require_served(state: CustomerAccess, directory: Directory) -> None:
    partner = directory.organization(state.partner)
    customer = directory.organization(state.customer)
    if partner is None or customer is None:
        raise NotFoundError
    for one in (partner, customer):
        _require_active(one)
    if not directory.is_served(partner.id, customer.id):
        raise SubmissionError(f"{partner.name} does not serve {customer.name} any more.")


def _require_of_customer(
    state: CustomerAccess, actor: PersonId, directory: Directory, act: str
) -> None:
    if not is_of_customer(state, actor, directory):
        raise NotAuthorisedError(act, "of a person of the customer")
