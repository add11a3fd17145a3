"""The glossary has every status, command, refusal code, notice and gate reason, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from approvals.access import Reason
from approvals.commands import ALSO
from approvals.errors import ApprovalError
from approvals.kind import Kind
from approvals.people import Role
from approvals.rules import KINDS

ROOT = Path(__file__).parents[1]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TITLES = {
    "tenant_access": "Tenant access",
    "sign_in": "Sign-in",
    "customer_access": "Customer access",
    "pairing": "Pairing",
    "onboarding": "Onboarding",
    "site_access": "Site access",
    "contacts": "Contacts",
}
STATUS, COMMAND, WHO, NEXT, EVENT = range(5)  # columns of a table of states


def section(title: str) -> str:
    """Return the text below a heading."""
    _, found, rest = GLOSSARY.partition(f"\n## {title}\n")
    assert found, f"the glossary has no section '{title}'"
    return rest.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the first table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def marked(cells: list[str]) -> set[str]:
    """Return the words that cells mark as code."""
    return {word for cell in cells for word in re.findall(r"`([a-z_]+)`", cell)}


def subclasses(of: type[ApprovalError]) -> Iterator[type[ApprovalError]]:
    """Return the product's refusals, those of the command line and of tests left out."""
    for one in of.__subclasses__():
        if one.__module__.startswith("approvals."):
            yield one
        yield from subclasses(one)


def kinds() -> list[Kind]:
    """Return every kind of process."""
    return list(KINDS.values())


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_each_status_of_a_process_stands_in_its_table(kind: Kind) -> None:
    table = rows(section(f"{TITLES[kind.name]}: states and commands"))
    said = " ".join(f"{row[STATUS]} {row[NEXT]}" for row in table)

    statuses = {str(one) for one in kind.state.model_fields["status"].annotation}

    assert {one for one in statuses if not re.search(rf"\b{one}\b", said)} == set()


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_each_command_of_a_process_has_a_row_and_no_row_names_another(kind: Kind) -> None:
    table = rows(section(f"{TITLES[kind.name]}: states and commands"))
    named = {word for row in table for word in re.findall(r"(?:^|; )`(\w+)`", row[COMMAND])}

    assert named == set(kind.commands)
    assert kind.name != "tenant_access" or set(ALSO) <= marked([row[COMMAND] for row in table])


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_each_row_names_an_event_that_is_listed_for_its_process(kind: Kind) -> None:
    listed = {word for row in rows(section("Events")) for word in re.split(r", |: ", row[1])}
    table = rows(section(f"{TITLES[kind.name]}: states and commands"))

    named = {word for row in table for word in re.findall(r"\b[a-z]+(?:_[a-z]+)*", row[EVENT])}

    assert named - listed == set()
    assert f"`{kind.name}`" in GLOSSARY


def test_the_glossary_has_every_refusal_code_and_no_other() -> None:
    listed = marked([row[0] for row in rows(section("Refusal codes"))])

    assert listed == {ApprovalError.code, *(one.code for one in subclasses(ApprovalError))}


def test_the_glossary_has_every_notice_and_no_other() -> None:
    listed = marked([row[0] for row in rows(section("Notices: who gets which mail"))])

    assert listed == {one.name for one in (ROOT / "mail" / "templates").iterdir() if one.is_dir()}


def test_the_glossary_has_every_reason_of_the_gate_and_no_other() -> None:
    listed = marked([row[0] for row in rows(section("Gate: channels and reasons"))])

    assert listed == {str(one) for one in Reason}


def test_the_glossary_has_every_role_and_no_other() -> None:
    listed = marked([row[0] for row in rows(section("Roles"))])

    assert listed == {str(one) for one in Role}
