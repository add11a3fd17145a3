"""Checkpoints: what the worker writes outside the database, when, and through what trouble."""

import asyncio
import fcntl
import logging
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, text

from approvals.checkpoints import Published
from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import Grant
from identity.signing import Ed25519Signatures, SigningKey
from starter.checkpoints import publishing
from store import tables as t
from store.checkpoint_file import CheckpointFile, lines_of
from store.engine import Engines
from store.heads import SqlHeads
from tests.factories import CAROLINE, MINUTE, PROCESS, TOM
from tests.stored_life import StoredLife

KEY = SigningKey.fresh()
SECOND = timedelta(seconds=1)
SHORTEN = {True: "DROP TRIGGER audit_no_delete", False: "DROP TRIGGER audit_frozen ON audit"}
Files = Callable[..., CheckpointFile]


@pytest.fixture
def changes_the_schema() -> bool:
    """One test drops triggers."""
    return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.jsonl"


@pytest.fixture
def files(engines: Engines, path: Path) -> Files:
    """Make what a worker writes with: each call is a worker of its own."""

    def made(key: SigningKey = KEY, command: tuple[str, ...] = ()) -> CheckpointFile:
        trusted = frozenset([KEY.public, key.public])
        return CheckpointFile(path, SqlHeads(engines), key, Ed25519Signatures(), trusted, command)

    return made


def published(path: Path, *keys: SigningKey) -> Published:
    """Judge the file as `gatehouse audit verify` does."""
    found = Published(Ed25519Signatures(), frozenset(one.public for one in keys or (KEY,)))
    found.add(lines_of(path))
    found.breaches += found.root_breaches()
    return found


async def heads_of(engines: Engines) -> dict[UUID, tuple[int, str]]:
    return await SqlHeads(engines).all()


async def test_the_first_checkpoint_covers_all_chains(
    life: StoredLife, files: Files, path: Path
) -> None:
    await life.submitted()
    await life.hears(b"nonsense", process=uuid4())

    made = await files().publish()

    assert made is not None
    assert (made.statement.number, made.statement.chains) == (1, 2)
    found = published(path)
    assert found.breaches == []
    assert found.heads == await heads_of(life.engines)
    assert os.stat(path).st_mode & 0o777 == 0o600


async def test_a_minute_passes_between_two_checkpoints(
    life: StoredLife, files: Files, path: Path
) -> None:
    file = files()
    await life.submitted()
    await file.publish()
    await life.granted()

    life.waits(59 * SECOND)
    early = await file.publish()
    life.waits(SECOND)
    due = await file.publish()

    assert early is None
    assert due is not None
    assert [one.process for one in due.heads] == [PROCESS]
    assert published(path).heads == await heads_of(life.engines)


async def test_a_thousand_entries_do_not_wait_for_the_minute(
    life: StoredLife, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.checkpoint_file.ENTRIES", 2)
    file = files()
    await life.submitted()
    await file.publish()
    life.waits(SECOND)
    await life.says(TOM, Grant(no_end=True))

    one_entry = await file.publish()
    life.waits(SECOND)
    await life.hears(b"nonsense")
    two_entries = await file.publish()

    assert one_entry is None
    assert two_entries is not None


async def test_nothing_is_written_where_nothing_changed(
    life: StoredLife, files: Files, path: Path
) -> None:
    file = files()
    await life.submitted()
    await file.publish()

    life.waits(2 * MINUTE)

    assert await file.publish() is None
    assert len(lines_of(path)) == 1


async def test_another_worker_goes_on_where_the_first_one_ended(
    life: StoredLife, files: Files, path: Path
) -> None:
    first, second = files(), files()
    await life.submitted()
    await first.publish()
    await life.granted()
    await second.publish(at_once=True)
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))
    await first.publish(at_once=True)

    found = published(path)

    assert found.breaches == []
    assert found.last is not None
    assert found.last.number == 3
    assert found.heads == await heads_of(life.engines)


async def test_of_two_workers_at_once_one_writes(
    life: StoredLife, files: Files, path: Path
) -> None:
    await life.submitted()
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        held_off = await files().publish()
    free = await files().publish()

    assert held_off is None
    assert free is not None


async def test_a_line_that_a_crash_left_half_is_cut_off(
    life: StoredLife, files: Files, path: Path
) -> None:
    await life.submitted()
    await files().publish()
    with path.open("a") as file:
        file.write('{"statement": {"lab')
    await life.granted()

    await files().publish(at_once=True)

    assert published(path).breaches == []
    assert len(lines_of(path)) == 2


async def test_a_new_key_goes_on_and_both_must_be_known(
    life: StoredLife, files: Files, path: Path
) -> None:
    newer = SigningKey.fresh()
    await life.submitted()
    await files().publish()
    await life.granted()
    await files(newer).publish(at_once=True)

    assert published(path, KEY, newer).breaches == []
    assert published(path, newer).breaches == [
        "checkpoint 1: it is signed with a key that is not ours."
    ]


def keeping(place: Path, *, fails_while: Path | None = None) -> tuple[str, ...]:
    """Return a command that keeps what it gets, and fails while a file is there."""
    code = (
        "import pathlib, sys; said = sys.stdin.read();"
        f" sys.exit(1) if pathlib.Path({str(fails_while)!r}).exists() else None;"
        f" place = pathlib.Path({str(place)!r}).open('a'); place.write(said); place.close()"
    )
    return sys.executable, "-c", code


async def test_the_command_gets_every_line_once_and_after_trouble_too(
    life: StoredLife, files: Files, path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept, trouble = tmp_path / "kept", tmp_path / "trouble"
    file = files(command=keeping(kept, fails_while=trouble))
    trouble.touch()
    await life.submitted()
    await file.publish()
    was_kept = kept.exists()
    trouble.unlink()
    await life.granted()

    await file.publish(at_once=True)
    await file.publish(at_once=True)

    assert not was_kept
    assert "the checkpoint command failed (1)" in caplog.text
    assert lines_of(kept) == lines_of(path)
    assert len(lines_of(kept)) == 2


async def test_a_command_that_is_not_there_does_not_keep_checkpoints_from_the_file(
    life: StoredLife, files: Files, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await life.submitted()

    made = await files(command=("/no/such/program",)).publish()

    assert made is not None
    assert "the checkpoint command cannot be run" in caplog.text


async def test_a_chain_that_ends_earlier_than_before_is_told_to_the_operator(
    life: StoredLife, files: Files, engines: Engines, caplog: pytest.LogCaptureFixture
) -> None:
    await life.granted()
    await files().publish()
    async with engines.write.begin() as connection:
        await connection.execute(text(SHORTEN[engines.is_sqlite]))
        last = (t.audit.c.process_id == PROCESS) & (t.audit.c.seq == 2)
        await connection.execute(delete(t.audit).where(last))

    await files().publish(at_once=True)

    assert f"the record of {PROCESS} ended at entry 2 and ends at 1 now" in caplog.text


async def test_the_round_of_a_worker_survives_a_file_that_cannot_be_written(
    life: StoredLife, files: Files, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await life.submitted()
    os.mkdir(path)
    with caplog.at_level(logging.ERROR):
        async with publishing(files(), every=0.02):
            await until(lambda: "no checkpoint could be written: IsADirectoryError" in caplog.text)
            os.rmdir(path)
            await until(lambda: path.exists() and len(lines_of(path)) == 1)

    assert published(path).breaches == []


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # what is waited for happens elsewhere
            await asyncio.sleep(0.01)
