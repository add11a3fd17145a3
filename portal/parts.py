"""What the portal holds while it runs: settings, database, Temporal, keys, limits."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from temporalio.client import Client

from approvals.hosts import is_loopback
from config import temporal
from config.settings import ConfigurationError, Settings
from identity.passkeys import RelyingParty
from mail.links import Links
from portal.keys import PortalKeys, ensured
from portal.openid import require_safe
from portal.rates import Rates
from starter.client import UnreachableError
from store.challenges import Challenges
from store.engine import Engines
from store.passkeys import Passkeys
from store.portal_sessions import PortalSessions

LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass
class Parts:
    """One portal process. *closing* is set when it stops, so that open streams end."""

    settings: Settings
    engines: Engines
    keys: PortalKeys
    rates: Rates
    origin: str
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    temporal: Client | None = None

    def __post_init__(self) -> None:
        self.sessions = PortalSessions(self.engines)
        self.challenges, self.passkeys = Challenges(self.engines), Passkeys(self.engines)
        self.relying_party = RelyingParty.of(self.origin)  # None: its address allows no passkeys
        self._connecting = asyncio.Lock()

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The names under which this portal answers."""
        name = urlsplit(self.origin).hostname or ""
        return frozenset({name, *LOCAL}) if is_loopback(name) else frozenset({name})

    async def client(self) -> Client:
        """Connect to Temporal, once. Raises UnreachableError within a few seconds."""
        async with self._connecting:
            if self.temporal is None:
                try:
                    self.temporal = await temporal.connect(
                        self.settings, identity="gatehouse-portal"
                    )
                except temporal.AwayError as away:
                    raise UnreachableError("Cannot reach Temporal. Nothing was changed.") from away
            return self.temporal


def parts_of(settings: Settings, engines: Engines) -> Parts:
    """Put a portal together.

    Raises ConfigurationError where cookies would cross a network in clear.
    """
    try:
        url = Links(settings.portal_url).portal_url
        Links(settings.target_url)
    except ValueError as wrong:
        raise ConfigurationError(f"{wrong} (also GATEHOUSE_TARGET_URL)") from None
    base = url or f"http://127.0.0.1:{settings.portal_port}"
    name = urlsplit(base).hostname or ""
    if not base.startswith("https://") and not is_loopback(name):
        raise ConfigurationError(
            f"GATEHOUSE_PORTAL_URL is {base}: a portal that others can reach needs https."
        )
    if not is_loopback(settings.portal_host) and not (
        base.startswith("https://") or settings.private_network
    ):
        raise ConfigurationError(
            f"GATEHOUSE_PORTAL_HOST is {settings.portal_host}, which others can reach."
            " Give an https address in GATEHOUSE_PORTAL_URL, or set"
            " GATEHOUSE_PRIVATE_NETWORK=true."
        )
    parsed = urlsplit(base)
    if settings.oidc_issuer is not None:
        require_safe(settings.oidc_issuer, "GATEHOUSE_OIDC_ISSUER")
    if parsed.path:
        raise ConfigurationError("GATEHOUSE_PORTAL_URL must end with the host: it has a path.")
    return Parts(
        settings=settings,
        engines=engines,
        keys=ensured(settings.keys, settings.portal_keys),
        rates=Rates(settings.portal_requests_per_minute),
        origin=f"{parsed.scheme}://{parsed.netloc}",
    )
