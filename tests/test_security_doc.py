"""The page on security has a row for every threat, and names tests that are really there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from starter.invariants import CHECKS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS = 44
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = {
    found[1]: [cell.strip() for cell in found[0].strip("|\n").split(" | ")]
    for found in re.finditer(r"^\| (T\d+) \| .*$", TEXT, re.MULTILINE)
}


@cache
def defined_in(file: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assigned = {
        target.id
        for one in tree.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    return frozenset(one for one in functions | assigned if re.match(r"test_|Test[A-Z]", one))


def test_there_is_one_row_for_every_threat_in_order() -> None:
    listed = re.findall(r"^\| T(\d+) \|", TEXT, re.MULTILINE)

    assert [int(one) for one in listed] == list(range(1, THREATS + 1))


@pytest.mark.parametrize("threat", [f"T{one}" for one in range(1, THREATS + 1)])
def test_a_row_says_what_is_done_and_names_tests_that_exist(threat: str) -> None:
    number, what, done, proof = ROWS[threat]
    named = NAMED.findall(proof)
    missing = [f"{file}::{test}" for file, test in named if test not in defined_in(file)]

    assert number == threat
    assert len(what) > 10
    assert len(done) > 10
    assert named or proof.startswith("no test: ")
    assert proof.count("::") == len(named)
    assert missing == []


def test_every_page_that_is_linked_is_there() -> None:
    linked = re.findall(r"\]\(([\w./-]+\.md)\)", TEXT)

    assert linked != []
    assert [one for one in linked if not (ROOT / "docs" / one).is_file()] == []


def test_what_must_always_hold_has_a_row_for_every_check_and_says_how() -> None:
    rows = re.findall(r"^\| I(\d+) \| (.+) \| (.+) \|$", TEXT, re.MULTILINE)

    assert [int(number) for number, _, _ in rows] == [number for number, _, _ in CHECKS]
    assert all(len(what) > 10 and len(how) > 10 for _, what, how in rows)
