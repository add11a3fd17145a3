"""Puts the platform together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp

from examples.reference_platform import customers, landing, tokens, users
from examples.reference_platform.assertions import PublishedKeys
from examples.reference_platform.faults import Faults, FaultyApp, control
from examples.reference_platform.platform import Platform, Settings
from examples.reference_platform.problems import handle

DESCRIPTION = "A customer platform for demonstrations: customers, their PBX's users, and roles."


def create_app(settings: Settings) -> ASGIApp:
    """Return the platform as an ASGI application on its own file."""
    platform = Platform(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        platform.database.close()

    app = FastAPI(
        title="Reference platform",
        description=DESCRIPTION,
        version="1",
        docs_url=None,  # the usual page loads its scripts from elsewhere; ours is below
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.platform = platform
    app.state.keys = PublishedKeys(settings.jwks) if settings.jwks else None
    for part in (tokens, customers, users, landing):
        app.include_router(part.routes)
    handle(app)

    @app.get("/docs", include_in_schema=False, response_class=HTMLResponse)
    async def docs() -> HTMLResponse:
        return landing.page("api.html", 200, api=app.openapi())

    if not settings.has_faults:
        return app
    faults = Faults(platform.database.now)
    app.include_router(control(faults))
    return FaultyApp(app, faults, platform)
