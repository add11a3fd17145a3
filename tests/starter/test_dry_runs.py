"""`--dry-run`: whatever changes something can be asked what it would do, and then does nothing."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from starter.cli import app
from tests.factories import TOM
from tests.starter.terminal import run

READS = ("list", "show", "watch", "areas", "requests", "users", "permissions", "example")
READ_TOO = {
    "access check", "audit verify", "keys passkeys", "session assertion", "whoami", "worker verify",
}  # fmt: skip
RUN = {"demo", "portal", "up"}  # until they are stopped, or over
WRITES_WHAT_IT_READ = {"audit export"}
TABLES = "SELECT count(*) FROM sqlite_master"


def commands(found: Any, *words: str) -> Iterator[tuple[str, Any]]:
    """Yield every command below a group, by its words."""
    if not hasattr(found, "commands"):
        yield " ".join(words), found
        return
    for name, one in found.commands.items():
        yield from commands(one, *words, name)


def files(home: Path) -> dict[str, bytes]:
    """Return all files of an installation."""
    return {
        str(one.relative_to(home)): one.read_bytes() for one in home.rglob("*") if one.is_file()
    }


def test_whatever_changes_something_has_a_dry_run() -> None:
    without = {
        words
        for words, one in commands(typer.main.get_command(app))
        if not any("--dry-run" in parameter.opts for parameter in one.params)
    }

    others = {one for one in without if one.split()[-1] not in READS}
    assert others == READ_TOO | RUN | WRITES_WHAT_IT_READ


@pytest.mark.parametrize(
    ("words", "out", "err"),
    [
        (
            ("login", TOM.email),
            "",
            (
                f"If {TOM.email} is known here, a code of 8 digits would be mailed to {TOM.email}."
                " The key that it proves would be kept as profile default, for 12 hours."
                " Nothing was changed."
            ),
        ),
        (
            ("login", "new@elsewhere.example", "--new", "--name", "N", "--site", "s"),
            "",
            "A code of 8 digits would be mailed to new@elsewhere.example.",
        ),
        (("keys", "rotate-payload"), "", "would encrypt now. Nothing was changed."),
        (("keys", "rotate-payload", "--after", "1h"), "", "Nothing was changed."),
        (("backup", "copy"), "gatehouse.db -> copy/gatehouse.db", "Nothing was copied."),
        (("migrate",), "", "The schema is up to date."),
    ],
)
def test_a_dry_run_says_what_would_be_and_changes_nothing(
    gatehouse_home: Path, words: tuple[str, ...], out: str, err: str
) -> None:
    before = files(gatehouse_home.parent)  # where profiles are too

    end = run(app, *words, "--dry-run")

    assert end.code == 0
    assert end.out.strip() == (out and f"{gatehouse_home}/{out}")
    assert err in end.err
    assert files(gatehouse_home.parent) == before
    assert not Path("copy").exists()


def test_a_migration_is_told_before_it_is_done(gatehouse_home: Path) -> None:
    database = gatehouse_home / "gatehouse.db"
    database.unlink()

    told = run(app, "migrate", "--dry-run")
    is_made = database.exists()
    done = run(app, "migrate")

    assert (told.code, is_made) == (0, False)
    assert told.out.splitlines()[0].startswith("0001: The directory")
    assert told.err == f"{len(told.out.splitlines())} would be applied. Nothing was changed."
    assert done.code == 0
    assert done.err == " ".join([*told.out.splitlines(), "The schema is up to date."])


@pytest.mark.parametrize("words", [("migrate",), ("migrate", "--dry-run"), ("up",)])
def test_a_database_of_a_newer_version_is_left_alone(
    gatehouse_home: Path, words: tuple[str, ...]
) -> None:
    with sqlite3.connect(gatehouse_home / "gatehouse.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("DROP TABLE serves")  # as a newer one may have it
        tables = database.execute(TABLES).fetchone()
    database.close()

    end = run(app, *words)

    database = sqlite3.connect(gatehouse_home / "gatehouse.db")
    assert (end.code, end.out) == (2, "")
    assert end.err == (
        "The database has a schema that this version does not know (9999): a newer version has"
        " migrated it. Use that one. Nothing was changed."
    )
    assert database.execute(TABLES).fetchone() == tables
    database.close()
