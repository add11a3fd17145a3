"""Who may do what with an onboarding, judged against the directory as of now."""

from uuid import UUID

from approvals.errors import (
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    SubmissionError,
)
from approvals.facts import Facts
from approvals.onboarding.commands import Start
from approvals.onboarding.record import Onboarding, process_id_of
from approvals.people import (
    Directory,
    Organization,
    OrganizationId,
    OrganizationKind,
    PersonId,
    Role,
)


def require_start(
    process: UUID, command: Start, actor: PersonId, facts: Facts
) -> tuple[OrganizationId, OrganizationId | None]:
    """Return the vendor and the partner to switch on for, or refuse what does not fit."""
    if process != process_id_of(command.batch, command.customer):
        raise InvalidDecisionError(("process_id", "It does not belong to this batch and customer."))
    vendor = _vendor(command, actor, facts.directory)
    partner = _partner(command, facts.directory)
    _require_new(command, facts)
    return vendor.id, partner


def require_operator(state: Onboarding, act: str, actor: PersonId, directory: Directory) -> None:
    """Refuse whoever may not act on this onboarding: NotFoundError if they may not even see it."""
    if not may_see(state, actor, directory):
        raise NotFoundError
    is_deputy = actor == state.operator and directory.holds(actor, Role.OPERATOR, None)
    if not (is_deputy or directory.holds(actor, Role.ONBOARDING_OPERATOR, state.vendor)):
        raise NotAuthorisedError(f"{act} this onboarding", "onboarding_operator of the vendor")


def may_see(state: Onboarding, actor: PersonId, directory: Directory) -> bool:
    """Whether somebody started the onboarding, or looks after those of the vendor."""
    return directory.is_live(actor) and (
        (actor == state.operator and directory.speaks_for(actor, state.vendor))
        or directory.holds(actor, Role.ONBOARDING_OPERATOR, state.vendor)
    )


def _vendor(command: Start, actor: PersonId, directory: Directory) -> Organization:
    person = directory.person(actor)
    own = directory.organization(person.organization) if person else None
    if command.organization is not None:
        other = directory.organization_of(command.organization)
        if other is not None and directory.holds(actor, Role.OPERATOR, None):
            return _as_vendor(other)
        if other is None or own is None or other.id != own.id:
            raise NotFoundError
    if own is None or not directory.holds(actor, Role.ONBOARDING_OPERATOR, own.id):
        raise NotAuthorisedError("start an onboarding", "onboarding_operator of your organization")
    return _as_vendor(own)


def _as_vendor(organization: Organization) -> Organization:
    if organization.kind is not OrganizationKind.VENDOR or not organization.is_active:
        raise SubmissionError(f"{organization.name} is not an active vendor: vendors onboard.")
    return organization


def _partner(command: Start, directory: Directory) -> OrganizationId | None:
    if command.switch_on_for is None:
        return None
    found = directory.organization_of(command.switch_on_for)
    if found is None or found.kind is not OrganizationKind.PARTNER or not found.is_active:
        raise SubmissionError(f"'{command.switch_on_for}' is not an active partner.")
    return found.id


def _require_new(command: Start, facts: Facts) -> None:
    slug, directory = command.customer, facts.directory
    if directory.organization_of(slug) or directory.tenant_of(slug):
        raise SubmissionError(f"'{slug}' is in the directory already. Choose another slug.")
    if facts.kin.open is not None:
        raise SubmissionError(f"'{slug}' is being onboarded already: see {facts.kin.open}.")
    if known := [one.email for one in command.people if directory.person_of(one.email)]:
        raise SubmissionError(
            f"The directory has these addresses already: {', '.join(known)}."
            " Name the customer's own people."
        )
