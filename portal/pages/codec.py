"""Temporal's screen asks here for the text of payloads: operators alone get it, and it is logged.

The screen calls from its own address, with the portal's cookie, as Temporal's remote codecs do:
``{"payloads": [{"metadata": {...}, "data": "..."}]}`` in, the same shape out. Nothing is changed.
"""

import logging

from fastapi import Request, Response
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payloads

from approvals.errors import NotFoundError
from approvals.people import Role
from config.payloads import EncryptedPayloads, KeyRing
from portal.auth import SignedIn
from portal.families import Family, Pages
from portal.forms import FormError
from portal.guard import origin_of
from portal.parts import Parts

log = logging.getLogger(__name__)
pages = Pages()
LARGEST = 4_000_000  # bytes; a page of the screen shows one history event's payloads at a time
HEADERS = "content-type, x-namespace, authorization"


@pages.options("/codec/decode", response_model=None)
async def asked(request: Request) -> Response:
    """Tell a browser that the screen may ask."""
    return Response(status_code=204, headers=_allowed(request))


@pages.post("/codec/decode", response_model=None)
async def decode(request: Request, viewer: SignedIn) -> Response:
    """Return payloads as they were before they were encrypted; what no key opens stays."""
    allowed = _allowed(request)
    if not viewer.has(Role.OPERATOR):
        raise NotFoundError
    parts: Parts = request.app.state.parts
    sealed = await _read(request)
    codec = EncryptedPayloads(KeyRing(parts.settings.payload_keys))
    opened = Payloads(payloads=await codec.decode(sealed.payloads))
    log.info("%d payloads decoded for operator %s", len(opened.payloads), viewer.person.id)
    return Response(MessageToJson(opened), media_type="application/json", headers=allowed)


async def _read(request: Request) -> Payloads:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise FormError(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise FormError(413)
    try:
        return Parse(bytes(body), Payloads())
    except (ParseError, UnicodeDecodeError, RecursionError):
        raise FormError(400) from None


def _allowed(request: Request) -> dict[str, str]:
    """Return the headers for the screen's own address. Raises NotFoundError for any other."""
    parts: Parts = request.app.state.parts
    screen = parts.settings.temporal_ui_url
    origin = request.headers.get("origin")
    if screen is None or origin != origin_of(screen):
        raise NotFoundError
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": HEADERS,
        "vary": "Origin",
    }


FAMILY = Family(pages, is_served=lambda settings: settings.temporal_ui_url is not None)
