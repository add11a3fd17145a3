"""The help: what each command does in a full sentence, and the program's commands by purpose."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from starter.cli import app
from starter.front_page import REST, SECTIONS
from tests.starter.running import Place

ROOT: Any = typer.main.get_group(app)  # the finished group, with its commands by name


def groups(found: Any = ROOT, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every group of commands."""
    if hasattr(found, "commands"):
        yield words
        for name, one in found.commands.items():
            yield from groups(one, *words, name)


@pytest.mark.parametrize("words", list(groups()), ids=lambda words: "-".join(words) or "gatehouse")
def test_every_command_of_a_group_is_told_in_a_whole_sentence(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    ended = Place(tmp_path).run("", *words, "--help", COLUMNS="80")

    listed = ended.out.partition("Options:")[2]
    assert (ended.code, ended.err) == (0, "")
    assert "..." not in listed
    assert all(len(line) <= 80 for line in listed.splitlines())
    for name in found(words).commands:
        if not found(words).commands[name].hidden:
            assert re.search(rf"^  {name}  +\S", listed, re.MULTILINE), name


def test_the_front_page_has_every_command_once_and_its_sections_name_no_other(
    tmp_path: Path,
) -> None:
    said = Place(tmp_path).run("", "--help", COLUMNS="80").out

    titles = [one for one in re.findall(r"^(\S.*):$", said, re.MULTILINE) if one != "Options"]
    names = {name for section in SECTIONS.values() for name in section}
    assert titles == [*SECTIONS, REST]
    assert names <= set(ROOT.commands)
    for name in ROOT.commands:
        assert len(re.findall(rf"^  {name}  +\S", said, re.MULTILINE)) == 1, name
    assert "gatehouse demo" in said


def found(words: tuple[str, ...]) -> Any:
    """Return the group that these words lead to."""
    at = ROOT
    for word in words:
        at = at.commands[word]
    return at
