"""Whom to tell about a customer's access: those in charge at the customer, and at the partner."""

from uuid import UUID

from approvals.customer_access.record import CustomerAccess
from approvals.people import Role
from approvals.transition import Notice

InCharge = tuple[tuple[Role, UUID], ...]  # the roles of the customer's people in charge

KIND_OF_EVENT = {
    "enabled": "customer_enabled",
    "accepted": "terms_accepted",
    "disabled": "customer_disabled",
}


def notices_of(after: CustomerAccess, event: str, in_charge: InCharge) -> tuple[Notice, ...]:
    """Return the notice of one event, if it is anybody's: visits are nobody's mail."""
    if event not in KIND_OF_EVENT:
        return ()
    partner_admins = ((Role.PARTNER_ADMIN, after.partner),)
    holders = {
        "enabled": in_charge,
        "accepted": partner_admins,
        "disabled": (*in_charge, *partner_admins),
    }
    accepted = after.accepted
    return (
        Notice(
            kind=KIND_OF_EVENT[event],
            holders=holders[event],
            facts={
                "status": after.status.value,
                "terms": None if accepted is None else accepted.terms,
                "accepted_at": None if accepted is None else accepted.at.isoformat(),
            },
            organization=after.partner,
            customer=after.customer,
            about=None if accepted is None else accepted.person,
        ),
    )
