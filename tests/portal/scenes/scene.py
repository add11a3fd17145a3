"""What a scene is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from playwright.async_api import Page

from approvals.people import Person
from tests.portal.site import Site

Prepare = Callable[[Site], Awaitable[dict[str, str]]]  # ids of what it made, by name
Then = Callable[[Page], Awaitable[object]]  # what somebody does on the page first


class Shown(NamedTuple):
    """One page: the name of its pictures, who looks (None: nobody signed in), and where."""

    name: str
    who: Person | None
    path: str
    then: Then | None = None


@dataclass(frozen=True)
class Scene:
    """One family's pages, and what they need to show something."""

    name: str
    prepare: Prepare
    shown: tuple[Shown, ...]


async def nothing(_site: Site) -> dict[str, str]:
    """Prepare a scene whose pages need nothing."""
    return {}
