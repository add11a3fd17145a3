"""Every event that a record can hold has a word on the pages, in each of their languages."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from portal import sentences
from portal.languages import LANGUAGES, speech_of
from portal.vocabulary import EVENTS

ROOT = Path(__file__).parents[2]
FOLDERS = ("approvals", "activities", "store")
# What writes an event into a record, and which of its arguments the event is.
WRITERS = {
    "transition": 1,
    "_transition": 1,
    "_told": 1,
    "chain.entry": 1,
    "_record": 1,
    "row.note": 0,
}
SAMPLES = {
    "submitted", "expired", "review_escalated", "roles_removed", "admin_ensured", "wrong_code",
    "change_breach", "late_customer_left", "directory.imported", "client.made",
}  # fmt: skip


@cache
def recorded() -> frozenset[str]:
    """Return every event that is written anywhere, as the source says it."""
    found: set[str] = set()
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            found.update(_events_of(tree, file))
    return frozenset(found)


def _events_of(tree: ast.Module, file: Path) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            handed_on = {"transition.event", *(one.arg for one in function.args.args)}
            for said in _said_in(function):
                if isinstance(said, ast.JoinedStr) or ast.unparse(said) in handed_on:
                    continue  # "refused." and a code has a word of its own; a wrapper says nothing
                words = list(_words(said, function, tree))
                assert words, f"{file}:{said.lineno} says an event that this test cannot read"
                yield from words


def _said_in(function: ast.AST) -> Iterator[ast.expr]:
    """Yield what is given as the event to whatever writes one."""
    for one in ast.walk(function):
        if isinstance(one, ast.Call):
            place = WRITERS.get(ast.unparse(one.func))
            if place is not None and len(one.args) > place:
                yield one.args[place]


def _words(said: ast.expr, *where: ast.AST) -> Iterator[str]:
    """Yield the texts that an expression may be: itself, either side of a choice, or by name."""
    match said:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _words(one, *where)
            yield from _words(other, *where)
        case ast.Name(id=name):
            for assigned in _assigned(name, *where):
                yield from _words(assigned)
        case ast.Attribute(value=ast.Name(id="Status"), attr=status):
            yield status.lower()
        case ast.Attribute(value=one, attr="value"):
            yield from _words(one, *where)


def _assigned(name: str, *where: ast.AST) -> Iterator[ast.expr]:
    for place in where:
        for one in ast.walk(place):
            if isinstance(one, ast.Assign):
                pairs = [(target, one.value) for target in one.targets]
                for target, value in pairs:
                    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                        pairs += zip(target.elts, value.elts, strict=True)
                yield from (
                    value
                    for target, value in pairs
                    if isinstance(target, ast.Name) and target.id == name
                )


def test_the_source_says_which_events_there_are() -> None:
    assert recorded() >= SAMPLES


def test_every_event_has_a_word_and_no_word_is_of_an_event_that_is_never_written() -> None:
    of_mails = {one for one in EVENTS if one.startswith("mail.")}

    assert recorded() - set(EVENTS) == set()
    assert set(EVENTS) - of_mails - recorded() == set()


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_event_is_said_in_the_readers_language(language: str) -> None:
    speech, english = speech_of(language, "UTC"), speech_of("en", "UTC")
    events = [*recorded(), "refused.stale"]

    same = {one for one in events if sentences.event(one, speech) == one.replace("_", " ")}

    assert same == set()
    assert sum(sentences.event(one, speech) == sentences.event(one, english) for one in events) < 3
