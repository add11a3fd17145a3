"""The attacks on the record: whoever holds the database, and rewrites all of it, is found out."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.audit import GENESIS, AuditEntry, text_hash
from config.settings import load
from identity.signing import SigningKey
from starter import checkpoints
from starter.audit import app
from store import access_tables as a
from store import tables as t
from store.engine import Engines, connect
from store.trail import entries_of
from tests.every_kind import EveryKind
from tests.factories import CAROLINE, LYDIA
from tests.installation import CarriedClock
from tests.starter.terminal import run, with_database

TABLES = (t.access_grant, t.session, t.involvement, t.outbox, t.command, t.refusal, t.audit)


class Recorded(NamedTuple):
    """The folder of an installation, and its processes by name."""

    home: Path
    named: dict[str, UUID]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Recorded:
    """An installation in which everything happened; a backup of before the last grant ended."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(sqlite_template, home / "gatehouse.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEHOUSE_HOME", str(home))
        named = asyncio.run(_lived(home))
    return Recorded(home, named)


async def _lived(home: Path) -> dict[str, UUID]:
    clock = CarriedClock()
    engines = connect(URL.create("sqlite+aiosqlite", database=str(home / "gatehouse.db")), clock)
    life = EveryKind(engines, clock)
    file = checkpoints.writer(load(), engines)
    await life.signs_in()
    await file.publish(at_once=True)
    await _copied(engines, home / "backup.db")
    await life.asks_for_tenants()
    await file.publish(at_once=True)
    await life.pairs()
    await file.publish(at_once=True)
    await engines.close()
    return life.named


async def _copied(engines: Engines, to: Path) -> None:
    async with engines.read.connect() as connection:
        await connection.commit()
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute("PRAGMA query_only=OFF")
        await driver.execute(f"VACUUM INTO '{to}'")
        await driver.execute("PRAGMA query_only=ON")


@pytest.fixture
def recorded(whole: Recorded, gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A copy of it, for an attacker."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    shutil.copytree(whole.home, gatehouse_home, dirs_exist_ok=True)
    return Recorded(gatehouse_home, whole.named)


Attack = Callable[[AsyncConnection, UUID], Awaitable[None]]


async def flip(connection: AsyncConnection, process: UUID) -> None:
    """Change who decided, in place."""
    mine = (t.audit.c.process_id == process) & (t.audit.c.seq == 2)
    await connection.execute(update(t.audit).where(mine).values(actor_id=LYDIA.id))


async def delete_in_the_middle(connection: AsyncConnection, process: UUID) -> None:
    """Take one entry out, and close the ranks: numbers, versions and hashes anew."""
    entries = await entries_of(connection, process)
    await _rewritten(connection, process, [entries[0], *entries[2:]])


async def swap(connection: AsyncConnection, process: UUID) -> None:
    """Let two entries change places, with hashes anew."""
    first, second, *others = await entries_of(connection, process)
    await _rewritten(connection, process, [second, first, *others])


async def cut_the_end(connection: AsyncConnection, process: UUID) -> None:
    """Take the last entries away, and the row back to where the others leave it."""
    entries = await entries_of(connection, process)
    await _rewritten(connection, process, entries[:1])


async def write_anew(connection: AsyncConnection, process: UUID) -> None:
    """Have somebody else decide, everywhere: row, grant, and a whole chain with new hashes."""
    entries = await entries_of(connection, process)
    forged = [
        one.model_copy(update={"actor": CAROLINE.id}) if one.event in ("granted", "denied") else one
        for one in entries
    ]
    await _rewritten(connection, process, forged)


async def remove_whole(connection: AsyncConnection, process: UUID) -> None:
    """Remove a process with all that was ever written of it."""
    for table in (a.pairing_pass, a.clone, a.membership, *TABLES):
        await connection.execute(delete(table).where(table.c.process_id == process))
    await connection.execute(delete(t.process).where(t.process.c.id == process))


async def _rewritten(
    connection: AsyncConnection, process: UUID, entries: Sequence[AuditEntry]
) -> None:
    """Write a chain that verifies in itself, and the row's version and digest to fit its end."""
    row = (await connection.execute(select(t.process).where(t.process.c.id == process))).one()
    await connection.execute(delete(t.audit).where(t.audit.c.process_id == process))
    previous, version = GENESIS, 0
    chain: list[AuditEntry] = []
    for seq, one in enumerate(entries, 1):
        version += one.version is not None
        place = {"seq": seq, "version": version if one.version else None, "previous": previous}
        if seq == len(entries) or not any(later.version for later in entries[seq:]):
            place["state"] = text_hash(row.state) if one.version else one.state
        chain.append(one.model_copy(update=place).sealed())
        previous = chain[-1].hash
    columns = {"process": "process_id", "actor": "actor_id", "key": "key_id"}
    rows = [{columns.get(name, name): value for name, value in dict(one).items()} for one in chain]
    await connection.execute(insert(t.audit), rows)
    mine = t.process.c.id == process
    await connection.execute(update(t.process).where(mine).values(version=version))


def attacked(recorded: Recorded, attack: Attack, name: str) -> None:
    """Let somebody with the database's file do something to one process."""

    async def work(engines: Engines) -> None:
        async with engines.write.begin() as connection:
            for trigger in ("audit_no_update", "audit_no_delete"):
                await connection.execute(text(f"DROP TRIGGER {trigger}"))
            await attack(connection, recorded.named[name])

    with_database(recorded.home, work)


def verified(*words: str) -> tuple[int, list[dict[str, str]]]:
    """Verify everything; return how it ended, and what is wrong with chains and checkpoints."""
    end = run(app, "verify", *words, "--json")
    found: list[dict[str, str]] = json.loads(end.out)["breaches"]
    return end.code, found


ATTACKS: list[tuple[Attack, str]] = [
    (flip, "its content was changed"),
    (delete_in_the_middle, "its end was cut, or an old backup restored"),
    (swap, "the chain was written anew"),
    (cut_the_end, "its end was cut, or an old backup restored"),
    (write_anew, "the chain was written anew"),
    (remove_whole, "saw its chain, and it is gone"),
]


def test_an_installation_whose_checkpoints_are_published_verifies(recorded: Recorded) -> None:
    code, found = verified()

    assert found == []
    assert code in (0, 1)  # its mails wait, which is told elsewhere


@pytest.mark.parametrize(("attack", "sentence"), ATTACKS, ids=[one.__name__ for one, _ in ATTACKS])
@pytest.mark.parametrize("name", ["granted", "denied"])
def test_an_attack_on_a_chain_is_found(
    recorded: Recorded, attack: Attack, sentence: str, name: str
) -> None:
    attacked(recorded, attack, name)

    code, found = verified()
    one = run(app, "verify", str(recorded.named[name]))

    assert code == 1
    assert {breach["process"] for breach in found} == {str(recorded.named[name])}
    assert any(sentence in breach["breach"] for breach in found), found
    assert one.code == 1
    assert sentence in one.out


def test_a_restored_backup_is_found(recorded: Recorded) -> None:
    shutil.copy(recorded.home / "backup.db", recorded.home / "gatehouse.db")

    code, found = verified()

    gone = {breach["process"] for breach in found}
    assert code == 1
    assert {str(recorded.named[name]) for name in ("granted", "paired")} <= gone


@pytest.mark.parametrize(
    ("attack", "is_seen"), [(write_anew, False), (remove_whole, False), (flip, True)]
)
def test_without_checkpoints_a_good_forgery_of_a_chain_would_not_show(
    recorded: Recorded, attack: Attack, is_seen: bool
) -> None:
    attacked(recorded, attack, "denied")
    load().checkpoints.unlink()

    _, found = verified()

    assert bool(found) == is_seen


def test_a_copy_of_the_checkpoints_convicts_whoever_rewrites_those_here_too(
    recorded: Recorded, tmp_path: Path
) -> None:
    copy = shutil.copy(load().checkpoints, tmp_path / "copy.jsonl")
    keys = shutil.copy(load().keys / "checkpoint.pub", tmp_path / "checkpoint.pub")
    attacked(recorded, write_anew, "granted")
    _publish_anew(recorded)

    here, _ = verified()
    with_copy = verified("--checkpoints", str(copy), "--trust", str(keys))

    assert "written anew" not in run(app, "verify").out
    assert here == 1  # the decision's signature is another's
    assert with_copy[0] == 1
    assert any("written anew" in one["breach"] for one in with_copy[1])


def _publish_anew(recorded: Recorded) -> None:
    load().checkpoints.unlink()

    async def work(engines: Engines) -> None:
        await checkpoints.writer(load(), engines).publish(at_once=True)

    with_database(recorded.home, work)


def test_checkpoints_by_another_key_are_not_believed(recorded: Recorded, tmp_path: Path) -> None:
    strange = tmp_path / "strange.pub"
    strange.write_text(SigningKey.fresh().public)

    code, found = verified("--trust", str(strange))

    assert code == 1
    assert {one["process"] for one in found} == {"checkpoints"}
    assert all("a key that is not ours" in one["breach"] for one in found)


@pytest.mark.parametrize("option", ["--checkpoints", "--trust"])
def test_a_file_that_is_not_there_is_a_usage_error(recorded: Recorded, option: str) -> None:
    end = run(app, "verify", option, "/no/such/file")

    assert (end.code, end.out) == (2, "")
    assert "/no/such/file" in end.err


def changed(pack: Any, path: str, value: Any) -> None:
    """Set one value of a document, by its path."""
    *steps, last = [int(one) if one.lstrip("-").isdigit() else one for one in path.split(".")]
    for step in steps:
        pack = pack[step]
    pack[last] = value


@pytest.fixture
def proof(recorded: Recorded, tmp_path: Path) -> Path:
    """A proof of the granted request, on a machine without the database."""
    file = tmp_path / "proof.json"
    end = run(app, "export", str(recorded.named["granted"]), "--output", str(file))
    assert end.code == 0, end.err
    shutil.copy(load().keys / "checkpoint.pub", tmp_path / "checkpoint.pub")
    shutil.rmtree(recorded.home)
    recorded.home.mkdir()
    return file


def test_a_proof_holds_on_another_machine(proof: Path, tmp_path: Path) -> None:
    end = run(app, "verify", str(proof), "--trust", str(tmp_path / "checkpoint.pub"), "--json")

    said = json.loads(end.out)
    assert (end.code, said["breaches"]) == (0, [])
    assert said["entries"] == 4
    assert oct(proof.stat().st_mode & 0o777) == "0o600"


def test_a_proof_is_not_believed_where_no_key_of_checkpoints_is_known(proof: Path) -> None:
    end = run(app, "verify", str(proof))

    assert end.code == 1
    assert "note: no key of checkpoints is known here. Get checkpoint.pub" in end.out


FORGERIES: dict[str, tuple[str, Any, str]] = {
    "reason": ("entries.0.reason", "forged", "its content was changed"),
    "actor": ("entries.1.actor", str(LYDIA.id), "its command is by somebody else"),
    "time": ("entries.1.at", "2026-01-01T00:00:00Z", "not fresh when it was taken"),
    "signature": ("commands.1.signature", "A" * 86, "the signature under its command"),
    "command": ("commands.1.body", "{}", "the signed command that it records is missing"),
    "key": ("keys.0.key.public_key", SigningKey.fresh().public, "did not hold it"),
    "key's person": ("keys.0.key.person", str(LYDIA.id), "did not enrol it for person"),
    "key's end": ("keys.0.key.expires_at", "2020-01-01T00:00:00Z", "not in force then"),
    "root": ("checkpoint.statement.root", "0" * 64, "does not cover this chain's end"),
    "path": ("checkpoint.proof.path", [], "does not cover this chain's end"),
    "head": ("checkpoint.head.hash", "0" * 64, "which is missing or another one here"),
    "statement": ("checkpoint.statement.number", 9, "its signature does not hold"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_proof_is_found(proof: Path, tmp_path: Path, forgery: str) -> None:
    path, value, sentence = FORGERIES[forgery]
    pack = json.loads(proof.read_text())
    changed(pack, path, value)
    proof.write_text(json.dumps(pack))

    end = run(app, "verify", str(proof), "--trust", str(tmp_path / "checkpoint.pub"))

    assert end.code == 1
    assert sentence in end.out
    assert end.err.endswith("The proof does not hold.")


def emptied(pack: Any) -> None:
    """Take the checkpoint out."""
    pack["checkpoint"] = None


def unenrolled(pack: Any) -> None:
    """Take a key's enrolment out, as if nobody had to show one."""
    pack["keys"][0] |= {"enrolment": [], "commands": []}


def uncovered(pack: Any) -> None:
    """Leave out that a checkpoint has seen a key's enrolment."""
    pack["keys"][0]["place"] = None


def continued(pack: Any) -> None:
    """Let the chain go on after what the checkpoint saw."""
    last = AuditEntry.model_validate(pack["entries"][-1])
    more = {"seq": last.seq + 1, "version": None, "command": None, "previous": last.hash}
    pack["entries"].append(last.model_copy(update=more).sealed().model_dump(mode="json"))


def enrolled_anew(pack: Any) -> None:
    """Give a key another public half, with all signatures and the sign-in's chain made to fit."""
    key, mine = SigningKey.fresh(), pack["keys"][0]
    mine["key"]["public_key"] = key.public
    for one in (*mine["commands"], *pack["commands"]):
        if json.loads(one["body"])["key_id"] == mine["key"]["id"]:
            one["signature"] = key.signature(one["body"].encode())
    previous = GENESIS
    for number, one in enumerate(mine["enrolment"]):
        anew = {"client": "forged", "previous": previous, "reason": "anew"}
        entry = AuditEntry.model_validate(one).model_copy(update=anew).sealed()
        mine["enrolment"][number], previous = entry.model_dump(mode="json"), entry.hash


UNSHOWN: list[tuple[Callable[[Any], None], str]] = [
    (emptied, "the proof holds no checkpoint: nothing shows that any of it comes from an"),
    (unenrolled, "the proof does not hold its enrolment: nothing shows whose it is."),
    (uncovered, ": it does not cover this chain's end"),
    (continued, "it saw the entries up to 4, and 1 more follow."),
    (enrolled_anew, "which is missing or another one here"),
]


@pytest.mark.parametrize(("forgery", "sentence"), UNSHOWN, ids=[one.__name__ for one, _ in UNSHOWN])
def test_what_no_checkpoint_has_seen_is_not_believed(
    proof: Path, tmp_path: Path, forgery: Callable[[Any], None], sentence: str
) -> None:
    pack = json.loads(proof.read_text())
    forgery(pack)
    proof.write_text(json.dumps(pack))

    end = run(app, "verify", str(proof), "--trust", str(tmp_path / "checkpoint.pub"))

    assert end.code == 1
    assert sentence in end.out


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_proof_that_leaves_entries_out_is_found(proof: Path, tmp_path: Path, kept: int) -> None:
    pack = json.loads(proof.read_text())
    pack["entries"] = pack["entries"][:kept]
    proof.write_text(json.dumps(pack))

    end = run(app, "verify", str(proof), "--trust", str(tmp_path / "checkpoint.pub"))

    assert end.code == 1
    assert "which is missing or another one here" in end.out


def test_a_proof_by_another_checkpoint_key_is_not_believed(proof: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.pub"
    strange.write_text(SigningKey.fresh().public)

    end = run(app, "verify", str(proof), "--trust", str(strange))

    assert end.code == 1
    assert "it is signed with a key that you do not trust." in end.out


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]", b'{"process": 3}'])
def test_what_is_no_proof_is_a_usage_error(
    gatehouse_home: Path, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "proof.json"
    file.write_bytes(content)

    end = run(app, "verify", str(file))

    assert (end.code, end.out) == (2, "")
    assert "is not a proof that `audit export` wrote." in end.err


def test_what_no_checkpoint_covers_yet_gets_one_before_its_proof_is_written(
    recorded: Recorded, tmp_path: Path
) -> None:
    load().checkpoints.unlink()
    file = tmp_path / "proof.json"

    made = run(app, "export", str(recorded.named["granted"]), "--output", str(file))
    end = run(app, "verify", str(file))

    assert (made.code, end.code) == (0, 0), end.out
    assert len(load().checkpoints.read_text().splitlines()) == 1


def test_where_no_checkpoint_can_be_made_a_proof_has_to_wait(
    recorded: Recorded, tmp_path: Path
) -> None:
    load().checkpoints.unlink()
    (load().keys / "checkpoint.key").unlink()
    file = tmp_path / "proof.json"

    end = run(app, "export", str(recorded.named["granted"]), "--output", str(file))

    assert (end.code, file.exists()) == (3, False)
    assert "do not cover all of this process yet" in end.err
    assert not (load().keys / "checkpoint.key").exists()
