"""What surrounds every page: headers, limits on what comes in, and whose form it is."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from markupsafe import escape

from config.settings import ConfigurationError, Settings
from portal.app import create_app
from portal.guard import Guard
from portal.languages import speech_of
from portal.parts import parts_of
from tests.factories import CAROLINE, TOM
from tests.installation import Installation
from tests.portal.site import OUR_OWN, Page, Site

EXACT = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none';"
        " object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "geolocation=(), camera=(), microphone=(), payment=(), usb=(), interest-cohort=()"
    ),
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow",
}
NEVER = ("server", "x-powered-by", "access-control-allow-origin", "strict-transport-security")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 303),
        ("GET", "/sign-in", 200),
        ("HEAD", "/sign-in", 200),
        ("GET", "/nothing", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/.env", 404),
        ("GET", "/sign-in/", 404),
        ("GET", "/mailbox", 404),
        ("GET", "/healthz", 200),
        ("GET", "/.well-known/jwks.json", 200),
        ("PUT", "/sign-in", 405),
        ("OPTIONS", "/sign-in", 405),
        ("TRACE", "/", 405),
        ("POST", "/sign-in", 415),
        ("GET", "/.well-known/authzen-configuration", 200),
        ("GET", "/" + "a" * 3000, 414),
    ],
)
async def test_every_answer_carries_the_headers(
    still: Site, method: str, path: str, status: int
) -> None:
    answer = await still.browser().client.request(method, path)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EXACT} == EXACT
    assert [name for name in NEVER if name in answer.headers] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/access/v1/openapi.json", 200),
        ("GET", "/access/v1/nothing", 404),
        ("GET", "/access/v1/evaluation", 405),
        ("POST", "/access/v1/evaluation", 401),
        ("POST", "/access/v1/evaluations", 401),
        ("POST", "/access/v1/search/subject", 401),
        ("POST", "/access/v1/search/resource", 401),
        ("POST", "/access/v1/search/action", 401),
        ("GET", "/access/v1/" + "a" * 3000, 414),
    ],
)
async def test_programs_get_the_same_headers_and_a_policy_for_what_is_no_page(
    still: Site, method: str, path: str, status: int
) -> None:
    policy = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'"}

    answer = await still.browser().client.request(method, path)

    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EXACT} == {**EXACT, **policy}
    assert [name for name in NEVER if name in answer.headers] == []


async def test_an_answer_to_a_wrong_method_names_the_right_ones(still: Site) -> None:
    answer = await still.browser().client.put("/sign-in")

    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_files_keep_for_ever_under_the_name_of_their_content(still: Site) -> None:
    browser = still.browser()
    page = await browser.get("/sign-in")
    files = re.findall(r"/static/[\w.]+", page.html)

    answers = [await browser.client.get(one) for one in files]

    assert len(set(files)) == 3
    assert {one.status_code for one in answers} == {200}
    assert {one.headers["cache-control"] for one in answers} == {
        "public, max-age=31536000, immutable"
    }
    missing = await browser.client.get("/static/portal.000000000000.css")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8090", "", "127.0.0.1@evil.example"],
)
async def test_a_foreign_host_name_is_not_answered(still: Site, host: str) -> None:
    answer = await still.browser().client.get("/sign-in", headers={"host": host})

    assert answer.status_code == 400


async def test_a_head_larger_than_16_kb_is_not_read(still: Site) -> None:
    answer = await still.browser().client.get("/sign-in", headers={"x-much": "a" * 17_000})

    assert answer.status_code == 431


@pytest.fixture
async def form(still: Site) -> tuple[httpx2.AsyncClient, dict[str, str]]:
    """Tom's browser and the fields of its sign-out form."""
    browser = await still.signed_in(TOM)
    fields = (await browser.get("/")).form("/sign-out")
    return browser.client, fields


FORM = tuple[httpx2.AsyncClient, dict[str, str]]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": Site.ORIGIN},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
    ids=str,
)
async def test_a_form_from_elsewhere_is_refused(form: FORM, headers: dict[str, str]) -> None:
    client, fields = form

    answer = await client.post("/sign-out", data=fields, headers=headers)

    assert answer.status_code == 403
    assert "Your form is out of date" in Page(answer).text
    assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize("headers", [OUR_OWN, {"sec-fetch-site": "none"}, {"origin": Site.ORIGIN}])
async def test_our_own_form_is_taken(form: FORM, headers: dict[str, str]) -> None:
    client, fields = form

    answer = await client.post("/sign-out", data=fields, headers=headers)

    assert answer.status_code in (303, 503)  # nobody is there to end the key


@pytest.mark.parametrize("mark", ["", "0" * 64, "ä"])
async def test_a_form_without_its_mark_is_refused(form: FORM, mark: str) -> None:
    client, fields = form

    answer = await client.post("/sign-out", data={**fields, "csrf": mark}, headers=OUR_OWN)

    assert answer.status_code == 403


async def test_a_mark_is_good_for_its_own_form_and_browser_alone(still: Site, form: FORM) -> None:
    client, fields = form
    other = await still.signed_in(CAROLINE)

    elsewhere = await client.post("/requests/new", data=fields, headers=OUR_OWN)
    by_another = await other.client.post("/sign-out", data=fields, headers=OUR_OWN)

    assert (elsewhere.status_code, by_another.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"csrf=a&csrf=b", "application/x-www-form-urlencoded", 400),
        (b"csrf=%ff", "application/x-www-form-urlencoded", 400),
        (b"csrf=\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"f%d=1" % one for one in range(51)), "application/x-www-form-urlencoded", 400),
        (b"a" * 50_001, "application/x-www-form-urlencoded", 413),
        (b"csrf=a", "text/plain", 415),
        (b'{"csrf": "a"}', "application/json", 415),
        (b"--x", "multipart/form-data; boundary=x", 415),
    ],
    ids=["twice", "no UTF-8", "raw bytes", "51 fields", "large", "text", "JSON", "parts"],
)
async def test_a_form_that_cannot_be_read_is_refused(
    form: FORM, body: bytes, kind: str, status: int
) -> None:
    client, _ = form

    answer = await client.post("/sign-out", content=body, headers={**OUR_OWN, "content-type": kind})

    assert answer.status_code == status
    assert "Traceback" not in answer.text


async def test_a_body_without_an_end_is_read_no_further_than_the_limit(form: FORM) -> None:
    client, _ = form
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 10_000_000:
            read += 1_000
            yield b"a" * 1_000

    answer = await client.post(
        "/sign-out",
        content=endless(),
        headers={**OUR_OWN, "content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 413


async def test_more_pages_a_minute_than_allowed_must_wait(
    installation: Installation, settings: Settings
) -> None:
    few = settings.model_copy(update={"portal_requests_per_minute": 3})
    site = Site(installation, few, None)
    browser = site.browser()

    pages = [await browser.client.get("/sign-in") for _ in range(4)]

    assert [one.status_code for one in pages] == [200, 200, 200, 429]
    assert 1 <= int(pages[-1].headers["retry-after"]) <= 61
    assert (await browser.client.get("/healthz")).status_code == 200
    await site.close()


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("de-AT,en;q=0.8", "Zu viele Versuche", "Versuchen Sie es in"),
        ("en", "Too many attempts", "Try again in"),
    ],
)
async def test_a_person_who_must_wait_is_told_so_on_a_page_in_their_language(
    installation: Installation, settings: Settings, language: str, title: str, text: str
) -> None:
    few = settings.model_copy(update={"portal_requests_per_minute": 1})
    site = Site(installation, few, None)
    client = site.browser().client
    person = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": language}
    await client.get("/sign-in")

    page = await client.get("/sign-in", headers=person)
    plain = await client.get("/sign-in", headers={"accept-language": language})

    assert (page.status_code, plain.status_code) == (429, 429)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{title}</h1>" in page.text
    assert text in page.text
    assert page.headers["x-request-id"] in page.text
    assert 1 <= int(page.headers["retry-after"]) <= 61
    assert {name: page.headers.get(name) for name in EXACT} == EXACT
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert plain.text.startswith("Too many attempts. Try again in ")
    await site.close()


async def test_a_fault_below_every_page_is_told_in_the_language_of_its_reader(still: Site) -> None:
    async def broken(*_asked: object) -> None:
        raise RuntimeError

    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=Guard(broken, still.parts)), base_url=Site.ORIGIN
    )
    async with client:
        page = await client.get("/", headers={"accept": "text/html", "accept-language": "fr"})
        plain = await client.get("/", headers={"accept": "application/json"})

    speech = speech_of("fr", "UTC")
    assert (page.status_code, plain.status_code) == (500, 500)
    assert escape(speech.say("Something went wrong here")) in page.text
    assert "Traceback" not in page.text
    assert {name: page.headers.get(name) for name in EXACT} == EXACT
    assert plain.text == "Something went wrong here."


async def test_on_https_cookies_and_headers_bind_to_it(
    installation: Installation, settings: Settings
) -> None:
    secure = settings.model_copy(update={"portal_url": "https://gatehouse.example.com"})
    app = create_app(parts_of(secure, installation.engines))

    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="https://gatehouse.example.com"
    ) as client:
        answer = await client.get("/sign-in")
        local = {"host": "127.0.0.1:8090"}
        probe = await client.get("/healthz", headers=local)
        page = await client.get("/sign-in", headers=local)

    assert (probe.status_code, page.status_code) == (200, 400)
    assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert answer.headers["content-security-policy"].endswith("; upgrade-insecure-requests")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-guest=")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "wrong",
    [
        {"portal_url": "http://gatehouse.example.com"},
        {"portal_url": "https://gatehouse.example.com/portal"},
        {"portal_url": "https://user@gatehouse.example.com"},
        {"portal_host": "0.0.0.0"},
        {"target_url": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_a_portal_that_would_be_unsafe_does_not_start(
    settings: Settings, wrong: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match="GATEHOUSE_"):
        parts_of(settings.model_copy(update=wrong), None)  # type: ignore[arg-type]


async def test_a_fault_of_ours_leaves_without_a_traceback(still: Site) -> None:
    browser = await still.signed_in(TOM)
    still.parts.sessions = None  # type: ignore[assignment]  # nothing works any more

    page = await browser.get("/")

    assert page.status == 500
    assert "The fault is ours" in page.text
    assert "Traceback" not in page.html
    assert page.headers["x-request-id"] in page.text
    assert page.headers["x-frame-options"] == "DENY"
