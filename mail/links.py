"""Where a mail points: below the one configured address, never below what a request said."""

import re
from dataclasses import dataclass
from uuid import UUID

_BASE = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~\-]+)*|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?"
)
# Where the pages lie that a kind of notice points to; all others are about requests.
FOLDERS = {
    "customer_enabled": "customers",
    "terms_accepted": "customers",
    "customer_disabled": "customers",
    "pairing_offered": "pairings",
    "pairing_accepted": "pairings",
    "pairing_declined": "pairings",
    "pairing_lapsed": "pairings",
    "pairing_roles_assigned": "pairings",
    "pairing_roles_removed": "pairings",
    "pairing_roles_declined": "pairings",
    "pairing_suspended": "pairings",
    "pairing_resumed": "pairings",
    "consent_given": "pairings",
    "consent_refused": "pairings",
    "pairing_withdrawn": "pairings",
    "pairing_roles_asked": "pairings",
    "clone_added": "pairings",
    "consent_asked": "pairings",
    "change_recorded": "pairings",
    "change_reverted": "pairings",
    "pairing_revoked": "pairings",
    "clone_removed": "pairings",
    "change_breach": "pairings",
    "onboarding_parked": "onboardings",
    "onboarding_ready": "onboardings",
    "onboarding_abandoned": "onboardings",
    "site_asked": "sites",
    "site_reminder": "sites",
    "site_withdrawn": "sites",
    "site_granted": "sites",
    "site_welcome": "sites",
    "site_denied": "sites",
    "site_lapsed": "sites",
    "site_changed": "sites",
    "site_removed": "sites",
    "contacts_saved": "contacts",
    "review_planned": "contacts",
    "review_called_off": "contacts",
    "review_due": "contacts",
    "review_missed": "contacts",
}
# Kinds of notices that point to a page of no single process: the first is the list of customers,
# with their switches; the others are the page that everybody comes to first.
PLACES = {
    "customer_to_switch_on": "/customers",
    "onboarding_welcome": "",
    "key_enrolled": "",
    "passkey_added": "/account",
    "passkey_removed": "/account",
}


@dataclass(frozen=True)
class Links:
    """Pointers into the portal; they give nobody a right. Without a portal they are None.

    Raises ValueError for a base address with a query, fragment, user name or other scheme.
    """

    portal_url: str | None

    def __post_init__(self) -> None:
        if self.portal_url is None:
            return
        base = self.portal_url.rstrip("/")
        if _BASE.fullmatch(base) is None:
            raise ValueError(
                "GATEHOUSE_PORTAL_URL must be an address such as https://gatehouse.example.com,"
                " without user name, query or fragment."
            )
        object.__setattr__(self, "portal_url", base)

    def page(self, kind: str, process: UUID) -> str | None:
        """Return the address of the page that a kind of notice is about."""
        if kind in PLACES:
            return None if self.portal_url is None else self.portal_url + PLACES[kind]
        return self._below(f"{FOLDERS.get(kind, 'requests')}/{process}")

    def request(self, process: UUID) -> str | None:
        """Return the address of one request's page."""
        return self._below(f"requests/{process}")

    def pairing_link(self, process: UUID, token: str) -> str | None:
        """Return the address that opens a pairing's offer: it holds the link's secret."""
        return self._below(f"pairings/{process}/{token}")

    def _below(self, path: str) -> str | None:
        return None if self.portal_url is None else f"{self.portal_url}/{path}"
