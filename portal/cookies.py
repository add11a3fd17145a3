"""The portal's cookies: their names, their attributes, and what is in them."""

import hashlib
import secrets
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response

from portal.parts import Parts

SIGN_IN, CODE, GUEST, LINK, MAILBOX = "sid", "code", "guest", "link", "mailbox"
PROVIDER, PASSKEY, OFFER = "provider", "passkey", "offer"
LIFE = {
    CODE: 600,
    LINK: 900,
    PROVIDER: 600,
    PASSKEY: 300,
    OFFER: 900,  # from the last step on the way to accepting it
}  # seconds; the others end with the browser
GOAL, OFFERED = "gatehouse.portal.goal.v1", "gatehouse.portal.offer.v1"


def name_of(parts: Parts, kind: str) -> str:
    """Return a cookie's name. On plain loopback no name may begin with __Host-.

    There the port is part of it, for cookies do not tell ports apart.
    """
    if parts.is_https:
        return f"__Host-{kind}"
    return f"gatehouse-{urlsplit(parts.origin).port or 80}-{kind}"


def read(request: Request, parts: Parts, kind: str) -> str | None:
    """Return a cookie's value; None also for one that is there twice, for it is ambiguous."""
    name = name_of(parts, kind)
    given = [
        value
        for header in request.headers.getlist("cookie")
        for part in header.split(";")
        for key, _, value in [part.strip().partition("=")]
        if key == name
    ]
    return given[0] if len(given) == 1 else None


def put(response: Response, parts: Parts, kind: str, value: str) -> None:
    """Set a cookie that no script reads and no other site sends with a form."""
    response.set_cookie(
        name_of(parts, kind),
        value,
        path="/",
        max_age=LIFE.get(kind),
        secure=parts.is_https,
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, parts: Parts, kind: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        name_of(parts, kind), path="/", secure=parts.is_https, httponly=True, samesite="lax"
    )


def fresh_token() -> str:
    """Draw 256 random bits: 43 characters."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def put_offer(response: Response, parts: Parts, process: UUID, token: str) -> None:
    """Keep the token of a mailed link, so that no address shows it any longer."""
    put(response, parts, OFFER, parts.keys.sealer.sealed(token, f"{OFFERED} {process}"))


def offer(request: Request, parts: Parts, process: UUID) -> str:
    """Return the token by which this browser came to an offer; empty where it did not."""
    sealed = read(request, parts, OFFER)
    return (sealed and parts.keys.sealer.opened(sealed, f"{OFFERED} {process}")) or ""


def renew_offer(request: Request, response: Response, parts: Parts) -> None:
    """Let the token of a link live on while its browser is on the way: reading or signing in."""
    sealed = read(request, parts, OFFER)
    if sealed is not None:
        put(response, parts, OFFER, sealed)


def put_goal(response: Response, parts: Parts, path: str) -> None:
    """Remember where somebody wanted to go until they have signed in; nobody else can read it."""
    put(response, parts, LINK, parts.keys.sealer.sealed(path, GOAL))


def goal(request: Request, parts: Parts) -> str | None:
    """Return the path that `put_goal` remembered: one of ours, or None."""
    sealed = read(request, parts, LINK)
    path = None if sealed is None else parts.keys.sealer.opened(sealed, GOAL)
    if path is None or not path.startswith("/") or path.startswith("//"):
        return None
    return path
