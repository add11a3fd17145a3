"""`gatehouse mail`: the embedded mailbox, as somebody who waits for a mail reads it."""

import json
from pathlib import Path

import pytest

from starter.mail import app
from tests.starter.terminal import run

MAIL = (
    "Delivered-To: {to}\r\nSubject: {subject}\r\nDate: Mon, 02 Mar 2026 09:00:00 +0000\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
)


@pytest.fixture
def mailbox(gatehouse_home: Path) -> Path:
    """A mailbox with two mails, where `up` keeps it."""
    new = gatehouse_home / "mail" / "new"
    new.mkdir(parents=True)
    first = MAIL.format(to="tom@example.org", subject="A request", text="Dear Tom,\r\nhello")
    second = MAIL.format(to="ann@example.com", subject="\x1b[31mRed", text="a\x1b[2Jb")
    (new / "1-first").write_bytes(first.encode())
    (new / "2-second").write_bytes(second.encode())
    return new.parent


def test_mails_are_listed_oldest_first(mailbox: Path) -> None:
    listed = json.loads(run(app, "list", "--json").out)

    assert [(one["id"], one["to"]) for one in listed] == [
        ("1-first", "tom@example.org"),
        ("2-second", "ann@example.com"),
    ]


def test_the_list_can_be_narrowed_to_one_address_in_any_case(mailbox: Path) -> None:
    end = run(app, "list", "--to", "Tom@Example.org")

    assert "1-first" in end.out
    assert "2-second" not in end.out


def test_a_mail_is_shown_as_text(mailbox: Path) -> None:
    end = run(app, "show", "1-first")

    assert end.code == 0
    assert end.out == (
        "To: tom@example.org\nDate: 2026-03-02 09:00:00 UTC\nSubject: A request\n\n"
        "Dear Tom,\nhello\n"
    )


def test_a_mail_cannot_write_to_the_terminal(mailbox: Path) -> None:
    shown, listed = run(app, "show", "2-second").out, run(app, "list").out

    assert "a\\x1b[2Jb" in shown
    assert "\x1b" not in shown + listed


def test_json_has_the_mail_exactly(mailbox: Path) -> None:
    assert json.loads(run(app, "show", "2-second", "--json").out)["text"] == "a\x1b[2Jb\n"


def test_a_mail_that_is_not_there_is_a_usage_error(mailbox: Path) -> None:
    end = run(app, "show", "../../gatehouse.db")

    assert (end.code, end.out) == (2, "")
    assert end.err.startswith("ID: there is no mail of that id.")


def test_the_mailbox_can_be_elsewhere(mailbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = mailbox.rename(mailbox.with_name("moved"))
    monkeypatch.setenv("GATEHOUSE_MAILDIR", str(moved))

    assert "1-first" in run(app, "list").out


def test_without_a_mailbox_the_answer_says_what_to_do(gatehouse_home: Path) -> None:
    end = run(app, "list")

    assert (end.code, end.out) == (2, "")
    assert "start `gatehouse up`, or set GATEHOUSE_MAILDIR." in end.err
