"""The rows of bad_inputs.jsonl for the command line: exit code, one sentence, nothing on stdout."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bad_inputs import Row, rows
from tests.starter.running import (
    CAROLINE,
    CHARLOTTE,
    FENCE,
    GALLERY,
    PATIENCE,
    ROOT,
    Ended,
    Running,
)
from tests.starter.wire import hanging_up_after, with_expired_certificate

ONE, OTHER = "8dcf07ca-69b4-5c22-b60a-2e0f4e3b7a51", "2f3a2a5e-90f9-5d0a-8f3f-6f0a51f1f5d0"
AN_ID = "Invalid value for 'REQUEST': it must be an id, such as"
SECRETS = "Secrets are not taken as arguments. Use a file, an environment variable that names one,"
NO_SUCH = "No such option: "
NOTHING_HERE = "There is nothing here, or you may not see it."


class Words(NamedTuple):
    """Today's words for what a row says, and what must stand in the sentence.

    The rows are older than the commands: `--request ID` became an argument, `--state` is
    `--status`. What has no such option at all (--config, --output, --role, --server, --tenant)
    must be refused as an option that does not exist, or is asked where it is said today.
    """

    line: str
    sentence: str


USAGE = {
    "grant": Words("request grant", "Missing argument 'REQUEST'."),
    "grant --request ''": Words("request grant ''", AN_ID),
    "grant --request abc": Words("request grant abc", AN_ID),
    "grant --request 00000000-0000-0000-0000-00000000000g": Words(
        "request grant 00000000-0000-0000-0000-00000000000g", AN_ID
    ),
    "grant --request a --request b": Words(
        f"request grant {ONE} {OTHER}", f"Got unexpected extra argument(s) ({OTHER})"
    ),
    "grnt <id>": Words(f"request grnt {ONE}", "No such command 'grnt'. Did you mean 'grant'?"),
    "deny <id> --reason ''": Words(f"request deny {ONE} --reason ''", "--reason: Give a reason"),
    "deny <id> --reason-file /nonexistent": Words(
        f"request deny {ONE} --reason-file /nonexistent",
        "--reason-file: /nonexistent: No such file or directory.",
    ),
    "deny <id> --reason-file .": Words(
        f"request deny {ONE} --reason-file .", "--reason-file: .: Is a directory."
    ),
    "request create": Words(
        "request create", "Give --name and at least one --associate, or --file."
    ),
    "request create --role '' --until 2026-01-01": Words(
        "request create --role '' --until 2026-01-01", f"{NO_SUCH}--role"
    ),
    "request create --until 2026-03-29T02:30:00": Words(
        "request create --until 2026-03-29T02:30:00", f"{NO_SUCH}--until"
    ),
    "request create --for 0": Words("request create --for 0", f"{NO_SUCH}--for"),
    "request create --for 1y6m2w": Words("request create --for 1y6m2w", f"{NO_SUCH}--for"),
    "request create --for NaN": Words("request create --for NaN", f"{NO_SUCH}--for"),
    "list --limit 0": Words("request list --limit 0", "Invalid value for '--limit'"),
    "list --limit abc": Words("request list --limit abc", "Invalid value for '--limit'"),
    "list --state granted,denied,": Words(
        "request list --status granted,denied,", "Invalid value for '--status'"
    ),
    "--unknown-flag": Words("--unknown-flag", f"{NO_SUCH}--unknown-flag"),
    "--config /nonexistent.toml": Words("--config /nonexistent.toml", f"{NO_SUCH}--config"),
    "--config broken.toml": Words("--config broken.toml", f"{NO_SUCH}--config"),
    "--server http://x (plain text to a non-loopback host)": Words(
        "--server http://x request list", f"{NO_SUCH}--server"
    ),
    "--tenant 'a b'": Words(
        "session begin 'a b' --yes", "TENANT: Tenant ids use a-z, 0-9 and '-', 1 to 63 characters."
    ),
    "--output /nonexistent/dir/f": Words(
        "request list --output /nonexistent/dir/f", f"{NO_SUCH}--output"
    ),
    "-- --reason x": Words(
        f"request deny {ONE} -- --reason x", "Got unexpected extra argument(s) (--reason x)"
    ),
    "--token abc": Words("--token abc", SECRETS),
    "login --password=hunter2": Words("login --password=hunter2", SECRETS),
    "token in a URL argument": Words("login https://x.example/?token=hunter2", SECRETS),
}
ELSEWHERE = {
    "Ctrl-C at the prompt": "test_stops",
    "SIGPIPE: | head -1 exits 0/141 without traceback": "test_stops",
    "stdin not a tty and --yes missing: refuses": "test_stops",
}
MORE = [
    Words("request create --name x --name y", "--name is given more than once."),
    Words("contacts save --secondary a@x.example --secondary b@x.example", "Missing argument"),
    Words("request list --limit=1 --limit=2", "--limit is given more than once."),
    Words(f"--profile tom request show {ONE}", "--profile is given more than once."),
    Words("request create --name 'a b' --associate x=y", "--name: The name may contain only"),
    Words("request create --name a --associate x", "--associate takes ADDRESS[,ADDRESS...]="),
    Words("request create --name a --associate =x", "--associate takes ADDRESS[,ADDRESS...]="),
    Words(
        "request create --name a --associate x=y",
        "--associate: An email address must have an @-sign.",
    ),
    Words(
        f"request create --name a --associate {CAROLINE}=Tom",
        "--associate: Tenant ids use a-z, 0-9 and '-'",
    ),
    Words(
        f"request create --name a --associate nobody@classics.example.com={FENCE}",
        "--associate: Nobody here has the address nobody@classics.example.com.",
    ),
    Words(
        f"request create --name a --associate {CAROLINE}={FENCE} --message x --message-file y",
        "Give --message or --message-file, not both.",
    ),
    Words(
        f"request create --name a --associate {CAROLINE}={FENCE} --organization 'a b'",
        "--organization: Tenant ids use",
    ),
    Words("request create --name a --associate x=y --batch 1", "Invalid value for '--batch'"),
    Words("session begin tom-sawyer --mode admin", "Invalid value for '--mode'"),
    Words("session assertion x", "Invalid value for 'SESSION': it must be an id, such as"),
    Words("keys revoke x --reason y", "Invalid value for 'KEY': it must be an id, such as"),
    Words("login elizabeth", "EMAIL: An email address must have an @-sign."),
    Words("login 'a\nb@x.example'", "EMAIL: The address contains a line break or control"),
    Words("frobnicate", "No such command 'frobnicate'."),
]


@pytest.fixture(scope="module")
def running(stack: Running) -> Running:
    """A stack in which Tom is signed in."""
    stack.run("tom", "whoami")
    return stack


def assert_refused_as_usage(ended: Ended, sentence: str) -> None:
    """Check what holds for every wrong use: exit 2, stdout empty, one line that says it."""
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert sum(sentence in line for line in ended.err.splitlines()) == 1, ended.err
    assert "Traceback" not in ended.err
    assert "hunter2" not in ended.err


@pytest.mark.parametrize("row", sorted(USAGE))
def test_a_wrong_use_is_named_in_one_line(running: Running, row: str) -> None:
    ended = running.run("tom", *shlex.split(USAGE[row].line))

    assert_refused_as_usage(ended, USAGE[row].sentence)


@pytest.mark.parametrize("words", MORE, ids=lambda words: words.line[:60])
def test_other_wrong_uses_are_named_too(running: Running, words: Words) -> None:
    ended = running.run("tom", *shlex.split(words.line))

    assert_refused_as_usage(ended, words.sentence)


@pytest.mark.parametrize(
    "line",
    [
        "--secret=hunter2 whoami",
        "login --code hunter2",
        "request list --api-key hunter2",
        "request create --private-key=hunter2",
        "login postgresql://gatehouse:hunter2@db.example/x",
        "request list https://x.example/?a=1&access_token=hunter2",
        "login -password hunter2",
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(
    running: Running, line: str
) -> None:
    ended = running.run("tom", *shlex.split(line))

    assert_refused_as_usage(ended, SECRETS)


def test_an_argument_that_is_no_text_is_refused(running: Running) -> None:
    words: list[str | bytes] = [sys.executable, "-m", "starter", "login", b"a\xff@x.example"]

    ended = subprocess.run(
        words, cwd=ROOT, env=running.environment, capture_output=True, timeout=PATIENCE
    )

    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == b"An argument is not valid UTF-8 text.\n"


def own_request(stack: Running, folder: Path) -> Ended:
    """Let who sent a request grant it."""
    return stack.run("elizabeth", "request", "grant", stack.ask(), "--for", "1h")


def decided(stack: Running, folder: Path) -> Ended:
    """Let Tom grant what he has denied."""
    request = stack.ask()
    stack.run("tom", "request", "deny", request, "--reason", "No.")
    return stack.run("tom", "request", "grant", request, "--for", "1h")


def other_tenant(stack: Running, folder: Path) -> Ended:
    """Let Tom grant what another tenant was asked; it is as if it did not exist."""
    other = stack.ask(tenant=GALLERY, people=CHARLOTTE)
    ended = stack.run("tom", "request", "grant", other, "--for", "1h")
    assert ended == stack.run("tom", "request", "grant", ONE, "--for", "1h")
    return ended


def server_down(stack: Running, folder: Path) -> Ended:
    """Let Tom grant while nobody listens where Temporal should be."""
    request = stack.ask()
    words = ("request", "grant", request, "--for", "1h")
    ended = stack.run("tom", *words, TEMPORAL_ADDRESS="127.0.0.1:1")
    assert stack.shown("tom", request)["status"] == "pending"
    return ended


def expired_certificate(stack: Running, folder: Path) -> Ended:
    """Let Tom grant where Temporal's certificate has ended."""
    with with_expired_certificate(folder) as (address, certificate):
        return stack.run(
            "tom", "request", "grant", stack.ask(), "--for", "1h",
            TEMPORAL_ADDRESS=address,
            TEMPORAL_TLS="true",
            TEMPORAL_TLS_SERVER_CA_CERT_PATH=str(certificate),
        )  # fmt: skip


def no_answer(stack: Running, folder: Path) -> Ended:
    """Let Tom grant over a line that takes the command and loses it."""
    said = json.loads((stack.home / "run.json").read_text(encoding="utf-8"))
    request = stack.ask()
    words = ("request", "grant", request, "--for", "1h")
    with hanging_up_after(2, said["temporal_address"], delivers=False) as address:
        ended = stack.run("tom", *words, GATEHOUSE_ANSWER_SECONDS="2", TEMPORAL_ADDRESS=address)
    assert "Nothing was changed" not in ended.err
    return ended


class Scene(NamedTuple):
    """What is played for a row that is no command line, and how it must end."""

    play: Callable[[Running, Path], Ended]
    code: int
    sentence: str


SCENES = {
    "grant of an already decided request: 'Already denied by <who> on <when>.'": Scene(
        decided, 1, "This request was already denied by Tom Sawyer on "
    ),
    "grant of own request": Scene(
        own_request, 1, "You may not decide this request: that needs the role tenant_admin"
    ),
    "grant in another tenant: same text as unknown id": Scene(other_tenant, 1, NOTHING_HERE),
    "server down": Scene(server_down, 3, "Nothing was changed."),
    "TLS expired": Scene(expired_certificate, 3, "Nothing was changed."),
    "server closes after the request was sent (outcome unknown)": Scene(
        no_answer, 3, "the outcome is unknown"
    ),
}


@pytest.mark.parametrize("row", SCENES)
def test_a_refusal_or_an_outage_ends_with_its_sentence(
    running: Running, tmp_path: Path, row: str
) -> None:
    ended = SCENES[row].play(running, tmp_path)

    assert (ended.code, ended.out) == (SCENES[row].code, "")
    assert SCENES[row].sentence in ended.err
    assert "Traceback" not in ended.err


def test_no_row_is_passed_over() -> None:
    def said(row: Row) -> str:
        return str(row.value if row.recipe is None else row.recipe)

    by_hand = {"argument with invalid UTF-8 byte 0xff (surrogateescape)"}
    assert {said(one) for one in rows("cli")} == {*USAGE, *SCENES, *ELSEWHERE, *by_hand}
