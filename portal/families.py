"""Families of pages: each brings its routes, its entries in the navigation, and its live lists."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from approvals.errors import FieldError, NotFoundError
from approvals.slugs import slug
from config.settings import Settings
from portal.auth import Viewer
from portal.desk import PortalDesk
from portal.forms import Place

Pulse = Callable[[PortalDesk, str], Awaitable[str]]  # changes when the page does; of one key
Handler = Callable[..., Any]


class Pages(APIRouter):
    """Routes of one family: ``page`` shows and changes nothing, ``act`` takes a form."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}

    def page(self, path: str) -> Callable[[Handler], Handler]:
        """Answer GET and HEAD."""
        return self.api_route(
            path, methods=["GET", "HEAD"], response_model=None, response_class=HTMLResponse
        )

    def act(
        self, path: str, *, on: str | None = None, form: str = "", out: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Answer POST; the handler takes `auth.Posted`, which checks whose form it is.

        The form stands on the page *on*, where it is called *form*. Whoever was idle for too long
        finds there what they typed, once they have signed in again; fields that are kept nowhere
        are left *out*.
        """
        if on is not None:
            self.places[path] = Place(on, form or path.rpartition("/")[2], out)
        return self.post(path, response_model=None, response_class=HTMLResponse)


@dataclass(frozen=True)
class Entry:
    """A place in the navigation. *label* is translated where it is shown."""

    path: str
    label: str
    is_for: Callable[[Viewer], bool]


@dataclass(frozen=True)
class Family:
    """What one module below portal/pages adds to the portal."""

    pages: Pages
    entries: tuple[Entry, ...] = ()
    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    is_served: Callable[[Settings], bool] = lambda _settings: True


def process_id(process: str) -> UUID:
    """Read an id from a path; what is not written as ids are is not there. Raises NotFoundError."""
    try:
        found = UUID(process)
    except ValueError:
        raise NotFoundError from None
    if str(found) != process:
        raise NotFoundError
    return found


def slug_of(named: str) -> str:
    """Read a slug from a path; what is not written as slugs are is not there.

    Raises NotFoundError.
    """
    try:
        return slug(named)
    except FieldError:
        raise NotFoundError from None


Process = Depends(process_id)
