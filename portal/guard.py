"""Around every answer: security headers, limits on what comes in, one log line without secrets."""

import logging
import secrets
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.errors import TEXTS, TITLES
from portal.parts import LOCAL, Parts
from portal.render import refused_page
from portal.sentences import WAIT

log = logging.getLogger(__name__)
GATE = "/access/v1/"  # below it programs ask; each has a rate of its own there
PROBES = ("/healthz", "/readyz")  # whoever looks after us may come by a local name
LAST_PORT = 65_535
LONGEST_URL, LARGEST_HEAD = 2_048, 16_384  # bytes
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none';"
    " object-src 'none'{upgrade}"
)
FIXED = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"geolocation=(), camera=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    ),
    (b"x-robots-tag", b"noindex, nofollow"),
)
SECURE = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
IMMUTABLE, NEVER = b"public, max-age=31536000, immutable", b"no-store"
# What programs get, put together once: they ask hundreds of times a second, and show no page.
PROGRAMS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    *FIXED,
    (b"cache-control", NEVER),
)
PROGRAMS_SECURE = (SECURE, *PROGRAMS)
TARGET = "portal.target"  # the scope's key for the one origin that a page's form may post to
PLAIN, HTML = b"text/plain; charset=utf-8", b"text/html; charset=utf-8"
PAGES = {429: (TITLES[429], WAIT), 500: (TITLES[500], TEXTS[500])}  # title and sentence
TOO_MUCH = {
    400: b"The request could not be read.",
    414: b"The address is longer than 2 kB.",
    429: b"Too many attempts. Try again in %d seconds.",
    431: b"The head of the request is larger than 16 kB.",
}


class Guard:
    """The outermost part of the portal: not even a fault of ours leaves without its headers."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app, self._parts = app, parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, seen = time.monotonic(), [0]
        number = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = number
        structlog.contextvars.bind_contextvars(request_id=number)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen[0] = message["status"]
                message["headers"] = [
                    *self._kept(message["headers"]),
                    *self._added(scope, number, seen[0]),
                ]
            await send(message)

        try:
            if (refused := self._refused(scope)) is not None:
                await _told(answer, scope, *refused)
            else:
                await self._app(scope, receive, answer)
        except Exception:
            log.exception("a request failed")
            if not seen[0]:
                await _told(answer, scope, 500, b"Something went wrong here.")
        finally:
            _log(scope, seen[0], (time.monotonic() - began) * 1000)
            structlog.contextvars.unbind_contextvars("request_id")

    def _refused(self, scope: Scope) -> tuple[int, bytes, int] | None:
        """Return status, words and seconds to wait for what is not even looked at."""
        head = scope["headers"]
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
            return 414, TOO_MUCH[414], 0
        if sum(len(name) + len(value) + 4 for name, value in head) > LARGEST_HEAD:
            return 431, TOO_MUCH[431], 0
        hosts = [value for name, value in head if name == b"host"]
        is_probe = scope["path"] in PROBES
        names = self._parts.hosts | set(LOCAL if is_probe else ())
        if len(hosts) != 1 or _name(hosts[0]) not in names or not _is_plain(scope):
            return 400, TOO_MUCH[400], 0
        if not is_probe and not scope["path"].startswith(("/static/", GATE)):
            wait = self._parts.rates.requests.wait(address(scope))
            if wait:
                return 429, TOO_MUCH[429] % wait, wait
        return None

    def _kept(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        dropped = {b"server", b"x-powered-by", b"cache-control"}
        return [(name, value) for name, value in headers if name.lower() not in dropped]

    def _added(self, scope: Scope, number: str, status: int) -> list[tuple[bytes, bytes]]:
        https = self._parts.is_https
        if scope["path"].startswith(GATE):
            given = (b"x-request-id", _given_number(scope) or number.encode())
            return [*(PROGRAMS_SECURE if https else PROGRAMS), given]
        target = scope.get(TARGET)
        policy = POLICY.format(
            target=f" {target}" if target else "",
            upgrade="; upgrade-insecure-requests" if https else "",
        )
        is_static = scope["path"].startswith("/static/") and status == 200
        return [
            (b"content-security-policy", policy.encode()),
            *((SECURE,) if https else ()),
            *FIXED,
            (b"cache-control", IMMUTABLE if is_static else NEVER),
            (b"x-request-id", number.encode()),
        ]


def _given_number(scope: Scope) -> bytes | None:
    """Return the number that a program gave its question: it gets its own back (AuthZEN)."""
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    return given[0] if given else None


def address(scope: Scope) -> str:
    """Return the address that a request comes from, as the server knows it."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def _name(host: bytes) -> str:
    text = host.decode("latin-1").lower()
    name, _, port = text.rpartition(":")
    return name if name and port.isdecimal() and int(port[:9]) <= LAST_PORT else text


def _is_plain(scope: Scope) -> bool:
    """Whether a path can be read in one way alone: no other host in it, no control character."""
    path, raw = scope["path"], scope["raw_path"]
    has_controls = any(ord(one) < 32 or ord(one) == 127 for one in path)
    return raw[:1] == b"/" and not path.startswith("//") and not has_controls


def _log(scope: Scope, status: int, ms: float) -> None:
    """Write what was asked, by its route and never by its address, and how it was answered."""
    # A program asks hundreds of times a second: what it was answered is no news.
    is_routine = scope["path"].startswith(GATE) and status == 200
    route = getattr(scope.get("route"), "path", "unknown")
    fields = {"method": scope["method"], "route": route, "status": status, "ms": round(ms)}
    if (viewer := scope["state"].get("viewer")) is not None:
        fields["actor_id"] = str(viewer.person.id)
    level = logging.DEBUG if is_routine else logging.INFO
    log.log(level, "%s %s %d", scope["method"], route, status, extra=fields)


async def _told(send: Send, scope: Scope, status: int, text: bytes, wait: int = 0) -> None:
    """Answer in one plain sentence; people get a page of what they may well meet."""
    given = {name: value.decode("latin-1") for name, value in scope["headers"]}
    kind = PLAIN
    if status in PAGES and "text/html" in given.get(b"accept", ""):
        number, languages = scope["state"]["request_id"], given.get(b"accept-language", "")
        facts = {"seconds": wait} if wait else {}
        text = refused_page(languages, status, number, PAGES[status], **facts).encode()
        kind = HTML
    headers = [(b"content-type", kind), (b"content-length", str(len(text)).encode())]
    if wait:
        headers.append((b"retry-after", str(wait).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def origin_of(url: str) -> str:
    """Return the origin of an address, as a policy names it."""
    parsed = urlsplit(url)
    return f"{parsed.scheme}://{parsed.netloc}"
