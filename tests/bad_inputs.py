"""The rows of bad_inputs.jsonl: what people and programs send, and the rule that must answer."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("bad_inputs.jsonl")


@dataclass(frozen=True)
class Row:
    """One input of a *surface* and what to *expect*: a code, an effect, or ACCEPT_....

    The input is *value* (as JSON parses it, lone surrogates included) unless *recipe* says how
    to make it.
    """

    surface: str
    expect: str
    value: object
    recipe: str | None


def rows(surface: str) -> list[Row]:
    """Return the rows of one surface in their order in the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [
        Row(one["surface"], one["expect"], one.get("value"), one.get("recipe"))
        for one in map(json.loads, lines)
        if one["surface"] == surface
    ]


def cases(
    surface: str, recipes: Mapping[str, object], elsewhere: Collection[str] = ()
) -> list[object]:
    """Return parameters (expect, input) for all rows but those whose `expect` is in *elsewhere*.

    *recipes* gives the input of each recipe; one that it does not know is a KeyError, so that no
    row is passed over in silence.
    """
    return [
        pytest.param(
            row.expect,
            row.value if row.recipe is None else recipes[row.recipe],
            id=f"{number}-{row.expect}",
        )
        for number, row in enumerate(rows(surface), start=1)
        if row.expect not in elsewhere
    ]
