"""Notices of every kind for the mail tests, with harmless facts or with a given hostile text."""

from uuid import UUID

from approvals.ports import Addressee, OutboxItem
from mail.links import Links
from mail.render import TemplateRenderer
from tests.bad_inputs import rows

PROCESS = UUID("0f5c2a7e-5b1d-4c57-8a36-6f2b1c9d8e70")
NOTICE = UUID("5f0e6c1a-9f6e-5b86-8f2a-3a7d0d8b9c11")
DUE, END = "2026-03-29T00:30:00+00:00", "2026-07-29T21:59:59+00:00"
PORTAL = "https://gatehouse.example.com"
RENDERER = TemplateRenderer(Links(PORTAL), "gatehouse.example")
WITHOUT_PORTAL = TemplateRenderer(Links(None), "gatehouse.example")
TOM = Addressee(
    email="tom@example.com", name="Tom Sawyer", locale="en", time_zone="America/Chicago"
)
CODE = "12345678"
TOKEN = "apl_" + "Ab0_-" * 8 + "xyz"

Fact = str | bool | list[str] | None
_ACCESS: dict[str, Fact] = {
    "organization": "Classics, Inc.",
    "tenant": "Tom Sawyer Fence Painting Co.",
    "message": "Two people will look at the queues.\nThank you!",
    "reason": "Not before the audit.",
    "status": "granted",
    "due_at": DUE,
    "ends_at": END,
    "no_end_allowed": True,
    "people": ["Caroline Bingley", "Charlotte Lucas"],
    "is_requester": False,
}
_KEY: dict[str, Fact] = {
    "person_name": "Tom Sawyer",
    "client": "gatehouse on tom-laptop",
    "fingerprint": "SHA256:4FbA",
    "expires_at": DUE,
    "is_own": True,
}
_PASSKEY: dict[str, Fact] = {
    "person_name": "Tom Sawyer",
    "client": "Firefox on Linux (portal)",
    "passkey": "Tom's laptop",
    "is_own": True,
}
_CUSTOMER: dict[str, Fact] = {
    "organization": "Classics, Inc.",
    "customer": "Tom Sawyer Fence Painting Co.",
    "person_name": "Tom Sawyer",
    "status": "pending",
    "terms": "2026-03",
    "accepted_at": DUE,
}
_PAIRING: dict[str, Fact] = {
    "organization": "Netherfield Systems",
    "group": "Customer Care",
    "tenant": "Tom Sawyer Fence Painting Co.",
    "customer": "Tom Sawyer Fence Painting Co.",
    "person_name": "Charles Bingley",
    "text": "We look at why the fence queue drops calls.",
    "status": "paired",
    "due_at": DUE,
    "minimum": ["configuration.view", "logs.view"],
    "missing": ["logs.view"],
    "roles": ["admin"],
}
_ONBOARDING: dict[str, Fact] = {
    "organization": "Netherfield Systems",
    "customer_name": "Admiral Benbow",
    "customer_slug": "admiral-benbow",
    "reason": "The PBX does not answer.",
    "is_undoing": False,
    "without_workspaces": ["jim@example.com"],
    "without_sign_in": ["ben@example.com"],
}
_SITE: dict[str, Fact] = {
    "site": "Fence works St. Petersburg",
    "person_name": "Sid Sawyer",
    "message": "I order the paint from now on.",
    "answer": "Welcome on board.",
    "due_at": DUE,
    "privileges": ["purchase=update", "contacts_overview=view"],
}
_REVIEW: dict[str, Fact] = {
    "site": "Fence works St. Petersburg",
    "person_name": "Becky Thatcher",
    "primary": "Becky Thatcher, becky@example.com",
    "secondaries": ["Huckleberry Finn, huck@example.com"],
    "months": ["2026-03"],
    "users": ["Becky Thatcher, becky@example.com", "Sid Sawyer, sid@example.com"],
    "privileges": ["manage_access=update purchase=update", "purchase=view"],
    "last_uses": [DUE, ""],
    "more_users": None,
    "invite_at": END,
    "invite_id": "5f0e6c1a-9f6e-5b86-8f2a-3a7d0d8b9c11",
    "invite_number": "2",
    "invited_at": DUE,
}
FACTS: dict[str, dict[str, Fact]] = {
    "request_received": _ACCESS,
    "request_reminder": _ACCESS,
    "request_withdrawn": _ACCESS,
    "request_granted": _ACCESS,
    "request_denied": _ACCESS,
    "request_lapsed": _ACCESS,
    "end_changed": _ACCESS,
    "end_reminder": _ACCESS,
    "access_revoked": _ACCESS,
    "access_expired": _ACCESS,
    "access_finished": _ACCESS,
    "sign_in_code": _KEY,
    "key_enrolled": _KEY,
    "passkey_added": _PASSKEY,
    "passkey_removed": _PASSKEY,
    "customer_enabled": _CUSTOMER,
    "terms_accepted": _CUSTOMER,
    "customer_disabled": _CUSTOMER,
    "pairing_offered": _PAIRING,
    "pairing_accepted": _PAIRING,
    "pairing_declined": _PAIRING,
    "pairing_lapsed": _PAIRING,
    "pairing_roles_assigned": _PAIRING,
    "pairing_roles_removed": _PAIRING,
    "pairing_roles_declined": _PAIRING,
    "pairing_suspended": _PAIRING,
    "pairing_resumed": _PAIRING,
    "consent_given": _PAIRING,
    "consent_refused": _PAIRING,
    "pairing_withdrawn": _PAIRING,
    "pairing_roles_asked": _PAIRING,
    "clone_added": _PAIRING,
    "consent_asked": _PAIRING,
    "change_recorded": _PAIRING,
    "change_reverted": _PAIRING,
    "pairing_revoked": _PAIRING,
    "clone_removed": _PAIRING,
    "change_breach": _PAIRING,
    "onboarding_parked": _ONBOARDING,
    "onboarding_ready": _ONBOARDING,
    "onboarding_abandoned": _ONBOARDING,
    "onboarding_welcome": _ONBOARDING,
    "customer_to_switch_on": _ONBOARDING,
    "newcomer_code": _KEY,
    "site_asked": _SITE,
    "site_reminder": _SITE,
    "site_withdrawn": _SITE,
    "site_granted": _SITE,
    "site_welcome": _SITE,
    "site_denied": _SITE,
    "site_lapsed": _SITE,
    "site_changed": _SITE,
    "site_removed": _SITE,
    "contacts_saved": _REVIEW,
    "review_planned": _REVIEW,
    "review_called_off": {**_REVIEW, "is_called_off": True},
    "review_due": _REVIEW,
    "review_missed": _REVIEW,
    "mail_undeliverable": {
        "about": "request_received",
        "recipient_masked": "t***@example.com",
        "reply": "RCPT: 550 no such user",
    },
}
KINDS = sorted(FACTS)
# Instants and permissions come from the rules alone, never from what somebody wrote.
_OURS = {"due_at", "ends_at", "expires_at", "accepted_at", "minimum", "missing", "customer_slug"}
_OURS |= {"months", "privileges", "last_uses"}
_OURS |= {"invite_at", "invite_id", "invite_number", "invited_at"}
_RECIPES = {
    "1_000_000 x 'A' as multipart part": "A" * 1_000_000,
    "bytes ff fe fd in a form field": b"\xff\xfe\xfd".decode("utf-8", "surrogateescape"),
}


def notice(kind: str, to: Addressee = TOM, **facts: Fact) -> OutboxItem:
    """Return a notice of this kind with its usual facts, but for those that are given."""
    return OutboxItem(
        id=NOTICE,
        process=PROCESS,
        version=2,
        kind=kind,
        to=to,
        facts={**FACTS[kind], **facts},
    )


def secret_of(kind: str) -> str:
    """Return the secret that a notice of this kind may show."""
    return TOKEN if kind == "pairing_offered" else CODE


def hostile_notice(kind: str, text: str) -> OutboxItem:
    """Return a notice in which every text that a person could have written is *text*."""
    facts = {name: _replaced(name, value, text) for name, value in FACTS[kind].items()}
    person = TOM.model_copy(update={"name": text})
    return notice(kind, person, **facts)


def hostile_texts() -> list[str]:
    """Return every text of the surfaces names and messages once, refused ones included."""
    found = [row for surface in ("names", "messages") for row in rows(surface)]
    texts = [row.value if row.recipe is None else _made(row.recipe) for row in found]
    return list(dict.fromkeys(text for text in texts if isinstance(text, str)))


def _made(recipe: str) -> object:
    if recipe.startswith("'"):
        return eval(recipe.partition(" (")[0])
    return _RECIPES.get(recipe)


def _replaced(name: str, value: Fact, text: str) -> Fact:
    if name in _OURS:
        return value
    if isinstance(value, list):
        return [text] * len(value)
    return text if isinstance(value, str) else value
