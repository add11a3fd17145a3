"""Reads a posted form within its limits, and sees to it that it is one of our own."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from typing import NamedTuple
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect

from portal.parts import Parts

LARGEST, MOST_FIELDS, SECONDS = 50_000, 50, 10  # bytes, names of fields, seconds
TYPE = "application/x-www-form-urlencoded"
NONCE_LENGTH = 22


class FormError(Exception):
    """A form that cannot be taken. *status* is that of the answer; each has its own page."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Place(NamedTuple):
    """Where a form stands: the address of its page, and its name there; both take ids in {}.

    Fields that are kept nowhere are left *out*.
    """

    page: str
    form: str
    out: tuple[str, ...] = ()


class Fields:
    """The fields of one form. *nonce* is its hidden number, by which a double click counts once."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def one(self, name: str) -> str:
        """Return a field that may stand there once, "" when it is missing."""
        given = [value for key, value in self._pairs if key == name]
        if len(given) > 1:
            raise FormError(400)
        return given[0] if given else ""

    def many(self, name: str) -> list[str]:
        """Return all values of a field that may stand there often."""
        return [value for key, value in self._pairs if key == name]

    @property
    def nonce(self) -> str:
        nonce = self.one("nonce")
        if len(nonce) != NONCE_LENGTH or not nonce.isascii():
            raise FormError(400)
        return nonce

    @property
    def digest(self) -> str:
        """What stands for this very form as it was filled: its number, and every field."""
        said = json.dumps([self.nonce, self._pairs])
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def typed(self) -> dict[str, list[str]]:
        """What was typed or chosen, by field; the hidden marks are left out."""
        found: dict[str, list[str]] = {}
        for key, value in self._pairs:
            if key not in ("csrf", "nonce", "shown"):
                found.setdefault(key, []).append(value)
        return found


async def fields_of(request: Request) -> Fields:
    """Read a form: at most 50 kB, in ten seconds, as browsers send it. Raises FormError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != TYPE:
        raise FormError(415)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise FormError(415)
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > LARGEST:
        raise FormError(413 if declared.isdigit() else 400)
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST:
                    raise FormError(413)
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except TimeoutError:
        raise FormError(408) from None
    except (ValueError, ClientDisconnect):
        raise FormError(400) from None
    if len({key for key, _ in pairs}) > MOST_FIELDS:
        raise FormError(400)
    return Fields(pairs)


def mark(parts: Parts, who: str, route: str) -> str:
    """Return the hidden mark of a form to one route; *who* is the hash of a sign-in or guest."""
    return parts.keys.mark("form", who, route)


def fresh_nonce() -> str:
    """Draw a form's number."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def require_own(request: Request, parts: Parts, fields: Fields, who: str, route: str) -> None:
    """Refuse a form that did not come from a page of ours, shown to this very browser."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_ours = site in ("same-origin", "none") if site is not None else origin == parts.origin
    if not is_ours or not hmac.compare_digest(
        mark(parts, who, route).encode(), fields.one("csrf").encode()
    ):
        raise FormError(403)
