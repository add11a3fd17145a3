"""`gatehouse client`: what an operator types, sees and gets as exit codes."""

import json
import re
from pathlib import Path

import pytest

from approvals.audit import INSTALLATION, AuditEntry
from starter.cli import app
from starter.directory import EXAMPLE
from store.engine import Engines
from store.gate_clients import GateClient, client_of
from store.trail import Trail
from tests.starter.terminal import run, with_database

TOKEN = re.compile(r"agt_[A-Za-z0-9_-]{43}")


@pytest.fixture
def home(gatehouse_home: Path) -> Path:
    """The folder of an installation that holds the example directory."""
    assert run(app, "directory", "import", str(EXAMPLE)).code == 0
    return gatehouse_home


def whose(home: Path, token: str) -> GateClient | None:
    """Return the client whom a token belongs to now."""

    async def work(engines: Engines) -> GateClient | None:
        async with engines.read.connect() as connection:
            return await client_of(connection, token)

    return with_database(home, work)


def recorded(home: Path) -> list[tuple[str, str, str | None]]:
    """Return what the installation's chain says of clients, which must verify."""

    async def work(engines: Engines) -> list[AuditEntry]:
        assert [found async for _, _, found in Trail(engines).all_breaches() if found] == []
        return list(await Trail(engines).entries(INSTALLATION))

    entries = with_database(home, work)
    return [
        (one.event, one.channel, one.reason) for one in entries if one.event.startswith("client.")
    ]


def test_a_new_client_gets_a_token_that_is_shown_once(home: Path) -> None:
    end = run(app, "client", "create", "ticketing")

    token = end.out.strip()
    found = whose(home, token)
    assert end.code == 0
    assert TOKEN.fullmatch(token)
    assert end.err == "ticketing may ask with this token from now on. It is not shown again."
    assert found is not None
    assert (found.name, found.organizations, found.may_search) == ("ticketing", None, False)
    assert token not in run(app, "client", "list", "--json").out
    assert token.encode() not in (home / "gatehouse.db").read_bytes()


def test_a_client_may_be_confined_and_may_search(home: Path) -> None:
    words = ("--organization", "tom-sawyer, classics", "--search", "--json")

    made = json.loads(run(app, "client", "create", "console", *words).out)

    (listed,) = json.loads(run(app, "client", "list", "--json").out)
    assert listed["id"] == made["id"]
    assert (listed["organizations"], listed["may_search"]) == (["classics", "tom-sawyer"], True)
    assert "classics, tom-sawyer" in run(app, "client", "list").out


def test_a_revoked_client_has_no_token_and_its_name_is_free_again(home: Path) -> None:
    token = run(app, "client", "create", "ticketing").out.strip()

    end = run(app, "client", "revoke", "ticketing", "--yes")

    assert (end.code, end.err) == (0, "ticketing may not ask any more.")
    assert whose(home, token) is None
    assert run(app, "client", "create", "ticketing").out.strip() != token
    listed = json.loads(run(app, "client", "list", "--json").out)
    assert [one["revoked_at"] is None for one in listed] == [False, True]


def test_the_record_says_who_may_ask_about_what(home: Path) -> None:
    run(app, "client", "create", "a", "--organization", "classics")
    run(app, "client", "create", "b", "--search")
    run(app, "client", "revoke", "a", "--yes")

    assert recorded(home) == [
        ("client.made", "owner", "a may ask: places of classics"),
        ("client.made", "owner", "b may ask and search: every place"),
        ("client.revoked", "owner", "a"),
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("create", "Ticketing"), "NAME uses a-z, 0-9 and '-', 1 to 63 characters."),
        (("create", "there"), "There is a client 'there' already. Revoke it first."),
        (("create", "there", "--dry-run"), "There is a client 'there' already. Revoke it first."),
        (("create", "x", "--organization", "nowhere"), "There is no organization 'nowhere'."),
        (
            ("create", "x", "--organization", "nowhere", "--dry-run"),
            "There is no organization 'nowhere'.",
        ),
        (("create", "x", "--organization", "A B"), "--organization takes slugs"),
        (("revoke", "nobody", "--yes"), "There is no client 'nobody' to revoke."),
        (("revoke", "there"), "This asks for confirmation"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    home: Path, words: tuple[str, ...], sentence: str
) -> None:
    run(app, "client", "create", "there")

    end = run(app, "client", *words)

    assert (end.code, end.out) == (2, "")
    assert sentence in end.err
    assert len(recorded(home)) == 1


@pytest.mark.parametrize("words", [("create", "x", "--dry-run"), ("revoke", "x", "--dry-run")])
def test_a_dry_run_changes_nothing(home: Path, words: tuple[str, ...]) -> None:
    end = run(app, "client", *words)

    assert (end.code, end.out) == (0, "")
    assert end.err.endswith("Nothing was changed.")
    assert recorded(home) == []


def test_an_empty_list_says_so(home: Path) -> None:
    end = run(app, "client", "list")

    assert (end.code, end.out, end.err) == (0, "", "Nothing is listed.")
