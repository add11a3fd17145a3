"""How a customer enters the directory: organization, tenant, people, and who serves it."""

from datetime import datetime
from uuid import uuid5

from approvals.addresses import canonical
from approvals.facts import Needed
from approvals.onboarding.life import parked, stepped, transition
from approvals.onboarding.record import Account, Onboarding, Status
from approvals.people import (
    Directory,
    Organization,
    OrganizationId,
    OrganizationKind,
    Person,
    PersonId,
    Role,
    RoleAssignment,
    Tenant,
    TenantId,
)
from approvals.transition import DirectoryChange, Transition


def needed_to_enter(state: Onboarding) -> Needed:
    """Say which part of the directory tells whether the customer may enter it."""
    return Needed(
        people=(state.operator,),
        emails=tuple(one.email for one in state.accounts),
        tenants=() if state.customer is None else (TenantId(state.customer),),
        slugs=(state.slug,),
        organizations=(state.vendor, *((state.partner,) if state.partner else ())),
        organization_slugs=(state.slug,),
        scopes=(state.vendor, *((state.partner,) if state.partner else ())),
    )


def entered(state: Onboarding, directory: Directory, now: datetime) -> Transition:
    """Enter the customer, or park where the directory has somebody or something in its place."""
    if taken := in_the_way(state, directory):
        return parked(state, taken)
    after = stepped(state, status=Status.READY, closed_at=now)
    return transition(after, "ready", directory=entry_of(state))


def in_the_way(state: Onboarding, directory: Directory) -> str | None:
    """Say what of the directory has the customer's slug, tenant id, or people's addresses."""
    if directory.organization_of(state.slug) or directory.tenant_of(state.slug):
        return f"The directory has another '{state.slug}' meanwhile."
    if directory.tenant(state.customer) is not None:
        return "The platform's id of this customer is that of another tenant in the directory."
    known = [one.email for one in _people(state) if directory.person_of(one.email)]
    if known:
        return f"The directory has these addresses meanwhile: {', '.join(known)}."
    return None


def entry_of(state: Onboarding) -> DirectoryChange:
    """Return all that the directory gets. The tenant's id is the platform's own.

    The other ids are made below the process, so that none of them can be another entry's.
    """
    if state.customer is None:
        raise ValueError("A customer without a platform account cannot enter the directory.")
    organization = Organization(
        id=OrganizationId(uuid5(state.process_id, "organization")),
        slug=state.slug,
        name=state.name,
        kind=OrganizationKind.CUSTOMER,
        time_zone=state.time_zone,
    )
    tenant = Tenant(
        id=TenantId(state.customer),
        slug=state.slug,
        name=state.name,
        organization=organization.id,
        time_zone=state.time_zone,
        locale=state.locale,
    )
    admins = tuple(person_id_of(state, one.email) for one in state.accounts if one.is_admin)
    serving = (state.vendor, *((state.partner,) if state.partner else ()))
    return DirectoryChange(
        organizations=(organization,),
        tenants=(tenant,),
        people=tuple(_person(state, one, organization.id) for one in _people(state)),
        serves=tuple((one, organization.id) for one in serving),
        gives=(
            *(_role(one, Role.TENANT_ADMIN, tenant.id) for one in admins),
            *(_role(one, Role.TRUST_ADMIN, organization.id) for one in admins),
        ),
    )


def with_entry(directory: Directory, change: DirectoryChange | None) -> Directory:
    """Return the directory as it will be, so that new people can be told of what was written."""
    if change is None:
        return directory
    return directory.model_copy(
        update={
            "organizations": (*directory.organizations, *change.organizations),
            "tenants": (*directory.tenants, *change.tenants),
            "people": (*directory.people, *change.people),
            "roles": (*directory.roles, *change.gives),
            "serves": (*directory.serves, *change.serves),
        }
    )


def person_id_of(state: Onboarding, email: str) -> PersonId:
    """Return the id that somebody named in the onboarding will have in the directory."""
    return PersonId(uuid5(state.process_id, f"person/{canonical(email)}"))


def _people(state: Onboarding) -> tuple[Account, ...]:
    """Return everybody once: an admin with other roles too is listed twice."""
    found: dict[str, Account] = {}
    for one in state.accounts:
        found.setdefault(one.email, one)
    return tuple(found.values())


def _person(state: Onboarding, account: Account, organization: OrganizationId) -> Person:
    return Person(
        id=person_id_of(state, account.email),
        email=account.email,
        name=account.name,
        organization=organization,
        locale=state.locale,
        time_zone=state.time_zone,
    )


def _role(person: PersonId, role: Role, scope: TenantId | OrganizationId) -> RoleAssignment:
    return RoleAssignment(person=person, role=role, scope=scope)
