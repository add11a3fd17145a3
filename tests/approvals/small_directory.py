"""A small directory file for tests, and documents that say more than it."""

import tomllib
from typing import Any

import pytest

from approvals.directory_file import DirectoryFile, parse, read
from approvals.directory_forms import DirectoryFileError, Problem

ZONES = frozenset(("UTC", "Europe/London", "America/Chicago"))
SMALL = """
[[organization]]
slug = "classics"
name = "Classics, Inc."
kind = "partner"
time_zone = "Europe/London"
serves = ["fence"]

[[organization]]
slug = "fence"
name = "Tom Sawyer Fence Painting Co."
kind = "customer"

[[organization]]
slug = "netherfield"
name = "Netherfield Systems"
kind = "vendor"

[[tenant]]
slug = "fence-1"
name = "Fences"
organization = "fence"

[[site]]
slug = "works"
name = "Works"
organization = "fence"

[[group]]
slug = "care"
name = "Customer Care"
organization = "netherfield"
members = ["JANE@example.net"]

[[person]]
email = "ann@example.com"
name = "Ann"
organization = "classics"
roles = [{ role = "tm_admin", scope = "classics" }]

[[person]]
email = "Tom@example.org"
name = "Tom"
organization = "fence"

[[person]]
email = "jane@example.net"
name = "Jane"
organization = "netherfield"
"""


def document(**tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Return SMALL's document with further entries."""
    said = tomllib.loads(SMALL)
    return {**said, **{kind: [*said.get(kind, []), *more] for kind, more in tables.items()}}


def problems(found: dict[str, Any]) -> tuple[Problem, ...]:
    """Return what is wrong with a document."""
    with pytest.raises(DirectoryFileError) as refusal:
        parse(found, ZONES)

    return refusal.value.problems


def person(**said: Any) -> dict[str, Any]:
    """Return one more person of Classics, with other facts."""
    return {"email": "eve@example.com", "name": "Eve", "organization": "classics", **said}


def holding(*roles: dict[str, Any], organization: str = "classics") -> dict[str, Any]:
    """Return SMALL's document with one more person who holds roles."""
    return document(person=[person(organization=organization, roles=list(roles))])


def tenant(**said: Any) -> dict[str, Any]:
    """Return one more tenant of the customer, with other facts."""
    return {"slug": "fence-2", "name": "More fences", "organization": "fence", **said}


def small() -> DirectoryFile:
    """Return what SMALL says."""
    return read(SMALL, ZONES)
