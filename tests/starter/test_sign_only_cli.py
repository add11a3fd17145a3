"""`--sign-only`: a signed command that the plain `temporal` program carries to its process."""

import json
import shlex
import subprocess

from starter.temporal_server import temporal_binary
from tests.starter.running import PATIENCE, Running, eventually


def send(stack: Running, line: str) -> None:
    """Run a line of the plain `temporal` program as it was printed."""
    program, *words = shlex.split(line)
    assert program == "temporal"
    subprocess.run(
        [temporal_binary(), *words],
        check=True,
        capture_output=True,
        env=stack.environment,
        timeout=PATIENCE,
    )


def test_the_printed_line_grants_as_a_signal_named_approve(stack: Running) -> None:
    request = stack.ask()

    signed = stack.run("tom", "request", "grant", request, "--for", "1h", "--sign-only")

    payload, line = signed.out.splitlines()
    assert shlex.split(line)[-4:] == ["--name", "approve", "--input", payload]
    assert json.loads(payload)["process_id"] == request
    assert "Valid for five minutes, once." in signed.err
    assert stack.shown("tom", request)["status"] == "pending"
    send(stack, line)
    eventually(lambda: stack.shown("tom", request)["status"] == "granted", "the grant")
    assert stack.shown("elizabeth", request)["decided_by"] == "Tom Sawyer"


def test_a_denial_travels_the_same_way(stack: Running) -> None:
    request = stack.ask()
    words = ("request", "deny", request, "--reason", "It's 'late'.", "--sign-only", "--json")

    signed = stack.run("tom", *words).json
    send(stack, signed["command"])

    eventually(lambda: stack.shown("tom", request)["status"] == "denied", "the denial")
    assert stack.shown("tom", request)["answer"] == "It's 'late'."
    assert signed["payload"]["command"]["kind"] == "deny"


def test_a_payload_that_was_tampered_with_changes_nothing(stack: Running) -> None:
    request = stack.ask()
    signed = stack.run("tom", "request", "grant", request, "--for", "1h", "--sign-only", "--json")
    words = shlex.split(signed.json["command"])
    payload = json.loads(words[-1])
    payload["command"]["args"]["ends_at"] = "2099-01-01T00:00:00Z"

    send(stack, shlex.join([*words[:-1], json.dumps(payload)]))

    eventually(lambda: len(stack.events(request)) == 2, "the refusal is on the timeline")
    assert stack.events(request) == ["submitted", "refused.invalid_decision"]
    assert stack.shown("tom", request)["status"] == "pending"


def test_the_same_payload_twice_counts_once(stack: Running) -> None:
    request = stack.ask()
    words = ("request", "grant", request, "--for", "1h", "--sign-only", "--json")
    line = stack.run("tom", *words).json["command"]

    for _ in range(2):
        send(stack, line)
    eventually(lambda: "granted" in stack.events(request), "the grant")
    # A third command passes through the same queue behind the two.
    stack.run("tom", "request", "change-end", request, "--for", "2h")

    assert stack.events(request) == ["submitted", "granted", "end_changed"]


def test_signing_and_trying_exclude_each_other(stack: Running) -> None:
    request = stack.ask()

    ended = stack.run("tom", "request", "grant", request, "--for", "1h", "--sign-only", "--dry-run")

    assert ended == (2, "", "Give --dry-run or --sign-only, not both.\n")
