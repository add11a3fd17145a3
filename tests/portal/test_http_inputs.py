"""What programs send that no browser would: each row has an answer, and none reaches a process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from approvals.people import Role
from approvals.tenant_access.record import TenantAccess
from config.settings import Settings
from portal import cookies, forms
from store import tables as t
from tests.bad_inputs import rows
from tests.factories import CAROLINE, ELIZABETH, TOM, TOM_SAWYER
from tests.installation import Installation
from tests.portal import test_guard, test_requests, test_sign_in
from tests.portal.site import OUR_OWN, Page, Site
from tests.portal.windows import listening, serving

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
HOST = b"Host: 127.0.0.1\r\n"
LAST = b"Connection: close\r\n\r\n"


def get(path: bytes, *more: bytes, host: bytes = HOST) -> bytes:
    """Return the bytes of one GET."""
    return b"GET %s HTTP/1.1\r\n" % path + host + b"".join(more) + LAST


def post(body: bytes, *more: bytes) -> bytes:
    """Return the bytes of one POST to the sign-in; *more* says how long its body is."""
    return b"POST /sign-in HTTP/1.1\r\n" + HOST + b"".join(more) + LAST + body


def sized(body: bytes, *more: bytes) -> bytes:
    """Return a POST that says its length truly."""
    return post(body, b"Content-Length: %d\r\n" % len(body), *more)


JSON = b"Content-Type: application/json\r\n"
# A portal takes forms alone: JSON is refused before anybody reads it.
RAW: dict[str, tuple[list[bytes], int]] = {
    "body {bad": ([sized(b"{bad", JSON)], 415),
    "two Content-Length headers": (
        [post(b"csrf=", b"Content-Length: 5\r\nContent-Length: 6\r\n", FORM)],
        400,
    ),
    "chunk size zz": ([post(b"zz\r\n", b"Transfer-Encoding: chunked\r\n", FORM)], 400),
    "JSON with a duplicate key decision": (
        [sized(b'{"decision":"deny","decision":"grant"}', JSON)],
        415,
    ),
    "JSON top-level string / null / []": (
        [sized(one, JSON) for one in (b'"x"', b"null", b"[]")],
        415,
    ),
    "form with 1001 fields": (
        [sized(b"&".join(b"f%d=" % one for one in range(1001)), FORM)],
        400,
    ),
    "path with %00": ([get(b"/requests/%00"), get(b"/requests/%0d%0aX:%20y")], 400),
    "path //evil.example/x": ([get(b"//evil.example/x")], 400),
    "header value with bare CR": ([get(b"/", b"X-One: a\rb\r\n")], 400),
    "cookie header of 100 kB: 431": ([get(b"/", b"Cookie: %s\r\n" % (b"a" * 100_000))], 431),
    "Host missing (HTTP/1.1)": ([get(b"/", host=b"")], 400),
    "Host: a/?x=": ([get(b"/sign-in", host=b"Host: a/?x=\r\n")], 400),
    "Host: portal.example.com:99999": (
        [get(b"/sign-in", host=b"Host: 127.0.0.1:99999\r\n")],
        400,
    ),
    "absolute-form GET http://evil.example/ HTTP/1.1": ([get(b"http://evil.example/")], 400),
    "X-Forwarded-Proto: http from an untrusted peer: ignored": (
        [get(b"/sign-in", b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n")],
        200,
    ),
    "gzip bomb Content-Encoding: 415": (
        [sized(b"\x1f\x8b", FORM, b"Content-Encoding: gzip\r\n")],
        415,
    ),
    "no cookie": ([get(b"/")], 303),
    "cookie of 43 random chars": (
        [get(b"/", b"Cookie: gatehouse-8090-sid=%s\r\n" % (b"A" * 43))],
        303,
    ),
    "unknown path": ([get(b"/unknown"), get(b"/.git/config")], 404),
    "TRACE /": ([b"TRACE / HTTP/1.1\r\n" + HOST + LAST], 405),
    "X-HTTP-Method-Override: POST on GET": (
        [get(b"/sign-out", b"X-HTTP-Method-Override: POST\r\n")],
        405,
    ),
    "Range: bytes=0-,0-,0-... on static files: 416/200 in < 50 ms": ([], 200),
}
WRONG_FIELDS = test_requests.test_a_form_that_breaks_a_rule_names_it_and_keeps_what_was_typed
NO_ID = test_requests.test_an_id_that_is_not_written_as_ids_are_is_not_there
AWAY = test_requests.test_without_temporal_reading_goes_on_and_a_change_says_that_it_was_not_made
SCENES: dict[str, Callable[..., object]] = {
    "missing decision field": WRONG_FIELDS,
    "cookie older than 8 h": test_sign_in.test_a_browser_ends_when_idle_or_old,
    "cookie of a disabled user": test_sign_in.test_whoever_is_disabled_is_out_at_the_next_page,
    "POST without CSRF": test_guard.test_a_form_without_its_mark_is_refused,
    "Sec-Fetch-Site: cross-site POST": test_guard.test_a_form_from_elsewhere_is_refused,
    "/docs, /redoc, /openapi.json in production": test_guard.test_every_answer_carries_the_headers,
    "uuid with upper case / braces": NO_ID,
    "51 kB body: 413": test_guard.test_a_form_that_cannot_be_read_is_refused,
    "multipart to a urlencoded route: 415": test_guard.test_a_form_that_cannot_be_read_is_refused,
    "121st request in a minute: 429": test_guard.test_more_pages_a_minute_than_allowed_must_wait,
    "Temporal down: 503, decision kept and delivered later, page says so": AWAY,
    **{
        f"next={one}": test_sign_in.test_no_address_says_where_to_go_afterwards
        for one in ("//evil.example", "https:evil.example", "/%09/evil.example")
    },
}
HERE = {
    "Content-Length 10 with 5 bytes",
    "cookie set by a sibling subdomain without __Host-",
    "own request",
    "GET on a decision endpoint",
    "second grant",
    "grant after expiry",
    "same Idempotency-Key, other body",
    "1000 idle connections: limited",
}
Ask = Callable[[bytes], Awaitable[bytes]]


@pytest.fixture
async def ask(installation: Installation, settings: Settings) -> AsyncIterator[Ask]:
    """Send bytes to the served portal; return the answer, up to its end."""
    with listening() as taken:
        site = Site(installation, settings, None)
        async with serving(site, taken):
            port = taken.getsockname()[1]

            async def asked(said: bytes) -> bytes:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(said)
                await writer.drain()
                async with asyncio.timeout(15):
                    answer = await reader.read()
                writer.close()
                return answer

            yield asked
        await site.close()


@pytest.mark.parametrize("recipe", [one for one in RAW if RAW[one][0]])
async def test_what_cannot_be_read_is_refused_in_a_sentence(ask: Ask, recipe: str) -> None:
    sent, status = RAW[recipe]

    answers = [await ask(one) for one in sent]

    assert [int(one.split(b" ")[1]) for one in answers] == [status] * len(sent)
    for answer in answers:
        assert b"Traceback" not in answer
        assert b"strict-transport-security" not in answer.lower()


async def test_a_file_is_sent_whole_however_many_ranges_are_asked_for(ask: Ask) -> None:
    page = await ask(get(b"/sign-in"))
    file = page[page.index(b"/static/portal.css"[:15]) :].split(b'"')[0]

    whole, parts = [
        (await ask(get(file, *more))).partition(b"\r\n\r\n")
        for more in ((), (b"Range: bytes=%s\r\n" % b",".join([b"0-"] * 1_300),))
    ]

    assert parts[0].startswith(b"HTTP/1.1 200")
    assert parts[2] == whole[2]


async def test_who_opens_a_connection_and_stays_silent_loses_it(
    installation: Installation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.protocol.HEAD_SECONDS", 0.2)
    with listening() as taken:
        site = Site(installation, settings, None)
        async with serving(site, taken):
            port = taken.getsockname()[1]
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
            for _, writer in silent:
                writer.write(b"GET /sign-in HTTP/1.1\r\nHost: ")

            async with asyncio.timeout(15):
                said = await asyncio.gather(*(reader.read() for reader, _ in silent))

            for _, writer in silent:
                writer.close()
        await site.close()
    assert said == [b""] * 50


async def test_a_form_that_never_arrives_whole_is_not_waited_for(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "SECONDS", 0.2)

    answer = await ask(post(b"csrf=", b"Content-Length: 10\r\n", FORM))

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Nothing was changed" in answer


async def test_a_cookie_of_another_name_signs_nobody_in(
    installation: Installation, settings: Settings
) -> None:
    secure = settings.model_copy(update={"portal_url": "https://gatehouse.example.com"})
    site = Site(installation, secure, None)
    token = await site.token_of(TOM)
    browser = site.browser()

    ours = await browser.client.get("/account", headers={"cookie": f"__Host-sid={token}"})
    sibling = await browser.client.get("/account", headers={"cookie": f"sid={token}"})
    both = await browser.client.get(
        "/account", headers={"cookie": f"__Host-sid={token}; __Host-sid={'A' * 43}"}
    )

    assert [one.status_code for one in (ours, sibling, both)] == [200, 303, 303]
    await site.close()


async def test_nobody_decides_on_what_gives_them_access(site: Site) -> None:
    request = await site.asked()
    admin = {"person_id": CAROLINE.id, "role": Role.TENANT_ADMIN, "scope_id": TOM_SAWYER.id}
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(insert(t.role_assignment), admin)
    caroline = await site.signed_in(CAROLINE)
    page = await caroline.get(f"/requests/{request}")
    token = caroline.client.cookies[cookies.name_of(site.parts, cookies.SIGN_IN)]
    route = "/requests/{process}/grant"
    fields = {
        "csrf": forms.mark(site.parts, cookies.hashed(token), route),
        "nonce": forms.fresh_nonce(),
        "shown": await site.installation.shown(request),
        "end": "7d",
    }

    answer = await caroline.client.post(f"/requests/{request}/grant", data=fields, headers=OUR_OWN)

    assert not page.has_form(f"/requests/{request}/grant")
    assert answer.status_code == 403
    assert "You cannot decide" in Page(answer).text
    assert (await site.installation.request(request)).status == "pending"


async def test_a_decision_is_not_there_to_be_looked_at(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)

    answer = await tom.client.get(f"/requests/{request}/grant")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_form_sent_twice_counts_once_and_another_one_is_told_who_was_first(
    site: Site,
) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")
    grant = f"/requests/{request}/grant"

    first, again = [await tom.send(page, grant, end="7d") for _ in range(2)]
    other = await tom.send(page, grant, end="30d")

    assert (first.status, again.status, other.status) == (303, 303, 409)
    assert "Nothing was changed." in other.text
    assert "Tom Sawyer granted it." in other.text
    ends_at = (await site.installation.request(request)).ends_at
    assert ends_at is not None
    assert ends_at < datetime.now(UTC) + timedelta(days=8)


async def test_a_grant_that_comes_after_the_end_of_the_window_is_too_late(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    await _ended(site, await site.installation.request(request))
    page = await tom.get(f"/requests/{request}")
    before = {**page.form("/sign-out"), "shown": await site.installation.shown(request)}
    token = tom.client.cookies[cookies.name_of(site.parts, cookies.SIGN_IN)]
    mark = forms.mark(site.parts, cookies.hashed(token), "/requests/{process}/grant")

    answer = await tom.client.post(
        f"/requests/{request}/grant", data={**before, "csrf": mark, "end": "7d"}, headers=OUR_OWN
    )

    assert answer.status_code == 409
    assert "Nothing was changed." in Page(answer).text


async def _ended(site: Site, state: TenantAccess) -> None:
    over = state.model_copy(update={"due_at": datetime.now(UTC) - timedelta(seconds=1)})
    row = t.process.c
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(
            update(t.process).where(row.id == state.process_id).values(state=over.model_dump_json())
        )


async def test_a_name_that_breaks_a_rule_is_refused_before_anything_is_looked_over(
    still: Site,
) -> None:
    elizabeth = await still.signed_in(ELIZABETH)
    page = await elizabeth.get("/requests/new")
    taken = []

    for row in rows("names"):
        if not isinstance(row.value, str) or not _is_sendable(row.value):
            continue
        fields = {**page.form("/requests/new"), "name": row.value, "step": "review"}
        answer = await elizabeth.client.post("/requests/new", data=fields, headers=OUR_OWN)
        assert answer.status_code == 422
        if 'id="wrong-name"' not in answer.text:
            taken.append(row.value)

    assert [one for one in taken if not (one.isascii() and one.isalnum())] == []
    assert taken


def _is_sendable(text: str) -> bool:
    """Whether a form can carry it at all: lone surrogates are no UTF-8."""
    return not any("\ud800" <= one <= "\udfff" for one in text)


def test_every_row_is_tested_here_or_where_its_scene_is() -> None:
    listed = {row.recipe for row in rows("http")}

    assert listed == {*RAW, *SCENES, *HERE}
