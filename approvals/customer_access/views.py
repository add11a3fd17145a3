"""How a customer's access looks to those who have a part in it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from approvals.audit import AuditEntry
from approvals.customer_access.record import CustomerAccess, ends, shown_digest
from approvals.people import Directory, OrganizationId, PersonId, Role
from approvals.records import Record

VISITS = ("session_begun", "session_ended", "session_expired")


class Switch(StrEnum):
    """How the partner's switch stands."""

    ON = "on"
    OFF = "off"
    NEVER = "never"


class ListedCustomer(Record):
    """One customer in a partner's list; *status* is ``never`` for one who was never switched on."""

    partner: str
    partner_name: str
    customer: str
    customer_name: str
    id: UUID | None = None
    switch: Switch = Switch.NEVER
    status: str = "never"
    since: datetime | None = None


class CustomerView(Record):
    """One switch in full. *shown* is what an acceptance of the terms that hold now carries."""

    id: UUID
    partner: str
    partner_name: str
    customer: str
    customer_name: str
    switch: Switch
    status: str
    switched_by: str
    switched_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None
    accepted_terms: str | None
    terms: str
    shown: str
    visit: UUID | None
    visit_ends_at: datetime | None


def switch_of(status: str | None) -> Switch:
    """Return how the switch stands for a status; None is that of a customer without a record."""
    if status is None:
        return Switch.NEVER
    return Switch.OFF if status == "disabled" else Switch.ON


def customer_view(
    state: CustomerAccess, viewer: PersonId, directory: Directory, terms: str
) -> CustomerView:
    """Return what the viewer may see; of visits, only the viewer's own."""
    accepted = state.accepted
    own = next((one for one in state.sessions if one.person == viewer), None)
    return CustomerView(
        id=state.process_id,
        partner=_slug(state.partner, directory),
        partner_name=_name(state.partner, directory),
        customer=_slug(state.customer, directory),
        customer_name=_name(state.customer, directory),
        switch=switch_of(state.status),
        status=state.status,
        switched_by=directory.name_of(state.switched_by),
        switched_at=state.switched_at,
        accepted_by=None if accepted is None else directory.name_of(accepted.person),
        accepted_at=None if accepted is None else accepted.at,
        accepted_terms=None if accepted is None else accepted.terms,
        terms=terms,
        shown=shown_digest(state.partner, state.customer, terms),
        visit=None if own is None else own.id,
        visit_ends_at=None if own is None else ends(own),
    )


def visible(
    state: CustomerAccess, entries: Sequence[AuditEntry], viewer: PersonId, directory: Directory
) -> list[AuditEntry]:
    """Return the audit entries that a viewer may see: of visits and refusals only one's own."""
    if directory.holds(viewer, Role.OPERATOR, None):
        return list(entries)
    return [one for one in entries if one.actor == viewer or not _is_private(one)]


def _is_private(entry: AuditEntry) -> bool:
    """Whether it tells of one person's visits, or of what they tried in vain."""
    return entry.event in VISITS or entry.event.startswith("refused.")


def _slug(wanted: OrganizationId, directory: Directory) -> str:
    found = directory.organization(wanted)
    return found.slug if found else ""


def _name(wanted: OrganizationId, directory: Directory) -> str:
    found = directory.organization(wanted)
    return found.name if found else ""
