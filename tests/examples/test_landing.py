"""A session's assertion opens one tenant's page, and nothing else does."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import jwt
import pytest

from identity.assertions import LIFE, OpenSession, jwks, key_id, minted
from identity.signing import SigningKey
from tests.customer_platform.running import RunningPlatform, running

ISSUER = "https://gatehouse.example.com"
HOSTED = uuid4()
CAROLINE = uuid4()
KEY = SigningKey.fresh()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(jwks([KEY])))
    settings: dict[str, Any] = {"jwks": str(keys), "issuer": ISSUER}
    with running(
        tmp_path / "platform.db", tenants={HOSTED: "Tom Sawyer & Sons"}, **settings
    ) as one:
        yield one


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def assertion(
    tenant: UUID = HOSTED,
    mode: str = "support",
    *,
    key: SigningKey = KEY,
    issuer: str = ISSUER,
    at: datetime | None = None,
    ends_at: datetime | None = None,
) -> str:
    """Mint an assertion as Gatehouse does."""
    session = OpenSession(id=uuid4(), person=CAROLINE, tenant=tenant, mode=mode, ends_at=ends_at)
    return minted(session, key, issuer, at or now())


def forged(**claims: Any) -> str:
    """Sign other claims with the right key."""
    good = jwt.decode(assertion(), options={"verify_signature": False})
    return jwt.encode(
        {**good, **claims}, KEY.private, algorithm="EdDSA", headers={"kid": key_id(KEY)}
    )


def landed(platform: RunningPlatform, token: str) -> httpx2.Response:
    """Bring an assertion as a browser does, and follow where it leads."""
    with httpx2.Client(
        base_url=platform.address, follow_redirects=True, trust_env=False
    ) as browser:
        return browser.post("/land", data={"assertion": token})


def test_support_lands_on_the_employees(platform: RunningPlatform) -> None:
    pbx = {"host": "pbx.green-gables.example.org", "username": "x", "secret": "raspberry-cordial"}
    body = {"name": "Green Gables", "description": "", "reference": "C-1", "pbx": pbx}
    customer = UUID(platform.ask("POST", "/customers", json=body).json()["id"])

    page = landed(platform, assertion(customer))

    assert page.status_code == 200
    assert page.url.path == "/land"
    assert page.url.query == b"mode=support"
    assert "<h1>Employees</h1>" in page.text
    assert "Anne Shirley" in page.text
    assert "<strong>Green Gables</strong>" in page.text


def test_configure_lands_on_the_business_units(platform: RunningPlatform) -> None:
    page = landed(platform, assertion(mode="configure"))

    assert page.status_code == 200
    assert "<h1>Business units</h1>" in page.text


def test_the_page_says_who_acts_as_whom_until_when(platform: RunningPlatform) -> None:
    ends_at = (now() + timedelta(seconds=90)).replace(microsecond=0)

    page = landed(platform, assertion(ends_at=ends_at))

    assert f"<strong>{CAROLINE}</strong>" in page.text
    assert "Tom Sawyer &amp; Sons" in page.text
    assert ends_at.strftime("%Y-%m-%d %H:%M:%S UTC") in page.text


def test_the_assertion_shows_in_no_address_and_no_cookie(platform: RunningPlatform) -> None:
    token = assertion()

    answer = platform.bare("POST", "/land", data={"assertion": token})

    assert answer.status_code == 303
    assert token not in str(answer.headers)
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_visit_ends_with_its_assertion(platform: RunningPlatform) -> None:
    with httpx2.Client(base_url=platform.address, trust_env=False) as browser:
        browser.post("/land", data={"assertion": assertion()})
        open_page = browser.get("/land?mode=support")
        platform.clock.ahead = LIFE
        closed_page = browser.get("/land?mode=support")

    assert open_page.status_code == 200
    assert closed_page.status_code == 401
    assert "This session has ended." in closed_page.text


def test_a_visit_is_for_one_mode(platform: RunningPlatform) -> None:
    with httpx2.Client(base_url=platform.address, trust_env=False) as browser:
        browser.post("/land", data={"assertion": assertion(mode="support")})
        other = browser.get("/land?mode=configure")

    assert other.status_code == 401
    assert "for support, not for configure" in other.text


def test_without_a_visit_there_is_no_page(platform: RunningPlatform) -> None:
    for cookies in ({}, {"reference-platform-visit": "guessed"}):
        answer = httpx2.get(
            f"{platform.address}/land?mode=support", cookies=cookies, trust_env=False
        )

        assert answer.status_code == 401


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (lambda: assertion(at=now() - LIFE), "has ended"),
    "after the access": (lambda: assertion(ends_at=now() - timedelta(minutes=1)), "not valid"),
    "unknown key": (lambda: assertion(key=SigningKey.fresh()), "do not know"),
    "another issuer": (lambda: assertion(issuer="https://else.example.com"), "not valid"),
    "another tenant": (lambda: assertion(uuid4()), "another platform"),
    "an unknown mode": (lambda: assertion(mode="root"), "not valid"),
    "two audiences": (lambda: forged(aud=[f"tenant:{HOSTED}", "tenant:x"]), "not valid"),
    "another audience": (lambda: forged(aud=f"site:{HOSTED}"), "not valid"),
    "another subject": (lambda: forged(sub=f"tenant:{uuid4()}:administrator"), "not valid"),
    "nobody acts": (lambda: forged(act={}), "not valid"),
    "lives too long": (lambda: forged(exp=int(now().timestamp()) + 3600), "not valid"),
    "no end": (lambda: forged(exp=None), "not valid"),
    "no signature": (
        lambda: jwt.encode({"aud": f"tenant:{HOSTED}"}, "", algorithm="none"),
        "do not know",
    ),
    "changed": (lambda: assertion()[:-8] + "AAAAAAAA", "not valid"),
    "no assertion": (lambda: "hello", "not valid"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_assertion_gets_a_clear_page(platform: RunningPlatform, name: str) -> None:
    make, sentence = REFUSED[name]

    page = landed(platform, make())

    assert page.status_code == 401
    assert sentence in page.text
    assert "set-cookie" not in page.headers


def test_without_keys_no_session_is_accepted(tmp_path: Path) -> None:
    with running(tmp_path / "platform.db", tenants={HOSTED: "Tom"}) as platform:
        page = landed(platform, assertion())

    assert page.status_code == 401
    assert "given no keys" in page.text


def test_keys_come_from_an_address_too(tmp_path: Path) -> None:
    published = json.dumps(jwks([KEY])).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/jwks.json"
        with running(
            tmp_path / "platform.db", tenants={HOSTED: "Tom"}, jwks=address, issuer=ISSUER
        ) as platform:
            page = landed(platform, assertion())
        server.shutdown()

    assert page.status_code == 200


def test_keys_that_cannot_be_read_open_nothing(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    with running(
        tmp_path / "platform.db", tenants={HOSTED: "Tom"}, jwks=str(keys), issuer=ISSUER
    ) as platform:
        missing = landed(platform, assertion())
        keys.write_text('["no", "keys"]')
        broken = landed(platform, assertion())
        keys.write_text(json.dumps(jwks([KEY])))
        repaired = landed(platform, assertion())

    assert "cannot read the keys" in missing.text
    assert "cannot read the keys" in broken.text
    assert repaired.status_code == 200
