"""Asks a provider of identities who somebody is: OpenID Connect, code flow with PKCE."""

import json
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from approvals.addresses import address
from approvals.authority import RECENT
from approvals.errors import FieldError
from approvals.hosts import is_loopback
from config.settings import ConfigurationError, Settings, secret

log = logging.getLogger(__name__)
DISCOVERY = "/.well-known/openid-configuration"
ANSWER = "/sign-in/provider/answer"
SCOPE, SECONDS, LEEWAY = "openid email", 10.0, 30  # seconds of one call; of differing clocks
# Only signatures by a key pair: whoever knows the client's secret must not sign.
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce", "auth_time"]
KEPT_FOR = "gatehouse.portal.provider.v1"


class NotIdentifiedError(Exception):
    """The provider did not say who it is. The text is for the log, never for the page."""


@dataclass(frozen=True)
class Attempt:
    """One sign-in under way. All of it stays in the browser, sealed for the portal alone."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def fresh(cls) -> "Attempt":
        """Draw one: 256 random bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def text(self) -> str:
        """Return it as it is sealed."""
        return json.dumps([self.state, self.nonce, self.verifier])

    @classmethod
    def of(cls, text: str) -> "Attempt":
        """Read what `text` wrote."""
        return cls(*json.loads(text))


class OpenIdProvider:
    """The one provider whom this portal asks."""

    def __init__(self, settings: Settings, origin: str) -> None:
        self.issuer = settings.oidc_issuer or ""
        require_safe(self.issuer, "GATEHOUSE_OIDC_ISSUER")
        self._client_id, self._redirect = settings.oidc_client_id, origin + ANSWER
        self._secret_file = settings.oidc_client_secret_file
        self._metadata: Mapping[str, Any] | None = None

    async def address_for(self, attempt: Attempt) -> str:
        """Return where a browser goes to be identified. Raises NotIdentifiedError."""
        endpoint = (await self._known())["authorization_endpoint"]
        async with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoint,
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
                max_age=int(RECENT.total_seconds()),
            )
        return str(address)

    async def identified(self, attempt: Attempt, code: str) -> str:
        """Return the verified e-mail address of whom a code stands for. Raises NotIdentifiedError.

        The browser must have been asked for a password, or the like, in the last 15 minutes.
        """
        metadata = await self._known()
        try:
            async with self._client() as client:
                tokens = await client.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=attempt.verifier
                )
                keys = await _object(client, metadata["jwks_uri"])
                claims = self.claims(str(tokens.get("id_token", "")), keys, attempt.nonce)
                if "email" not in claims and "userinfo_endpoint" in metadata:
                    said = await _object(client, metadata["userinfo_endpoint"], signed=True)
                    if said.get("sub") != claims["sub"]:
                        raise NotIdentifiedError("the user information is about somebody else")
                    claims = {**said, **claims}
        except (OAuthError, httpx2.HTTPError, jwt.PyJWTError, ValueError) as wrong:
            raise NotIdentifiedError(f"{type(wrong).__name__}: {wrong}") from wrong
        return _address(claims)

    def claims(self, token: str, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Verify an ID token (OpenID Connect Core 1.0, section 3.1.3.7) and return its claims."""
        listed = jwt.PyJWKSet.from_dict(dict(keys)).keys
        named = jwt.get_unverified_header(token).get("kid")
        fitting = [one for one in listed if named is None or one.key_id == named]
        if len(fitting) != 1:
            raise NotIdentifiedError("the ID token names no key of the provider's")
        claims: dict[str, Any] = jwt.decode(
            token,
            key=fitting[0],
            algorithms=list(ALGORITHMS),
            audience=self._client_id,
            issuer=self.issuer,
            leeway=LEEWAY,
            options={"require": REQUIRED},
        )
        if not secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise NotIdentifiedError("the ID token is of another sign-in")
        is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_shared else self._client_id) != self._client_id:
            raise NotIdentifiedError("the ID token was issued to another client")
        if not _is_recent(claims["auth_time"]):
            raise NotIdentifiedError("the person was identified too long ago")
        return claims

    async def _known(self) -> Mapping[str, Any]:
        """Return the provider's metadata, which is read once."""
        if self._metadata is None:
            try:
                async with self._client() as client:
                    found = await _object(client, self.issuer.rstrip("/") + DISCOVERY)
            except (httpx2.HTTPError, ValueError) as away:
                raise NotIdentifiedError(f"no metadata: {type(away).__name__}") from away
            if found.get("issuer") != self.issuer:
                raise NotIdentifiedError("the metadata is of another issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                require_safe(found.get(name), name)
            self._metadata = found
        return self._metadata

    def _client(self) -> AsyncOAuth2Client:
        is_here = is_loopback(urlsplit(self.issuer).hostname or "")
        held = None if self._secret_file is None else secret(self._secret_file)
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=None if held is None else held.get_secret_value(),
            token_endpoint_auth_method="none" if held is None else "client_secret_basic",
            redirect_uri=self._redirect,
            scope=SCOPE,
            code_challenge_method="S256",
            timeout=SECONDS,
            trust_env=not is_here,
        )


async def _object(
    client: AsyncOAuth2Client, address: str, *, signed: bool = False
) -> dict[str, Any]:
    """Read a JSON object; with *signed* under the token that the client got."""
    answer = await client.request("GET", address, withhold_token=not signed)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise NotIdentifiedError("an answer is no JSON object")
    return found


def _address(claims: Mapping[str, Any]) -> str:
    """Return the address, if the provider has verified it: whoever may type one owns none."""
    if claims.get("email_verified") is not True:
        raise NotIdentifiedError("the provider has not verified the address")
    try:
        return address(claims.get("email"))
    except FieldError as wrong:
        raise NotIdentifiedError(f"the address is not one: {wrong.code}") from None


def _is_recent(moment: object) -> bool:
    if not isinstance(moment, int | float):
        return False
    return time.time() - moment <= RECENT.total_seconds() + LEEWAY


def require_safe(url: object, name: str) -> None:
    """Raise ConfigurationError for an address that would be asked in clear over a network."""
    parsed = urlsplit(url) if isinstance(url, str) else None
    is_here = parsed is not None and is_loopback(parsed.hostname or "")
    if parsed is None or (parsed.scheme != "https" and not (parsed.scheme == "http" and is_here)):
        raise ConfigurationError(f"{name} must be an address that begins with https.")
