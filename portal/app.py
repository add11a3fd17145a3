"""Puts the portal together: families of pages, live streams, static files, faults, the guard."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Response
from starlette.types import ASGIApp

from approvals.errors import NotFoundError
from portal import errors, live
from portal.auth import Viewer
from portal.authzen import api as authzen
from portal.families import Entry, Family, Pages
from portal.guard import Guard
from portal.pages import FAMILIES
from portal.parts import Parts
from portal.render import STATIC, TYPES, static_path


def create_app(parts: Parts, families: Sequence[Family] = FAMILIES) -> ASGIApp:
    """Return the portal as an ASGI application; *families* are its pages."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.parts = parts
    served = [one for one in families if one.is_served(parts.settings)]
    pulses = {name: pulse for one in served for name, pulse in one.pulses.items()}
    every = [*(one.pages for one in served), _static(), live.pages_of(pulses)]
    for pages in every:
        app.include_router(pages)
    app.state.places = {path: one for pages in every for path, one in pages.places.items()}
    app.state.routes = [route for pages in every for route in pages.routes]
    errors.install(app)

    def entries_of(viewer: Viewer | None) -> list[Entry]:
        every = [entry for family in served for entry in family.entries]
        return [] if viewer is None else [one for one in every if one.is_for(viewer)]

    app.state.entries_of = entries_of
    return Guard(authzen.beside(app, parts), parts)


def _static() -> Pages:
    pages = Pages()
    files: dict[str, str] = {static_path(name): name for name in STATIC}

    @pages.page("/static/{file}")
    async def static(file: str) -> Any:
        """Return a file under the name of its content, so that it never changes."""
        name = files.get(f"/static/{file}")
        if name is None:
            raise NotFoundError
        return Response(STATIC[name], media_type=TYPES[name.rpartition(".")[2]])

    return pages
