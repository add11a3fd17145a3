"""Privileges as a form offers them: one choice of level for each area of a site."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from approvals.site_access.privileges import (
    FOR_CONTACTS,
    LEAST,
    LEVELS,
    Area,
    Level,
    Privileges,
    covers,
)
from portal.forms import Fields
from portal.languages import Speech
from portal.vocabulary import AREAS
from portal.vocabulary import LEVELS as WORDS

PREFIX = "level_"


class Choice(NamedTuple):
    """One area: its field, its words, and its levels that may be chosen, each with its words."""

    field: str
    label: str
    levels: tuple[tuple[str, str], ...]
    before: str


def choices(
    own: Privileges, before: Mapping[str, str], speech: Speech, *, is_contact: bool
) -> list[Choice]:
    """Return what somebody with the levels *own* may give, or leave as it was *before*.

    What is for contacts is left out for others, and so is what leaves nothing to choose.
    """
    found = []
    for area in Area:
        was = before.get(area.value, LEAST[area].value)
        levels = [one for one in LEVELS[area] if one.value == was or covers(own[area], one)]
        if (area in FOR_CONTACTS and not is_contact) or len(LEVELS[area]) == 1:
            continue
        words = tuple((one.value, speech.say(WORDS[one.value])) for one in levels)
        found.append(Choice(PREFIX + area.value, speech.say(AREAS[area.value]), words, was))
    return found


def given(fields: Fields) -> Mapping[str, Any]:
    """Read the privileges of a form; an area without a field keeps its least level."""
    said = {area.value: fields.one(PREFIX + area.value) for area in Area}
    return {"privileges": {area: level for area, level in said.items() if level}}


def held(privileges: Mapping[str, str], speech: Speech) -> list[tuple[str, str, bool]]:
    """Return every area in words with its level in words, and whether that is none."""
    return [
        (
            speech.say(AREAS[area.value]),
            speech.say(WORDS[privileges.get(area.value, Level.NONE.value)]),
            privileges.get(area.value, Level.NONE.value) == Level.NONE.value,
        )
        for area in Area
    ]
