"""A reference platform on a free port of this machine, for the tests that talk to it."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from examples.reference_platform.app import create_app
from examples.reference_platform.platform import Settings
from examples.reference_platform.server import HOST, listening, server_of

CLIENT_SECRET = "the-secret-of-our-client"


class MovedClock:
    """This machine's clock, moved ahead at will."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class RunningPlatform:
    """A platform that runs, as its operator sees it. Its clock can be moved."""

    def __init__(self, address: str, clock: MovedClock) -> None:
        self.address, self.clock = address, clock
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusted; it speaks plain HTTP
        self._client = httpx2.Client(base_url=address, timeout=10, trust_env=False, verify=nobody)
        self._token = "none-yet"

    def fault(self, kind: str, calls: str = ".*", **more: Any) -> None:
        """Let the next call that fits go wrong."""
        answer = self._client.post("/faults", json={"kind": kind, "calls": calls, **more})
        assert answer.status_code == 204, answer.text

    def faults_left(self) -> int:
        """Return how many faults nobody met yet."""
        return len(self._client.get("/faults").json())

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._client.delete("/faults")

    def ask(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """Call the API with a token of our own."""
        headers = {"Authorization": f"Bearer {self._token}", **what.pop("headers", {})}
        answer = self._client.request(method, path, headers=headers, **what)
        if answer.status_code == 401:
            self._token = self.token()["access_token"]
            headers["Authorization"] = f"Bearer {self._token}"
            answer = self._client.request(method, path, headers=headers, **what)
        return answer

    def bare(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """Call without a token."""
        return self._client.request(method, path, **what)

    def token(self, **form: str) -> dict[str, Any]:
        """Get tokens from the token endpoint."""
        asked = form or {"grant_type": "client_credentials"}
        found: dict[str, Any] = self._client.post(
            "/oauth/token", data=asked, auth=("gatehouse", CLIENT_SECRET)
        ).json()
        return found

    def users(self, customer: object) -> dict[str, list[str]]:
        """Return the roles of each of a customer's users, by address."""
        found = self.ask("GET", f"/customers/{customer}/users").json()
        return {one["email"]: one["roles"] for one in found}

    def close(self) -> None:
        """Close our connections."""
        self._client.close()


@contextmanager
def running(file: Path, **settings: Any) -> Iterator[RunningPlatform]:
    """Serve a platform in a thread until the block ends."""
    clock = MovedClock()
    given = {"import_seconds": 0, "has_faults": True, **settings}
    app = create_app(Settings(file=file, client_secret=CLIENT_SECRET, clock=clock, **given))
    with serving(app) as address:
        platform = RunningPlatform(address, clock)
        yield platform
        platform.close()


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve any application in a thread until the block ends; its address is yielded."""
    own = listening(0)
    server = server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [own]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://{HOST}:{own.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        own.close()
