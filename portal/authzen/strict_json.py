"""Reads a body within its limits: one JSON object, the same to every reader (RFC 7493)."""

import asyncio
import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from fastapi import Request

from portal.authzen.problems import ProblemError

LARGEST, DEEPEST, SECONDS = 64_000, 16, 10  # bytes, levels, seconds until all of it is there


async def object_of(request: Request) -> dict[str, Any]:
    """Return the request's JSON object. Raises ProblemError with 400, 408, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(400, "The Content-Type must be application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "The body must not be compressed.")
    return parsed(await body_of(request))


def parsed(body: bytes) -> dict[str, Any]:
    """Read an object. Refuses doubled names, NaN, lone surrogates, and what is nested too deep."""
    try:
        found = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except (ValueError, RecursionError) as wrong:
        sentence = str(wrong) if isinstance(wrong, _WrongError) else "It is not valid JSON."
        raise ProblemError(400, f"The body could not be read. {sentence}") from None
    if not isinstance(found, dict):
        raise ProblemError(400, "The body must be a JSON object.")
    _require_plain(found)
    return found


class _WrongError(ValueError):
    """JSON that is valid, and yet not taken."""


async def body_of(request: Request, largest: int = LARGEST) -> bytes:
    """Return a body of at most *largest* bytes that is there within ten seconds.

    Raises ProblemError.
    """
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise ProblemError(400, "The Content-Length is not a number.")
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            if int(declared[:10]) <= largest:
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > largest:
                        break
    except TimeoutError:
        raise ProblemError(408, "The body did not arrive in time.") from None
    if len(body) > largest or int(declared[:10]) > largest:
        raise ProblemError(413, f"The body is larger than {largest:,} bytes.")
    return bytes(body)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _WrongError("An object has the same name twice.")
    return found


def _constant(_name: str) -> Any:
    raise _WrongError("A number is not finite.")


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise _WrongError("A number is not finite.")
    return number


def _require_plain(found: object) -> None:
    """Look at every text, and count levels; a loop, for recursion has a limit of its own."""
    level: Iterable[object] = [found]
    for _ in range(DEEPEST):
        below: list[object] = []
        for one in level:
            if isinstance(one, dict):
                below += one.keys()
                below += one.values()
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str) and not one.isascii():
                _require_unicode(one)
        if not below:
            return
        level = below
    raise ProblemError(400, f"The body is nested deeper than {DEEPEST} levels.")


def _require_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ProblemError(400, "A text is not valid Unicode.") from None
