"""What the customer commands do: find the switch that is meant, and show it."""

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.audit import AuditEntry
from approvals.customer_access.record import CustomerAccess, process_id_of
from approvals.customer_access.rules import RULES
from approvals.customer_access.views import CustomerView, ListedCustomer, customer_view, visible
from approvals.errors import NotFoundError
from approvals.facts import Needed
from approvals.instants import say_instant
from approvals.people import Directory, Organization, OrganizationKind, Role
from approvals.policy import Terms
from approvals.slugs import slug
from approvals.timeline import Line, Mail
from starter.console import print_facts, print_table
from starter.desk import Desk
from starter.process_desk import ProcessDesk
from starter.typed import checked, own_id
from store.customers import ALL, Part

WORDS = {
    "pending": "pending: nobody there has accepted the terms yet",
    "accepted": "accepted",
    "disabled": "disabled",
}


class CustomerDesk(ProcessDesk):
    """The customer commands of one person at a desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    @property
    def terms(self) -> Terms:
        """The terms that hold now, by the policy of this host."""
        return self.desk.settings.policies().terms

    async def own(self) -> Organization:
        """Return the viewer's organization. Raises NotFoundError."""
        directory = await self.directory(Needed())
        person = directory.person(self.viewer)
        found = directory.organization(person.organization) if person else None
        if found is None:
            raise NotFoundError
        return found

    async def listed(self, partner: str | None, part: Part = ALL) -> list[ListedCustomer]:
        """Return the list of one's own side, or of a partner that operators name.

        Raises NotFoundError for another's list.
        """
        own, lists = await self.own(), self.desk.customers
        if partner is None and own.kind is OrganizationKind.CUSTOMER:
            return await lists.partners_of(own.id, part)
        if partner is None:
            return await lists.served(self.viewer, part)
        wanted = checked("--partner", slug, partner)
        directory = await self.directory(Needed(organization_slugs=(wanted,)))
        found = directory.organization_of(wanted)
        may = directory.holds(self.viewer, Role.OPERATOR, None) or (
            found is not None and directory.holds(self.viewer, Role.PARTNER_ADMIN, found.id)
        )
        if found is None or not may:
            raise NotFoundError
        return await lists.served_by(found.id, part)

    async def place(
        self, named: str, partner: str | None, *, is_customer: bool = False
    ) -> tuple[Organization, Organization]:
        """Return partner and customer, of which people name the other side by its slug.

        *partner* is named where the viewer stands on neither side; with *is_customer* the name is
        a customer's in any case. Raises NotFoundError.
        """
        own, other = await self.own(), checked("The name", slug, named)
        if partner is not None:
            sides = checked("--partner", slug, partner), other
        elif own.kind is OrganizationKind.CUSTOMER and not is_customer:
            sides = other, own.slug
        else:
            sides = own.slug, other
        directory = await self.directory(Needed(organization_slugs=sides))
        first, second = (directory.organization_of(one) for one in sides)
        if first is None or second is None:
            raise NotFoundError
        return first, second

    async def meant(self, named: str, partner: str | None = None) -> UUID:
        """Return the process of a slug of the other side, or of an id as it is printed."""
        if (found := own_id(named)) is not None:
            return found
        first, second = await self.place(named, partner)
        return process_id_of(first.id, second.id)

    async def viewed(self, process: UUID) -> tuple[CustomerAccess, CustomerView]:
        """Return a switch as the viewer may see it. Raises NotFoundError."""
        state, directory = await self.seen(process)
        return state, customer_view(state, self.viewer, directory, self.terms.version)

    def lines(
        self,
        state: CustomerAccess,
        entries: Sequence[AuditEntry],
        mails: Sequence[Mail],
        directory: Directory,
    ) -> tuple[Line, ...]:
        """Return a timeline, of visits only the viewer's own."""
        own = visible(state, entries, self.viewer, directory)
        return super().lines(state, own, mails, directory)

    def word(self, status: str) -> str:
        """Return a status, and what it waits for."""
        return WORDS[status]

    def done(self, view: CustomerView) -> str:
        """Say how a customer stands after a command."""
        return f"{view.customer_name} is {WORDS[view.status]}."

    def stands(self, view: CustomerView, _zone: ZoneInfo) -> str:
        """Say how a customer stands, to whoever watches it."""
        return f"{view.customer_name}: {WORDS[view.status]}"


def print_list(lines: Sequence[ListedCustomer], zone: ZoneInfo) -> None:
    """Print a partner's customers, or a customer's partners, each with switch and status."""
    print_table(
        ["PARTNER", "CUSTOMER", "SWITCH", "STATUS", "SINCE"],
        [
            [
                one.partner_name,
                f"{one.customer_name} ({one.customer})",
                one.switch,
                one.status,
                "" if one.since is None else say_instant(one.since, zone),
            ]
            for one in lines
        ],
    )


def print_view(view: CustomerView, zone: ZoneInfo) -> None:
    """Print one switch in full."""
    accepted = None
    if view.accepted_at is not None:
        when = say_instant(view.accepted_at, zone)
        accepted = f"version {view.accepted_terms}, by {view.accepted_by}, {when}"
    rows = [
        ("Access", str(view.id)),
        ("Partner", f"{view.partner_name} ({view.partner})"),
        ("Customer", f"{view.customer_name} ({view.customer})"),
        ("Switch", view.switch),
        ("Status", WORDS[view.status]),
        ("Switched by", f"{view.switched_by}, {say_instant(view.switched_at, zone)}"),
        ("Terms accepted", accepted),
        ("Terms now", f"version {view.terms}"),
        ("Your visit", None if view.visit is None else str(view.visit)),
    ]
    print_facts(rows)
