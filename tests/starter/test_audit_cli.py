"""`gatehouse audit`: the record as an operator reads, verifies and exports it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from approvals.audit import AuditEntry
from approvals.tenant_access.commands import Deny
from starter.audit import app
from store import tables as t
from store.engine import Engines
from tests.every_kind import SIGNED_IN, EveryKind
from tests.factories import CAROLINE, PROCESS
from tests.installation import CarriedClock
from tests.starter.terminal import run, with_database

NOBODYS = "6f1f3f5e-0000-4000-8000-00000000dead"


async def story(life: EveryKind) -> None:
    """Let people sign in; a request is sent, refused to somebody, and granted."""
    life.clock.fixed = datetime.now(UTC)  # its mails have not waited for long
    await life.signs_in()
    life.process = PROCESS
    await life.submitted()
    await life.says(CAROLINE, Deny(reason="No."))
    await life.hears(b"{}", process=PROCESS)
    await life.granted(no_end=True)


@pytest.fixture
def recorded(gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installation in which a request was granted, and no Temporal answers."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    clock = CarriedClock()
    with_database(gatehouse_home, lambda engines: story(EveryKind(engines, clock)), clock)
    return gatehouse_home


def forge(home: Path, *, cut: bool = False) -> None:
    """Change one entry behind the database's back, or cut the chain's end."""

    async def work(engines: Engines) -> None:
        table = t.audit
        mine = table.c.process_id == PROCESS
        async with engines.write.begin() as connection:
            for change in ("update", "delete"):
                await connection.execute(text(f"DROP TRIGGER audit_no_{change}"))
            if cut:
                await connection.execute(delete(table).where(mine, table.c.event == "granted"))
            else:
                first = update(table).where(mine, table.c.seq == 1)
                await connection.execute(first.values(reason="forged"))

    with_database(home, work)


def test_a_process_is_shown_with_who_did_what_and_what_was_refused(recorded: Path) -> None:
    end = run(app, "show", str(PROCESS))

    assert end.code == 0
    assert "Elizabeth Bennet <elizabeth.bennet@classics.example>" in end.out
    assert "refused." in end.out
    assert "granted" in end.out


def test_json_has_every_field_of_every_entry(recorded: Path) -> None:
    shown = json.loads(run(app, "show", str(PROCESS), "--json").out)

    assert [one["seq"] for one in shown] == list(range(1, len(shown) + 1))
    assert set(shown[0]) == set(AuditEntry.model_fields)


def test_the_installations_own_chain_has_a_name(gatehouse_home: Path) -> None:
    end = run(app, "show", "installation", "--json")

    assert (end.code, json.loads(end.out)) == (0, [])


@pytest.mark.parametrize("command", ["show", "verify", "export"])
def test_a_process_that_nobody_knows_is_refused(gatehouse_home: Path, command: str) -> None:
    end = run(app, command, NOBODYS)

    assert (end.code, end.out) == (1, "")
    assert end.err == "There is nothing here, or you may not see it."


@pytest.mark.parametrize("command", ["show", "verify", "export"])
@pytest.mark.parametrize("process", ["abc", "", "00000000-0000-0000-0000-00000000000g"])
def test_what_is_no_id_is_a_usage_error(gatehouse_home: Path, command: str, process: str) -> None:
    end = run(app, command, process)

    assert (end.code, end.out) == (2, "")
    assert end.err.startswith("PROCESS must be an id (UUID), or 'installation'.")
    assert ("Or a file that `audit export` wrote." in end.err) == (command == "verify")


def test_an_intact_record_verifies(recorded: Path) -> None:
    end = run(app, "verify")

    assert (end.code, end.err) == (0, ""), end.out
    assert f"\nchains: {1 + len(SIGNED_IN)}, entries: " in end.out
    assert end.out.endswith(", breaches: 0\n")
    assert "I3   one decision and one end: holds\n" in end.out
    assert "I9   open rows run: not checked: Temporal does not answer\n" in end.out


def test_a_changed_entry_is_named(recorded: Path) -> None:
    forge(recorded)

    end = run(app, "verify")

    assert end.code == 1
    assert f"{PROCESS} entry 1: its content was changed." in end.out
    assert end.out.endswith(", breaches: 1\n")
    assert end.err.startswith("The record was changed outside Gatehouse.")


@pytest.mark.parametrize("words", [(), (str(PROCESS),)])
def test_a_cut_end_is_found_in_one_chain_and_in_all(recorded: Path, words: tuple[str, ...]) -> None:
    forge(recorded, cut=True)

    end = run(app, "verify", *words, "--json")

    said = json.loads(end.out)
    assert end.code == 1
    assert said["chains"] == (1 if words else 1 + len(SIGNED_IN))
    assert {one["process"] for one in said["breaches"]} == {str(PROCESS)}
    assert any("the end was cut" in one["breach"] for one in said["breaches"])


def test_an_empty_record_verifies(gatehouse_home: Path) -> None:
    assert run(app, "verify").out.endswith("chains: 0, entries: 0, breaches: 0\n")
    assert run(app, "verify", "installation").out == "chains: 1, entries: 0, breaches: 0\n"


def test_a_database_that_cannot_be_read_is_unreachable(gatehouse_home: Path) -> None:
    (gatehouse_home / "gatehouse.db").write_bytes(b"")

    end = run(app, "verify")

    assert (end.code, end.out) == (3, "")
