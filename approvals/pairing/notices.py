"""Whom to tell about a pairing, and what: by id, before any name is looked up."""

from approvals.commands import CLOCK
from approvals.facts import FreshSecret
from approvals.pairing.record import Pairing
from approvals.people import PersonId, Role
from approvals.permissions import roles_with
from approvals.transition import Fact, Notice

TO_VENDOR = {
    "accepted": "pairing_accepted",
    "declined": "pairing_declined",
    "lapsed": "pairing_lapsed",
    "roles_assigned": "pairing_roles_assigned",
    "roles_removed": "pairing_roles_removed",
    "roles_declined": "pairing_roles_declined",
    "suspended": "pairing_suspended",
    "resumed": "pairing_resumed",
    "consent_given": "consent_given",
    "consent_refused": "consent_refused",
}
TO_CUSTOMER = {
    "withdrawn": "pairing_withdrawn",
    "roles_asked": "pairing_roles_asked",
    "clone_added": "clone_added",
    "consent_asked": "consent_asked",
    "change_recorded": "change_recorded",
    "change_reverted": "change_reverted",
}
TO_BOTH = {
    "revoked": "pairing_revoked",
    "clone_removed": "clone_removed",
    "change_breach": "change_breach",
}
DECIDES = {"roles_asked": "pairing.assign", "consent_asked": "consent.decide"}


def notices_of(after: Pairing, event: str, actor: PersonId, text: str | None) -> tuple[Notice, ...]:
    """Return the notices of one event. Sessions and definitions of roles are nobody's mail."""
    if event in TO_VENDOR:
        return (_to_vendor(after, TO_VENDOR[event], actor, text),)
    if event in TO_CUSTOMER:
        permission = DECIDES.get(event, "pairing.view")
        return (_to_customer(after, TO_CUSTOMER[event], actor, text, permission),)
    if event in TO_BOTH:
        kind = TO_BOTH[event]
        return (
            _to_customer(after, kind, actor, text, "pairing.view"),
            _to_vendor(after, kind, actor, text),
        )
    return ()


def link_mail(after: Pairing, secret: FreshSecret, actor: PersonId) -> Notice:
    """Return the mail that alone holds the link's token: to whoever may accept."""
    notice = _to_customer(after, "pairing_offered", actor, after.message, "pairing.authorize")
    return notice.model_copy(update={"sealed": secret.sealed})


def narrowed(after: Pairing, actor: PersonId, text: str) -> Notice:
    """Return the mail to the vendor whose people a role that was defined anew has shut out."""
    notice = _to_vendor(after, "pairing_roles_removed", actor, text)
    return notice.model_copy(update={"facts": {**notice.facts, "is_defined": True}})


def _to_customer(
    after: Pairing, kind: str, actor: PersonId, text: str | None, permission: str
) -> Notice:
    holders = tuple((role, after.customer) for role in roles_with(permission))
    return _notice(after, kind, actor, text).model_copy(update={"holders": holders})


def _to_vendor(after: Pairing, kind: str, actor: PersonId, text: str | None) -> Notice:
    holders = ((Role.SUPPORT_AGENT, after.vendor),)
    return _notice(after, kind, actor, text).model_copy(
        update={"holders": holders, "people": (after.requester,), "spoken_for": after.vendor}
    )


def _notice(after: Pairing, kind: str, actor: PersonId, text: str | None) -> Notice:
    facts: dict[str, Fact] = {
        "text": text,
        "status": after.status.value,
        "due_at": after.due_at.isoformat(),
        "minimum": list(after.minimum),
        "missing": list(after.missing),
        "roles": list(after.asks[-1].roles) if kind == "pairing_roles_asked" else [],
    }
    return Notice(
        kind=kind,
        facts=facts,
        requester=after.requester,
        organization=after.vendor,
        tenant=after.tenant,
        customer=after.customer,
        group=after.group,
        about=None if actor == CLOCK else actor,
    )
