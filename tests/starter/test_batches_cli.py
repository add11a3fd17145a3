"""`gatehouse request create --file`: many at once, in which one bad line stops no other."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.starter.running import CAROLINE, CHARLOTTE, EMAILS, FENCE, GALLERY, Ended, Running

HEAD = "name,message,people,tenants"


@pytest.fixture
def unique() -> str:
    """A message of this test alone, so that its file is like no other's."""
    return f"Please ({uuid4()})."


def send(stack: Running, folder: Path, content: str | bytes, *words: str) -> Ended:
    """Let Elizabeth send a file of requests."""
    file = folder / "requests.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return stack.run("elizabeth", "request", "create", "--file", str(file), *words)


def outcomes(ended: Ended) -> list[tuple[Any, ...]]:
    """Return line, tenant and outcome of each request."""
    return [(one["line"], one["tenant"], one["outcome"]) for one in ended.json]


def test_every_line_becomes_a_request_a_tenant(stack: Running, tmp_path: Path, unique: str) -> None:
    content = f"""{HEAD}
First,{unique},{CAROLINE} {CHARLOTTE},{FENCE} {GALLERY}
Second,,{CAROLINE},{FENCE}
"""

    sent = send(stack, tmp_path, content, "--json")

    assert sent.code == 0
    assert outcomes(sent) == [(2, FENCE, "sent"), (2, GALLERY, "sent"), (3, FENCE, "sent")]
    assert "3 sent" in sent.err
    first, _, second = (stack.shown("elizabeth", one["request"]) for one in sent.json)
    assert (first["name"], first["message"]) == ("First", unique)
    assert first["people"] == ["Caroline Bingley", "Charlotte Lucas"]
    assert (second["name"], second["message"]) == ("Second", None)


def test_refused_lines_are_named_with_number_and_rule_and_the_rest_is_sent(
    stack: Running, tmp_path: Path, unique: str
) -> None:
    stranger = EMAILS["christopher"]
    content = f"""{HEAD}
Good,{unique},{CAROLINE},{FENCE}
no good,,{CAROLINE},{FENCE}
Bad,,nobody@classics.example.com,{FENCE}
Bad,,{CAROLINE},A_B
Bad,,{CAROLINE},nowhere
Bad,,{stranger},{FENCE}
Bad,,,{FENCE}
Bad,{CAROLINE},{FENCE}

Good,,{CHARLOTTE},{GALLERY}
"""

    sent = send(stack, tmp_path, content, "--json")

    assert sent.code == 1
    why = {one["line"]: one["why"] for one in sent.json if one["outcome"] == "refused"}
    assert why == {
        3: "The name may contain only letters A-Z, a-z and digits (U+0020 at position 3).",
        4: "Nobody here has the address nobody@classics.example.com.",
        5: "Tenant ids use a-z, 0-9 and '-', 1 to 63 characters.",
        6: "There is nothing here, or you may not see it.",
        7: "A person of this request does not belong to Classics, Inc.:"
        " name people of your own organization.",
        8: "people and tenants: name at least one of each.",
        9: "A line must have 4 fields: name,message,people,tenants.",
    }
    assert [one["line"] for one in sent.json if one["outcome"] == "sent"] == [2, 11]
    assert "2 sent, 7 refused" in sent.err
    assert "7 of 9 requests were refused. A changed file is a new batch" in sent.err


def test_the_same_file_again_doubles_nothing(stack: Running, tmp_path: Path, unique: str) -> None:
    content = f"{HEAD}\nOnce,{unique},{CAROLINE},{FENCE} {GALLERY}\n"
    first = send(stack, tmp_path, content, "--json")

    again = send(stack, tmp_path, content, "--json")

    assert [one["request"] for one in again.json] == [one["request"] for one in first.json]
    assert outcomes(again) == [(2, FENCE, "already there"), (2, GALLERY, "already there")]
    assert again.code == 0
    listed = stack.run("tom", "request", "list", "--json").json["incoming"]
    assert [one["message"] for one in listed].count(unique) == 1


def test_a_dry_run_of_a_file_sends_nothing(stack: Running, tmp_path: Path, unique: str) -> None:
    content = f"{HEAD}\nOnce,{unique},{CAROLINE},{FENCE}\nbad name,,{CAROLINE},{FENCE}\n"

    would = send(stack, tmp_path, content, "--dry-run", "--json")

    assert outcomes(would) == [(2, FENCE, "would be sent"), (3, FENCE, "refused")]
    assert "Nothing was changed." in would.err
    listed = stack.run("tom", "request", "list", "--json").json["incoming"]
    assert unique not in [one["message"] for one in listed]


def test_a_quoted_message_may_have_lines_and_a_record_is_named_by_its_first(
    stack: Running, tmp_path: Path, unique: str
) -> None:
    lines = [
        HEAD,
        f'Two,"{unique}\r\nThanks, Elizabeth",{CAROLINE},{FENCE}',
        "",
        f'bad one,"a\r\nb",{CAROLINE},{FENCE}',
    ]
    content = "\r\n".join(lines)

    sent = send(stack, tmp_path, content, "--json")

    assert outcomes(sent) == [(2, FENCE, "sent"), (5, FENCE, "refused")]
    view = stack.shown("tom", sent.json[0]["request"])
    assert view["message"] == f"{unique}\nThanks, Elizabeth"


def test_the_columns_may_stand_in_any_order_behind_a_byte_order_mark(
    stack: Running, tmp_path: Path, unique: str
) -> None:
    content = f"\ufefftenants, people, name, message\n{FENCE}, {CAROLINE}, Other, {unique}\n"

    sent = send(stack, tmp_path, content, "--json")

    assert outcomes(sent) == [(2, FENCE, "sent")]
    assert stack.shown("elizabeth", sent.json[0]["request"])["name"] == "Other"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; line 1 must be name,message,people,tenants."),
        (b"name,people\n", "line 1: the columns must be name,message,people,tenants."),
        (b"name,name,people,tenants\n", "line 1: the columns must be"),
        (b"name;message;people;tenants\n", "line 1: the columns must be"),
        (HEAD.encode() + b"\nCaf\xe9,,a@b.example,c\n", "is not UTF-8 text."),
        (HEAD.encode("utf-16"), "is not UTF-8 text."),
        (HEAD.encode() + b'\nOne,,a@b.example,c\nTwo,"never closed\n', "line 3: "),
        (HEAD.encode() + b'\nOne,"a"b,c,d\n', "line 2: "),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_as_a_whole(
    stack: Running, tmp_path: Path, content: bytes, sentence: str
) -> None:
    ended = send(stack, tmp_path, content)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--file: ")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1


def test_a_file_stands_alone(stack: Running, tmp_path: Path) -> None:
    ended = send(stack, tmp_path, f"{HEAD}\n", "--name", "Mine")

    assert ended == (2, "", "--file stands alone: each of its lines is one request.\n")


def test_a_file_without_requests_says_so(stack: Running, tmp_path: Path) -> None:
    ended = send(stack, tmp_path, f"{HEAD}\n\n")

    assert ended == (0, "", "No requests.\n")


@pytest.mark.parametrize("file", ["/nonexistent.csv", "."])
def test_a_file_that_cannot_be_read_is_named(stack: Running, file: str) -> None:
    ended = stack.run("elizabeth", "request", "create", "--file", file)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"--file: {file}: ")


def test_when_nobody_answers_the_rest_is_not_tried_and_can_be_sent_later(
    stack: Running, tmp_path: Path, unique: str
) -> None:
    file = tmp_path / "requests.csv"
    lines = [f"Later{number},{unique},{CAROLINE},{FENCE}" for number in range(20)]
    file.write_text("\n".join((HEAD, *lines)), encoding="utf-8")
    words = ("request", "create", "--file", str(file), "--json")

    away = stack.run("elizabeth", *words, TEMPORAL_ADDRESS="127.0.0.1:1")
    later = stack.run("elizabeth", *words)

    assert away.code == 3
    assert "1 not confirmed, 19 not sent" in away.err
    assert "The same file sends what is missing." in away.err
    assert {one["outcome"] for one in later.json} == {"sent"}
