"""What programs ask for: the keys of session assertions, and whether the portal works."""

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from identity.assertions import jwks
from portal.families import Family, Pages
from portal.parts import Parts
from starter.client import UnreachableError

pages = Pages()


@pages.page("/.well-known/jwks.json")
async def keys(request: Request) -> Response:
    """Return the public halves of the keys that sign session assertions (RFC 7517)."""
    parts: Parts = request.app.state.parts
    return JSONResponse(jwks(parts.keys.assertions))


@pages.page("/healthz")
async def lives(request: Request) -> Response:
    """Say that the process lives."""
    return JSONResponse({"status": "ok"})


@pages.page("/readyz")
async def is_ready(request: Request) -> Response:
    """Say whether pages can be shown and commands be given; 503 names what is away."""
    parts: Parts = request.app.state.parts
    away = []
    try:
        await parts.engines.require_readable()
    except (SQLAlchemyError, OSError):
        away.append("database")
    try:
        await (await parts.client()).service_client.check_health()
    except (UnreachableError, RPCError):
        away.append("temporal")
    return JSONResponse({"status": "away" if away else "ok", "away": away}, 503 if away else 200)


FAMILY = Family(pages)
