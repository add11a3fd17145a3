"""A backup is taken while all runs, restored elsewhere, and what happened since is seen missing."""

import asyncio
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from config.settings import Settings
from starter import checkpoints
from starter.directory import example_file
from store.engine import connect
from tests.starter.running import CAROLINE, Place, Running


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Running, Path, str]:
    """A stopped stack in which Tom granted after the backup; the backup; and the request's id."""
    folder = tmp_path_factory.mktemp("backup")
    running = Running(folder / "first")
    running.start()
    try:
        imported = running.run("", "directory", "import", str(example_file()))
        assert imported.code == 0, imported.err
        request = running.ask()
        taken = running.run("", "backup", str(folder / "backup"))
        assert taken.code == 0, taken.err
        granted = running.run("tom", "request", "grant", request, "--for", "1h")
        assert granted.code == 0, granted.err
    finally:
        running.stop()
    return running, folder / "backup", request


def test_a_restored_backup_goes_on_and_the_checkpoints_show_what_is_missing(
    copied: tuple[Running, Path, str], tmp_path: Path
) -> None:
    first, backup, request = copied
    asyncio.run(published(first.home))
    newest = tmp_path / "newest.jsonl"
    shutil.copy(first.home / "checkpoints.jsonl", newest)
    second = Running(tmp_path / "second")
    shutil.rmtree(second.home)
    shutil.copytree(backup, second.home)

    second.start()
    try:
        before = second.shown("elizabeth", request)["status"]
        missing = second.run("", "audit", "verify", "--checkpoints", str(newest), "--json")
        entered = second.run("", "access", "check", CAROLINE, "tom-sawyer")
        granted = second.run("tom", "request", "grant", request, "--for", "1h")
        after = second.shown("elizabeth", request)["status"]
    finally:
        second.stop()

    assert before == "pending"
    assert entered.code == 1
    assert missing.code == 1
    assert any(one["process"] == request for one in missing.json["breaches"])
    assert (granted.code, after) == (0, "granted")


def test_a_backup_is_for_its_owner_alone(copied: tuple[Running, Path, str]) -> None:
    _, backup, request = copied
    inside = [one for one in backup.rglob("*") if one.is_file()]
    with sqlite3.connect(backup / "gatehouse.db") as database:
        (rows,) = database.execute("SELECT count(*) FROM process WHERE kind = ?", KIND).fetchone()

    assert rows == 1
    assert {one.relative_to(backup).parts[0] for one in inside} >= {"gatehouse.db", "keys"}
    assert [one for one in inside if stat.S_IMODE(one.stat().st_mode) & 0o077 and secret(one)] == []
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert request


KIND = ("tenant_access",)


def secret(file: Path) -> bool:
    return file.suffix in (".key", ".db")


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "note").write_text("mine")

    end = place.run("", "backup", str(taken))

    assert (end.code, end.out) == (2, "")
    assert end.err.strip() == f"FOLDER: {taken} is not empty. Nothing was copied."
    assert [one.name for one in taken.iterdir()] == ["note"]


def test_a_database_that_is_not_there_is_said(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")

    end = place.run("", "backup", str(tmp_path / "backup"))

    assert end.code == 2
    assert end.err.startswith("The database cannot be copied: ")


async def published(home: Path) -> None:
    """Write a checkpoint over all that is in the database now."""
    settings = Settings(home=home)
    engines = connect(settings.database)
    try:
        written = await checkpoints.writer(settings, engines).publish(at_once=True)
    finally:
        await engines.close()
    assert written is not None
