"""One conversation with the platform's API: tokens, time limits, and what its answers mean."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import SecretStr, TypeAdapter, ValidationError

from approvals.platform import PlatformAway, PlatformRefused
from approvals.texts import inert
from customer_platform.account import PlatformAccount, require_usable
from customer_platform.secret_references import Secrets

SECONDS = 10.0  # for each step of one call
BASIC = "client_secret_basic"  # RFC 6749, section 2.3.1
LEEWAY = 30  # seconds before its end at which an access token is refreshed
DETAIL_LIMIT = 300  # characters that we repeat of what the platform says
# RFC 6749, section 5.2. Any other error of the token endpoint may pass.
CLIENT_REFUSALS = frozenset(
    {"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request"}
)
TEMPORARY = frozenset({401, 408, 421, 425, 429})  # 401: for a token that is brand-new
# Every other 409 is a collision with somebody else's change, which passes.
FINAL_CONFLICTS = frozenset({"user_exists", "admin_first", "reference_taken", "customer_deleted"})


class Refusal(PlatformRefused):
    """A refusal by the platform itself. *facts* are the members of its problem details."""

    def __init__(self, code: str, sentence: str, facts: dict[str, Any]) -> None:
        super().__init__(code, sentence)
        self.facts = facts


class PlatformApi:
    """Calls the platform with a token that Authlib keeps: got, refreshed, and got again.

    *seconds* limits each step of a call; the whole call has three times as long.
    """

    def __init__(
        self, account: PlatformAccount, secrets: Secrets, seconds: float = SECONDS
    ) -> None:
        require_usable(account)
        # At INFO the library writes every address it asks, and ours hold people's e-mail.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        self._account, self._secrets, self._seconds = account, secrets, seconds
        self._token_lock = asyncio.Lock()
        self._client = AsyncOAuth2Client(
            client_id=account.client_id,
            token_endpoint_auth_method=BASIC,
            token_endpoint=f"{account.address.rstrip('/')}/oauth/token",
            grant_type="client_credentials",
            leeway=LEEWAY,
            base_url=account.address,
            timeout=seconds,
            trust_env=not account.is_here,  # no proxy stands between this machine and itself
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        hidden: SecretStr | None = None,
    ) -> httpx2.Response:
        """Return an answer of success. Raises PlatformAway, or PlatformRefused with its reason.

        *hidden* is a secret in the body, which no reason repeats.
        """
        async with self._within_time():
            what = {"json": body, "params": params}
            token = await self._token()
            answer = await self._asked(token, method, path, headers or {}, what)
            if answer.status_code == httpx2.codes.UNAUTHORIZED:
                token = await self._renewed(token)
                answer = await self._asked(token, method, path, headers or {}, what)
        if answer.is_success:
            return answer
        raise self._trouble(answer, hidden)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _asked(
        self, token: str, method: str, path: str, headers: dict[str, str], what: dict[str, Any]
    ) -> httpx2.Response:
        # The client's own token may be gone at this moment: another call may be renewing it.
        answer: httpx2.Response = await self._client.request(
            method,
            path,
            withhold_token=True,
            headers={**headers, "Authorization": f"Bearer {token}"},
            **what,
        )
        return answer

    @asynccontextmanager
    async def _within_time(self) -> AsyncIterator[None]:
        # Without causes: what the libraries raise knows the request, and with it the secrets.
        try:
            async with asyncio.timeout(3 * self._seconds):
                yield
        except TimeoutError:
            raise PlatformAway("The customer platform took too long to answer.") from None
        except OAuthError as error:
            if error.error not in CLIENT_REFUSALS:
                raise PlatformAway("The customer platform gives out no tokens now.") from None
            raise PlatformRefused(
                "client_refused", "The customer platform refuses our client id or secret."
            ) from None
        except httpx2.TimeoutException:
            raise PlatformAway("The customer platform took too long to answer.") from None
        except httpx2.HTTPStatusError as error:
            raise _away(error.response.status_code) from None
        except (httpx2.HTTPError, httpx2.InvalidURL):
            raise PlatformAway("The customer platform cannot be reached.") from None

    async def _token(self) -> str:
        """Return the access token that counts now, getting or refreshing it if need be."""
        async with self._token_lock:
            if self._client.token is None:
                await self._fetch()
            elif self._client.token.is_expired(leeway=LEEWAY):
                await self._refresh()
            return str(self._client.token["access_token"])

    async def _renewed(self, refused: str) -> str:
        """Replace an access token that the platform refused, unless that has been done."""
        async with self._token_lock:
            if self._client.token is None or self._client.token["access_token"] == refused:
                await self._refresh()
            return str(self._client.token["access_token"])

    async def _refresh(self) -> None:
        """Use the refresh token up; without one that counts, ask as at the beginning."""
        try:
            await self._new_token(self._client.refresh_token)
        except OAuthError:
            await self._fetch()

    async def _fetch(self) -> None:
        self._client.token = None
        await self._new_token(self._client.fetch_token)

    async def _new_token(self, ask: Callable[[], Awaitable[object]]) -> None:
        secret = self._secrets.resolved(self._account.client_secret)  # as it is now
        self._client.client_secret = secret.get_secret_value()
        try:
            await ask()
            token = self._client.token
            if not token["access_token"] or token["token_type"].lower() != "bearer":
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError):
            self._client.token = None
            raise PlatformAway("The customer platform gave no token that we can read.") from None

    def _trouble(self, answer: httpx2.Response, hidden: SecretStr | None) -> PlatformAway | Refusal:
        status, problem = answer.status_code, _problem(answer)
        code = str(problem.get("code", ""))
        if status >= 500 or status in TEMPORARY or (status == 409 and code not in FINAL_CONFLICTS):
            return _away(status)
        detail = str(problem.get("detail") or f"HTTP {status}.")
        for secret in (hidden and hidden.get_secret_value(), self._client.client_secret):
            detail = detail.replace(secret, "***") if secret else detail
        detail = inert(detail)[:DETAIL_LIMIT]
        return Refusal(
            inert(code)[:32] or "refused", f"The customer platform says: {detail}", problem
        )


def read(answer: httpx2.Response, shape: TypeAdapter[Any]) -> Any:
    """Return the answer's JSON in this shape. Raises PlatformAway when it has another."""
    try:
        return shape.validate_json(answer.content)
    except ValidationError:
        raise PlatformAway("The customer platform gave an answer that we cannot read.") from None


def _problem(answer: httpx2.Response) -> dict[str, Any]:
    """Return the problem details of an answer; empty if there are none (RFC 9457)."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _away(status: int) -> PlatformAway:
    return PlatformAway(f"The customer platform cannot answer now (HTTP {status}).")
