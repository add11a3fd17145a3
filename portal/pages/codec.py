"""Temporal's screen asks here for the text of payloads: operators alone get it, and it is logged.

The screen calls from its own address, with the portal's cookie, as Temporal's remote codecs do:
``{"payloads": [{"metadata": {...}, "data": "..."}]}`` in, the same shape out, and what went wrong
as problem details (RFC 9457). Nothing is changed.
"""

import logging

from fastapi import Request, Response
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payloads

from approvals.people import Role
from config.payloads import EncryptedPayloads, KeyRing
from portal import auth
from portal.authzen import problems
from portal.authzen.problems import ProblemError
from portal.authzen.strict_json import body_of
from portal.families import Family, Pages
from portal.guard import origin_of
from portal.parts import Parts

log = logging.getLogger(__name__)
pages = Pages()
# Bytes. Whatever of a history the screen shows, it asks for one event's list of payloads at a time.
# Ours are one payload, the longest a message of 64,000 bytes: quoted inside JSON that is twice as
# much, in base64 four thirds of it, 170,667. The rest is for what surrounds it.
LARGEST = 200_000
HEADERS = "content-type, x-namespace, authorization"
NOT_HERE = "There is nothing here, or you may not see it."
CHALLENGE = {"WWW-Authenticate": "Cookie"}  # a 401 must name a way to sign in (RFC 9110)


@pages.options("/codec/decode", response_model=None)
async def asked(request: Request) -> Response:
    """Tell a browser that the screen may ask."""
    allowed = _allowed(request)
    return (
        problems.answer(ProblemError(404, NOT_HERE))
        if allowed is None
        else Response(None, 204, allowed)
    )


@pages.post("/codec/decode", response_model=None)
async def decode(request: Request) -> Response:
    """Return payloads as they were before they were encrypted; what no key opens stays."""
    allowed = _allowed(request)
    if allowed is None:
        return problems.answer(ProblemError(404, NOT_HERE))
    try:
        answer = await _decoded(request)
    except Exception as wrong:
        if not problems.is_expected(wrong):
            log.exception("payloads cannot be decoded")
        answer = await problems.answer_to(request, wrong)
    answer.headers.update(allowed)
    return answer


async def _decoded(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    viewer = await auth.found(request)
    if viewer is None:
        raise ProblemError(401, "Sign in at the portal in this browser first.", headers=CHALLENGE)
    if not viewer.has(Role.OPERATOR):
        raise ProblemError(404, NOT_HERE)
    sealed = await _read(request)
    codec = EncryptedPayloads(KeyRing(parts.settings.payload_keys))
    opened = Payloads(payloads=await codec.decode(sealed.payloads))
    log.info("%d payloads decoded for operator %s", len(opened.payloads), viewer.person.id)
    return Response(MessageToJson(opened), media_type="application/json")


async def _read(request: Request) -> Payloads:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ProblemError(415, "Only application/json is taken.")
    try:
        return Parse(await body_of(request, LARGEST), Payloads())
    except (ParseError, UnicodeDecodeError, RecursionError):
        detail = "The body is no JSON of Temporal's payloads."
        raise ProblemError(400, detail) from None


def _allowed(request: Request) -> dict[str, str] | None:
    """Return the headers for the screen's own address, None for any other."""
    parts: Parts = request.app.state.parts
    screen = parts.settings.temporal_ui_url
    origin = request.headers.get("origin")
    if screen is None or origin != origin_of(screen):
        return None
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": HEADERS,
        "vary": "Origin",
    }


FAMILY = Family(pages, is_served=lambda settings: settings.temporal_ui_url is not None)
