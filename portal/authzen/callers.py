"""Who calls: a client by its token, within its rates. Misses are counted by address."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import Request

from portal.authzen.problems import ProblemError
from portal.guard import address
from portal.rates import MOST_KEYS, Rate
from store.client_gate import ClientGate, ClientGates
from store.engine import Engines
from store.gate_clients import TOKEN, GateClient, hashed

KNOWN_SECONDS = 1.0  # for which a client is not looked up again: so long a revoked one goes on
MISSES = 10  # unknown tokens a minute from one address
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="gatehouse"'}
INVALID = {"WWW-Authenticate": 'Bearer realm="gatehouse", error="invalid_token"'}


class Caller(NamedTuple):
    """What a request shows of who sends it. *mark* is the token's hash."""

    address: str
    token: str
    mark: str


class Callers:
    """Opens the gate for clients."""

    def __init__(
        self,
        engines: Engines,
        requests_per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gates = ClientGates(engines)
        self._requests, self._misses = Rate(requests_per_minute), Rate(MISSES)
        self._clock = clock
        # By the hashes of tokens that were good, the oldest first: whose, and since when known.
        self._seen: dict[str, tuple[GateClient, float]] = {}

    def caller(self, request: Request) -> Caller:
        """Return who calls, by what they show. Raises ProblemError with 401 or 429."""
        token = _token(request)
        caller = Caller(address(request.scope), token, hashed(token))
        # Whoever guesses is not even looked up; a client that was good before goes on beside them.
        if caller.mark not in self._seen and self._misses.is_spent(caller.address):
            raise _too_often(self._misses.wait(caller.address))
        return caller

    @asynccontextmanager
    async def gate(self, caller: Caller) -> AsyncIterator[ClientGate]:
        """Yield the gate as a caller sees it.

        Raises ProblemError with 401 or 429, and what the database raises when it cannot be read.
        """
        known = self._known(caller)
        async with self._gates.opened(caller.token, known) as gate:
            if gate is None:
                self._seen.pop(caller.mark, None)
                self._misses.wait(caller.address)
                raise ProblemError(401, "The token is not known here.", headers=INVALID)
            if known is None:
                self._remember(caller.mark, gate.client)
            self._count(gate.client)
            yield gate

    def brief(self, caller: Caller) -> ClientGate | None:
        """Return the gate for one question; None for a caller who must be looked up first.

        Raises ProblemError with 429.
        """
        known = self._known(caller)
        if known is None:
            return None
        self._count(known)
        return self._gates.brief(known)

    def _known(self, caller: Caller) -> GateClient | None:
        client, since = self._seen.get(caller.mark, (None, 0.0))
        return client if self._clock() - since < KNOWN_SECONDS else None

    def _count(self, client: GateClient) -> None:
        if wait := self._requests.wait(str(client.id)):
            raise _too_often(wait)

    def _remember(self, mark: str, client: GateClient) -> None:
        self._seen.pop(mark, None)
        self._seen[mark] = client, self._clock()
        while len(self._seen) > MOST_KEYS:
            del self._seen[next(iter(self._seen))]


def _token(request: Request) -> str:
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        raise ProblemError(401, "Send a client's token: Authorization: Bearer.", headers=CHALLENGE)
    if TOKEN.fullmatch(token) is None:
        raise ProblemError(401, "The token is not one of ours.", headers=INVALID)
    return token


def _too_often(wait: int) -> ProblemError:
    sentence = f"Too many attempts. Try again in {wait} seconds."
    return ProblemError(429, sentence, headers={"Retry-After": str(wait)})
