"""Whom to tell about an onboarding, and what."""

from approvals.onboarding.record import Onboarding
from approvals.onboarding.warnings import without_sign_in, without_workspaces
from approvals.people import Role
from approvals.transition import Fact, Notice

TO_OPERATORS = {
    "parked": "onboarding_parked",
    "ready": "onboarding_ready",
    "abandoned": "onboarding_abandoned",
}


def notices_of(after: Onboarding, event: str) -> tuple[Notice, ...]:
    """Return the notices of one event. The steps on the way are nobody's mail."""
    if event not in TO_OPERATORS:
        return ()
    told = Notice(
        kind=TO_OPERATORS[event],
        people=(after.operator,),
        spoken_for=after.vendor,
        holders=((Role.ONBOARDING_OPERATOR, after.vendor),),
        facts=_facts(after),
    )
    if event != "ready" or after.customer is None:
        return (told,)
    welcome = Notice(
        kind="onboarding_welcome",
        holders=((Role.TENANT_ADMIN, after.customer),),
        facts=_facts(after),
        organization=after.vendor,
    )
    return (told, welcome, *_to_partner(after))


def _to_partner(after: Onboarding) -> tuple[Notice, ...]:
    """Ask the partner's admins to switch the customer on: nobody can do it in their name."""
    if after.partner is None:
        return ()
    asked = Notice(
        kind="customer_to_switch_on",
        holders=((Role.PARTNER_ADMIN, after.partner),),
        facts=_facts(after),
        organization=after.vendor,
    )
    return (asked,)


def _facts(after: Onboarding) -> dict[str, Fact]:
    return {
        "customer_name": after.name,
        "customer_slug": after.slug,
        "reason": after.reason or after.why_abandoned,
        "is_undoing": after.is_abandoning,
        "without_workspaces": list(without_workspaces(after)),
        "without_sign_in": list(without_sign_in(after)),
    }
