"""Where a mail points: below the one configured address, never below what a request said."""

import re
from dataclasses import dataclass
from uuid import UUID

_BASE = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~\-]+)*|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?"
)


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

    def request(self, process: UUID) -> str | None:
        """Return the address of one request's page."""
        return self._below(f"requests/{process}")

    def _below(self, path: str) -> str | None:
        return None if self.portal_url is None else f"{self.portal_url}/{path}"
