"""The areas of a site and their levels: the one table that rules, lists and the gate read.

Levels compare by `covers(level, wanted)`: update covers view, view covers none, and a level that is
not there is none. What somebody holds, contacts included, is `levels_of`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from approvals.errors import FieldError
from approvals.fields import PART_LIMIT
from approvals.people import Directory, PersonId, Role, SiteId
from approvals.texts import inert
from approvals.transition import Membership


class Level(StrEnum):
    """What somebody may do in one area, from least to most."""

    NONE = "none"
    VIEW = "view"
    UPDATE = "update"


class Area(StrEnum):
    """What a site is divided into."""

    PURCHASE = "purchase"
    REPORTING = "reporting"
    ENTITLEMENTS = "entitlements"
    ALLOCATIONS = "allocations"
    MANAGE_ACCESS = "manage_access"
    CONTACT_UPDATES = "contact_updates"
    CONTACTS_OVERVIEW = "contacts_overview"
    DOCUMENTS = "documents"


Privileges = Mapping[Area, Level]

_ALL = (Level.NONE, Level.VIEW, Level.UPDATE)
LEVELS: Mapping[Area, tuple[Level, ...]] = {
    Area.PURCHASE: _ALL,
    Area.REPORTING: _ALL,
    Area.ENTITLEMENTS: _ALL,
    Area.ALLOCATIONS: _ALL,
    Area.MANAGE_ACCESS: _ALL,
    Area.CONTACT_UPDATES: _ALL,
    Area.CONTACTS_OVERVIEW: (Level.VIEW,),
    Area.DOCUMENTS: (Level.NONE, Level.VIEW),
}
LABELS: Mapping[Area, str] = {
    Area.PURCHASE: "purchase and download",
    Area.REPORTING: "reporting",
    Area.ENTITLEMENTS: "entitlements: inventory and deployments",
    Area.ALLOCATIONS: "entitlement allocations",
    Area.MANAGE_ACCESS: "manage access",
    Area.CONTACT_UPDATES: "contact updates",
    Area.CONTACTS_OVERVIEW: "contact updates overview",
    Area.DOCUMENTS: "account documents",
}
FOR_CONTACTS = frozenset({Area.MANAGE_ACCESS, Area.CONTACT_UPDATES})
HIGHEST: Privileges = {area: levels[-1] for area, levels in LEVELS.items()}
LEAST: Privileges = {area: levels[0] for area, levels in LEVELS.items()}
# A secondary contact to whom nobody has given privileges of their own sees, and changes nothing.
SECONDARY: Privileges = {**LEAST, Area.MANAGE_ACCESS: Level.VIEW, Area.CONTACT_UPDATES: Level.VIEW}


def covers(level: str | None, wanted: str) -> bool:
    """Whether *level* allows all that *wanted* allows; None and unknown words allow nothing."""
    order = list(Level)
    held = Level(level) if level in set(Level) else Level.NONE
    return wanted in set(Level) and order.index(held) >= order.index(Level(wanted))


def levels_of(
    person: PersonId, site: SiteId, directory: Directory, memberships: Iterable[Membership]
) -> Privileges | None:
    """Return the levels that somebody holds at a site now, every area listed; None for a stranger.

    The primary contact holds the highest of each. What is for contacts only counts for them alone,
    whatever a membership says that was written before.
    """
    own = next((one for one in memberships if (one.person, one.site) == (person, site)), None)
    return levels_held(
        own.privileges if own is not None and directory.is_live(person) else None,
        is_primary=directory.holds(person, Role.PRIMARY_CONTACT, site),
        is_secondary=directory.holds(person, Role.SECONDARY_CONTACT, site),
    )


def levels_held(
    given: Iterable[tuple[str, str]] | None, *, is_primary: bool, is_secondary: bool
) -> Privileges | None:
    """Return the levels of a live person, given those of their membership (None without one).

    Areas and levels that this version does not know count for nothing.
    """
    if is_primary:
        return HIGHEST
    if given is None:
        return SECONDARY if is_secondary else None
    known = {
        Area(area): Level(level)
        for area, level in given
        if area in set(Area) and level in set(Level)
    }
    held = {**LEAST, **known}
    return held if is_secondary else without_contacts_areas(held)


def without_contacts_areas(privileges: Privileges) -> Privileges:
    """Return the privileges with nothing in the areas that are for contacts only."""
    return {**privileges, **dict.fromkeys(FOR_CONTACTS, Level.NONE)}


def privileges(value: object) -> dict[Area, Level]:
    """Read a table of areas and levels; an area that is left out has its least level.

    Raises FieldError: privileges_not_table, area_unknown, level_unknown or privileges_empty.
    """
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value):
        raise FieldError("privileges_not_table", "Write privileges as a table of area and level.")
    read = {**LEAST, **dict(_read(area, level) for area, level in value.items())}
    if read == dict(LEAST):
        raise FieldError("privileges_empty", "Give at least one privilege.")
    return read


def pairs(given: Privileges) -> tuple[tuple[str, str], ...]:
    """Return privileges as pairs of words, in the order of the table."""
    return tuple((area.value, given[area].value) for area in Area)


def _read(area: str, level: Any) -> tuple[Area, Level]:
    if area not in set(Area):
        raise FieldError(
            "area_unknown",
            f"'{_clipped(area)}' is not an area of a site. Choose one of: {', '.join(Area)}.",
        )
    allowed = LEVELS[Area(area)]
    if not isinstance(level, str) or level not in set(allowed):
        raise FieldError("level_unknown", f"{area} is one of: {', '.join(allowed)}.")
    return Area(area), Level(level)


def _clipped(text: str) -> str:
    return inert(text[:PART_LIMIT])


Given = Annotated[dict[Area, Level], BeforeValidator(privileges)]
