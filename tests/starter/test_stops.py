"""How commands stop: Ctrl-C, readers who leave, closed streams, nobody to ask, nothing to reach."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.starter.running import (
    CAROLINE,
    EMAILS,
    FENCE,
    PATIENCE,
    ROOT,
    Place,
    Running,
    eventually,
)
from tests.starter.teletype import CTRL_C, CTRL_D, Teletype

LIST = ("request", "list")


@pytest.fixture(scope="module")
def signed_in(stack: Running) -> Running:
    """A stack in which Tom and Elizabeth are signed in and have something to list."""
    stack.ask()
    stack.run("tom", "whoami")
    return stack


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder in which no stack was ever up."""
    return Place(tmp_path)


def test_ctrl_c_at_the_prompt_for_a_code_ends_at_once(signed_in: Running) -> None:
    with Teletype(signed_in, "impatient", "login", "somebody@classics.example.com") as terminal:
        terminal.expect("Code from the mail: ")
        terminal.types(CTRL_C)

        assert terminal.ends() == 130
        assert terminal.seen.endswith("Interrupted.\n")
        assert "Traceback" not in terminal.seen


def test_the_end_of_input_at_the_prompt_signs_nobody_in(signed_in: Running) -> None:
    with Teletype(signed_in, "absent", "login", "somebody@classics.example.com") as terminal:
        terminal.expect("Code from the mail: ")
        terminal.types(CTRL_D)

        assert terminal.ends() == 2
        assert "No code was given, so nobody is signed in." in terminal.seen


@pytest.mark.parametrize(
    ("typed", "code", "last"),
    [
        (CTRL_C, 130, "Interrupted."),
        (CTRL_D, 2, "Not confirmed. Nothing was changed."),
        ("no\n", 2, "Not confirmed. Nothing was changed."),
    ],
)
def test_at_the_question_only_a_yes_opens_the_tenant(
    signed_in: Running, typed: str, code: int, last: str
) -> None:
    signed_in.granted()
    before = signed_in.run("caroline", "session", "list", "--json").json
    with Teletype(signed_in, "caroline", "session", "begin", FENCE) as terminal:
        terminal.expect("Open Tom Sawyer Fence Painting Co.? [y/N]: ")
        terminal.types(typed)

        assert terminal.ends() == code
        assert last in terminal.seen
    assert signed_in.run("caroline", "session", "list", "--json").json == before


def test_a_yes_at_the_question_opens_the_tenant(signed_in: Running) -> None:
    signed_in.granted()
    with Teletype(signed_in, "caroline", "session", "begin", FENCE) as terminal:
        terminal.expect("[y/N]: ")
        terminal.types("y\n")

        assert terminal.ends() == 0
        assert terminal.seen.strip().splitlines()[-1].count(".") == 2


def test_without_a_terminal_and_yes_nothing_is_opened(signed_in: Running) -> None:
    signed_in.granted()

    ended = signed_in.run("caroline", "session", "begin", FENCE, typed="y\n")

    assert (ended.code, ended.out) == (2, "")
    assert "This asks for confirmation: run it in a terminal, or give --yes." in ended.err


def test_a_file_of_requests_shows_its_progress_to_people(
    signed_in: Running, tmp_path: Path
) -> None:
    file = tmp_path / "requests.csv"
    lines = [f"Shown{number},{tmp_path},{CAROLINE},{FENCE}" for number in range(3)]
    file.write_text("\n".join(("name,message,people,tenants", *lines)), encoding="utf-8")
    with Teletype(signed_in, "elizabeth", "request", "create", "--file", str(file)) as terminal:
        terminal.expect("Sending")
        terminal.expect("3 sent")

        assert terminal.ends() == 0


def test_ctrl_c_ends_a_watch(signed_in: Running) -> None:
    request = signed_in.ask()
    with Teletype(signed_in, "tom", "request", "watch", request) as terminal:
        terminal.expect("submitted")
        terminal.types(CTRL_C)

        assert terminal.ends() == 130
        assert terminal.seen.endswith("Interrupted.\n")


@pytest.mark.parametrize(
    "words",
    [LIST, (*LIST, "--json"), ("directory", "example"), ("-h",)],
    ids=" ".join,
)
def test_a_reader_who_leaves_early_is_no_error(signed_in: Running, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = signed_in.started("elizabeth", *words, stdout=writing)
    os.close(writing)

    _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode in (0, 141)
    assert "Traceback" not in err
    assert "Exception ignored" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize(
    "words", [LIST, (*LIST, "--json"), ("directory", "example"), ("-h",)], ids=" ".join
)
def test_a_disk_that_is_full_is_told_in_a_sentence(
    signed_in: Running, words: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        process = signed_in.started("elizabeth", *words, stdout=full)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert err.splitlines()[-1] == (
        "The output could not be written: No space left on device. What the command did stays done."
    )
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("closed", "words", "code"),
    [
        ("<&-", f"login {EMAILS['lydia']}", 2),
        ("<&-", "session begin tom-sawyer", 2),
        (">&-", "whoami", 0),
        (">&- 2>&-", "request list", 0),
    ],
)
def test_closed_streams_are_an_end_and_no_crash(
    signed_in: Running, closed: str, words: str, code: int
) -> None:
    signed_in.granted()
    line = f'exec "$0" -m starter --profile caroline {words} {closed}'

    ended = subprocess.run(
        ["/bin/sh", "-c", line, sys.executable],
        cwd=ROOT,
        env=signed_in.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_nobody_signed_in_is_told_what_to_do(stack: Running) -> None:
    for words in (LIST, ("tenant", "list"), ("session", "list"), ("keys", "list"), ("logout",)):
        ended = stack.run("newcomer", *words)
        sentence = "Nobody is signed in (profile newcomer). Run: gatehouse login EMAIL\n"
        assert ended == (2, "", sentence)


def test_where_no_stack_was_up_the_missing_database_is_named(place: Place) -> None:
    for words in (LIST, ("login", "a@classics.example.com"), ("directory", "list")):
        ended = place.run("", *words)
        assert (ended.code, ended.out) == (3, "")
        assert f"There is no database at {place.home / 'gatehouse.db'}." in ended.err
        assert ended.err.endswith("Nothing was changed.\n")
    assert not (place.home / "gatehouse.db").exists()


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be read as one"])
def test_a_broken_database_is_told_in_a_sentence(
    signed_in: Running, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "broken.db"
    file.write_bytes(content)
    url = URL.create("sqlite+aiosqlite", database=str(file)).render_as_string()

    ended = signed_in.run("tom", *LIST, GATEHOUSE_DATABASE_URL=url)

    assert ended == (3, "", "Cannot read the database. Nothing was changed.\n")


def test_a_database_server_that_is_away_is_told_in_a_sentence(signed_in: Running) -> None:
    url = "postgresql+asyncpg://gatehouse@127.0.0.1:1/gatehouse"

    ended = signed_in.run("tom", *LIST, GATEHOUSE_DATABASE_URL=url)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("Cannot reach the database: ")
    assert ended.err.endswith("Nothing was changed.\n")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("GATEHOUSE_DATABASE_URL", "mysql://x/y", "GATEHOUSE_DATABASE_URL: "),
        ("GATEHOUSE_DATABASE_URL", "nonsense", "GATEHOUSE_DATABASE_URL: "),
        ("GATEHOUSE_SMTP_PORT", "many", "GATEHOUSE_SMTP_PORT: "),
        ("GATEHOUSE_PROFILE", "a/../b", "--profile takes letters, digits"),
    ],
)
def test_a_broken_setting_is_named(
    signed_in: Running, name: str, value: str, sentence: str
) -> None:
    ended = signed_in.run("", *LIST, **{name: value})

    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"{}extra"])
def test_a_broken_run_file_is_named(place: Place, content: bytes) -> None:
    (place.home / "run.json").write_bytes(content)

    ended = place.run("", *LIST)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"{place.home / 'run.json'} ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("content", ["broken = [", '[default]\nshortest_access = "soon"', "[x]"])
def test_a_broken_policy_is_named_before_anything_is_sent(
    signed_in: Running, tmp_path: Path, content: str
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(content, encoding="utf-8")
    words = ("request", "create", "--name", "One", "--associate", f"{CAROLINE}={FENCE}")

    ended = signed_in.run("elizabeth", *words, GATEHOUSE_POLICY_FILE=str(policy))

    assert (ended.code, ended.out) == (2, "")
    assert str(policy) in ended.err


def test_plain_text_to_another_machine_is_refused(signed_in: Running) -> None:
    request = signed_in.ask()
    words = ("request", "grant", request, "--for", "1h")

    ended = signed_in.run("tom", *words, TEMPORAL_ADDRESS="temporal.example:7233")

    assert (ended.code, ended.out) == (2, "")
    assert "Temporal at temporal.example:7233 is on another machine" in ended.err


def test_a_command_that_is_interrupted_while_it_waits_ends_with_130(signed_in: Running) -> None:
    request = signed_in.ask()
    process = signed_in.started("tom", "request", "watch", request)
    assert process.stdout is not None
    eventually(process.stdout.readline, "the watch has begun")

    process.send_signal(signal.SIGINT)

    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in err
