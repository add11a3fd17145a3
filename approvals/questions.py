"""What programs ask the gate: one question, about one place and one of the actions it knows."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from approvals.access import Via
from approvals.errors import FieldError
from approvals.permissions import ACTIONS as MODES
from approvals.permissions import DISRUPTIVE_CHANGE, PERMISSIONS
from approvals.platform_entry import PlatformAction
from approvals.records import Record
from approvals.site_access.privileges import LEVELS, Level


class Place(StrEnum):
    """The kinds of places that have a gate."""

    TENANT = "tenant"
    PLATFORM = "platform"
    SITE = "site"


# A level in an area of a site is one word, as a permission is: "reporting.view".
ACTIONS: Mapping[Place, tuple[str, ...]] = {
    Place.TENANT: (*MODES, *PERMISSIONS, DISRUPTIVE_CHANGE),
    Place.PLATFORM: tuple(PlatformAction),
    Place.SITE: tuple(
        f"{area}.{level}"
        for area, levels in LEVELS.items()
        for level in levels
        if level is not Level.NONE
    ),
}
WAYS: Mapping[Place, tuple[Via, ...]] = {
    Place.TENANT: tuple(Via),
    Place.PLATFORM: (Via.REQUEST, Via.SESSION),
    Place.SITE: (Via.REQUEST,),
}


class Question(Record):
    """Does somebody get in? *who* is an id or an e-mail address, *where* an id or a slug.

    *change* is the id of the consent that a disruptive change rests on.
    """

    kind: Place
    who: UUID | str
    where: UUID | str
    action: str
    via: Via = Via.REQUEST
    change: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether the place has such an action; a grant covers only what there is."""
        return self.action in ACTIONS[self.kind]

    @property
    def area_and_level(self) -> tuple[str, str]:
        """The two parts of a site's action."""
        area, _, level = self.action.rpartition(".")
        return area, level


def require_way(kind: Place, via: Via) -> None:
    """Raise FieldError for a way in that such a place does not have."""
    if via not in WAYS[kind]:
        ways = " or ".join(WAYS[kind])
        raise FieldError("via_not_here", f"A {kind} is entered by: {ways}.")


def named(text: str) -> UUID | str:
    """Return an id in its one written form as an id; any other text is a name."""
    try:
        found = UUID(text)
    except ValueError:
        return text
    return found if str(found) == text.lower() else text
