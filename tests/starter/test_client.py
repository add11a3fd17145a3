"""What a person is told when the answer to a command is late or lost: never more than is known."""

import json
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import OperationalError
from temporalio.client import Client

from approvals.delivery import Outcome
from approvals.tenant_access.commands import Withdraw
from config.settings import Settings
from identity.signing import SigningKey
from starter import profiles
from starter.client import Gatehouse, UnreachableError
from starter.console import UsageError
from starter.desk import Desk
from starter.times import now
from store.engine import Engines
from tests.starter.running import CAROLINE, FENCE, PATIENCE, Ended, Running, eventually
from tests.starter.wire import hanging_up_after, saying_nothing, silent_after

SQLITE = "sqlite+aiosqlite:///"
UNKNOWN = "No answer came in time, so the outcome is unknown."
USUAL, BRIEF = {"GATEHOUSE_ANSWER_SECONDS": "5"}, {"GATEHOUSE_ANSWER_SECONDS": "2"}
DONE = "Done: the request is granted.\n"
CREATE = ("request", "create", "--name", "Late", "--associate", f"{CAROLINE}={FENCE}")


@pytest.fixture(scope="module")
def running(stack: Running) -> Running:
    """A stack in which Tom and Elizabeth are signed in."""
    stack.run("tom", "whoami")
    stack.run("elizabeth", "whoami")
    return stack


def temporal(stack: Running) -> str:
    """Return where the stack's Temporal is."""
    said = json.loads((stack.home / "run.json").read_text(encoding="utf-8"))
    address: str = said["temporal_address"]
    return address


def grant(stack: Running, request: str, **environment: str) -> Ended:
    """Let Tom grant."""
    return stack.run("tom", "request", "grant", request, "--for", "1h", **environment)


@contextmanager
def no_commit(stack: Running, seconds: float = PATIENCE) -> Iterator[None]:
    """Hold the database's write lock, for so long or until the block ends."""
    is_over = threading.Event()
    is_held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(stack.home / "gatehouse.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            is_held.set()
            is_over.wait(seconds)
            other.execute("ROLLBACK")

    holding = threading.Thread(target=hold)
    holding.start()
    assert is_held.wait(PATIENCE)
    try:
        yield
    finally:
        is_over.set()
        holding.join()


def test_a_slow_commit_is_answered_all_the_same(running: Running) -> None:
    request = running.ask()

    with no_commit(running, seconds=2):
        granted = grant(running, request)
    with no_commit(running, seconds=2):
        sent = running.run("elizabeth", *CREATE)

    assert (granted.code, granted.out) == (0, "")
    assert granted.err.endswith(DONE)
    assert (sent.code, "sent" in sent.out) == (0, True), sent.err


def test_an_answer_that_is_lost_is_found_in_the_database(running: Running) -> None:
    request = running.ask()
    words = ("request", "grant", request, "--for", "1h")

    with hanging_up_after(2, temporal(running)) as address:
        environment = {**running.environment, **USUAL, "TEMPORAL_ADDRESS": address}
        process = running.started("tom", *words, env=environment)
        out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (0, "")
    assert err.splitlines()[1:] == [DONE.strip()]  # nothing of what Temporal's client thinks
    assert running.shown("tom", request)["status"] == "granted"


def test_a_commit_that_takes_too_long_is_unknown_and_counts_once(running: Running) -> None:
    request = running.ask()

    with no_commit(running):
        ended = grant(running, request, **BRIEF)

    assert (ended.code, ended.out) == (3, "")
    assert UNKNOWN in ended.err
    eventually(lambda: running.shown("tom", request)["status"] == "granted", "the grant")
    again = grant(running, request)
    assert again.code == 1
    assert "This request was already granted by Tom Sawyer on " in again.err
    assert running.events(request) == ["submitted", "granted", "refused.already_decided"]


def test_a_line_that_breaks_before_the_command_is_sent_changes_nothing(running: Running) -> None:
    request = running.ask()

    with hanging_up_after(1, temporal(running), delivers=False) as address:
        ended = grant(running, request, **BRIEF, TEMPORAL_ADDRESS=address)

    assert (ended.code, ended.out) == (3, "")
    assert "Nothing was changed." in ended.err
    assert running.shown("tom", request)["status"] == "pending"


def test_a_server_that_says_nothing_changes_nothing(running: Running) -> None:
    with saying_nothing() as address:
        ended = grant(running, running.ask(), **BRIEF, TEMPORAL_ADDRESS=address)

    assert (ended.code, ended.out) == (3, "")
    assert "Cannot reach Temporal" in ended.err
    assert "Nothing was changed." in ended.err


@pytest.mark.parametrize("more", [(), ("--no-wait",)], ids=["waiting", "not waiting"])
def test_what_temporal_refuses_changes_nothing(running: Running, more: tuple[str, ...]) -> None:
    request = running.ask()
    words = ("request", "grant", request, "--for", "1h", *more)

    ended = running.run("tom", *words, TEMPORAL_NAMESPACE="nowhere")

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.endswith("Nothing was changed.\n")
    assert running.shown("tom", request)["status"] == "pending"


def test_a_request_that_is_not_confirmed_says_how_to_repeat_it(running: Running) -> None:
    with no_commit(running):
        ended = running.run("elizabeth", *CREATE, **BRIEF)

    assert ended.code == 3
    assert UNKNOWN in ended.out
    batch = ended.err.partition("--batch ")[2].split()[0].rstrip(".,:;")
    again = running.run("elizabeth", *CREATE, "--batch", batch, "--json")
    assert [one["outcome"] for one in again.json] in (["already there"], ["sent"])


def test_ctrl_c_while_temporal_is_silent_ends_the_command(running: Running) -> None:
    request = running.ask()
    words = ("request", "grant", request, "--for", "1h")
    with no_commit(running), silent_after(2, temporal(running)) as (address, is_silent):
        environment = {**running.environment, "TEMPORAL_ADDRESS": address}
        process = running.started("tom", *words, env=environment)
        assert is_silent.wait(PATIENCE)

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert err.endswith("Interrupted.\n")
    assert "Traceback" not in err


def test_a_database_that_goes_after_a_command_was_sent_leaves_the_outcome_unknown(
    running: Running, tmp_path: Path
) -> None:
    request, copy = running.ask(), tmp_path / "copy.db"
    _copied(running.home / "gatehouse.db", copy)
    words = ("request", "grant", request, "--for", "1h")

    with silent_after(2, temporal(running)) as (address, is_silent):
        elsewhere = {"TEMPORAL_ADDRESS": address, "GATEHOUSE_DATABASE_URL": f"{SQLITE}{copy}"}
        environment = {**running.environment, **USUAL, **elsewhere}
        process = running.started("tom", *words, env=environment)
        assert is_silent.wait(PATIENCE)
        copy.rename(tmp_path / "away.db")
        copy.mkdir()  # nothing can be opened or made there
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert UNKNOWN in err
    assert "Nothing was changed" not in err
    eventually(lambda: running.shown("tom", request)["status"] == "granted", "the grant")


class _Away:
    """A database that cannot be read for so many looks, and then tells what was answered."""

    def __init__(self, looks: float, outcome: Outcome | None = None) -> None:
        self._looks, self._outcome = looks, outcome

    async def outcome(self, _key: UUID, _nonce: str) -> Outcome | None:
        self._looks -= 1
        if self._looks >= 0:
            raise OperationalError("select", {}, Exception("away"))
        return self._outcome


@pytest.fixture
def withdrawal() -> bytes:
    """A command to a process that nobody carries on."""
    return SigningKey.fresh().signed(
        uuid4(), Withdraw(), actor=uuid4(), key_id=uuid4(), issued_at=now(), nonce="n" * 22
    )


async def test_a_database_that_is_away_for_a_moment_is_read_again(
    client: Client, withdrawal: bytes
) -> None:
    done = Outcome(version=2, status="withdrawn", receipt="made")
    gatehouse = Gatehouse(client, _Away(3, done).outcome, seconds=PATIENCE)

    receipt = await gatehouse.submit("tenant_access", withdrawal, None)

    assert receipt == "made"


async def test_a_database_that_stays_away_leaves_the_outcome_unknown(
    client: Client, withdrawal: bytes
) -> None:
    gatehouse = Gatehouse(client, _Away(float("inf")).outcome, seconds=1)

    with pytest.raises(UnreachableError) as away:
        await gatehouse.send("tenant_access", withdrawal)

    assert str(away.value).startswith(UNKNOWN)


@pytest.mark.parametrize("may_have_sent", [False, True])
async def test_only_what_was_not_sent_is_called_unchanged(
    engines: Engines, tmp_path: Path, may_have_sent: bool
) -> None:
    desk = Desk(Settings(home=tmp_path), engines, None)
    desk.may_have_sent = may_have_sent

    with pytest.raises(Exception) as ended, desk.at_work():  # which one, is the claim
        raise OperationalError("select", {}, Exception("away"))

    assert isinstance(ended.value, UnreachableError) is may_have_sent
    assert (UNKNOWN in str(ended.value)) is may_have_sent


def test_a_profile_that_cannot_be_removed_does_not_call_an_ended_key_unchanged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (profiles.folder("work") / "signing.key").mkdir(parents=True)  # no file, so not to be removed

    with pytest.raises(UsageError, match=r"The key has ended, but the profile in .* cannot be"):
        profiles.forget("work")


def _copied(file: Path, copy: Path) -> None:
    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(copy)) as other:
        one.backup(other)
