"""The bytes of a letter: whatever people wrote, its headers are the ones that were meant."""

import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from approvals.ports import Letter
from mail.message import UnsafeHeaderError, built, envelope_address, is_plain_address
from tests.mail.notices import (
    KINDS,
    RENDERER,
    hostile_notice,
    hostile_texts,
    notice,
    secret_of,
)

SENDER = "Gatehouse <gatehouse@example.com>"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARTS = ["multipart/alternative", "text/plain", "text/html"]
WITH_CALENDAR = ["multipart/mixed", *PARTS, "text/calendar"]
LETTER = Letter(
    to="tom@example.com",
    subject="Access was granted (request 01234567)",
    text="Hello\n",
    html="<p>Hello</p>\n",
    message_id="<0@gatehouse.example>",
)


def strictly_parsed(mail: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=email.policy.default).parsebytes(mail)


def test_a_letter_has_exactly_the_headers_that_were_meant() -> None:
    mail = strictly_parsed(built(LETTER, SENDER, NOON))

    assert mail.items() == [
        ("From", SENDER),
        ("To", "tom@example.com"),
        ("Subject", LETTER.subject),
        ("Date", "Sun, 01 Mar 2026 12:00:00 +0000"),
        ("Message-ID", "<0@gatehouse.example>"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'multipart/alternative; boundary="=_gatehouse_="'),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_persons_changes_a_header(kind: str) -> None:
    harmless = built(RENDERER.letter(notice(kind), secret_of(kind)), SENDER, NOON)
    expected = BytesParser().parsebytes(harmless).items()

    for text in hostile_texts():
        letter = RENDERER.letter(hostile_notice(kind, text), secret_of(kind))
        mail = BytesParser().parsebytes(built(letter, SENDER, NOON))

        assert mail.items() == expected, ascii(text[:80])
        parts = PARTS if letter.calendar is None else WITH_CALENDAR
        assert [part.get_content_type() for part in mail.walk()] == parts, ascii(text[:80])


def test_both_parts_come_back_as_they_were_written() -> None:
    text = "".join(f"{line}\n" for line in ("", ".", "..x", "From here", "=3D  ", "J\u00fcrgen"))
    letter = LETTER.model_copy(update={"text": text, "html": f"<p>\u4e2d{'x' * 3000}</p>\n"})

    plain, html = strictly_parsed(built(letter, SENDER, NOON)).iter_parts()

    assert plain.get_content().replace("\r\n", "\n") == letter.text
    assert html.get_content().replace("\r\n", "\n") == letter.html


def test_every_line_of_a_mail_is_ascii_ends_in_crlf_and_is_short() -> None:
    letter = LETTER.model_copy(update={"text": "a\rb\nc\r\nd" + "\u00e9" * 5000})

    mail = built(letter, SENDER, NOON)

    assert mail.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 78


def test_a_subject_in_another_language_is_encoded_and_comes_back() -> None:
    subject = (
        "Anfrage f\u00fcr l\u00e4nger als \u00fcblich \u2014 bis \u00fcbermorgen (Anfrage 01234567)"
    )

    mail = built(LETTER.model_copy(update={"subject": subject}), SENDER, NOON)

    assert mail.isascii()
    assert strictly_parsed(mail)["Subject"] == subject


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "a\r\nBcc: b@example.com"},
        {"subject": "a\nb"},
        {"subject": "a\x0bb"},
        {"subject": "a\u2028b"},
        {"subject": ""},
        {"subject": " "},
        {"subject": "a" * 151},
        {"subject": "=?utf-8?q?a=0D=0ABcc:_b@example.com?="},
        {"subject": "\u00fc\r\nBcc: b@example.com"},
        {"subject": "\ud800"},
        {"message_id": "<0@gatehouse.example>\r\nBcc: b@example.com"},
        {"to": "a@example.com\r\nBcc: b@example.com"},
    ],
)
def test_a_header_that_is_not_one_plain_line_is_an_error(changed: dict[str, str]) -> None:
    with pytest.raises(UnsafeHeaderError):
        built(LETTER.model_copy(update=changed), SENDER, NOON)


@pytest.mark.parametrize(
    ("address", "is_plain"),
    [
        ("a@example.com", True),
        ("a.b+c@example.com", True),
        ("j\u00fcrgen@example.com", True),
        ("a", False),
        ("a@b@c", False),
        ("<a@example.com>", False),
        ("a@example.com b", False),
        ("a@example.com,b@example.com", False),
        ("a@example.com;b@example.com", False),
        ("a@example.com\r\nRCPT TO:<x@y>", False),
        ('"a b"@example.com', False),
        ("a..b@example.com", False),
        (".a@example.com", False),
        ("a@example.com.", False),
        ("a@[127.0.0.1]", False),
        ("a\u200b@example.com", False),
        (f"{'a' * 65}@example.com", False),
        (f"a@{'b' * 253}", False),
    ],
)
def test_only_one_bare_address_is_plain(address: str, is_plain: bool) -> None:
    assert is_plain_address(address) is is_plain


@pytest.mark.parametrize("sender", ["a@example.com", "Gatehouse <a@example.com>"])
def test_the_envelope_has_the_bare_address_of_the_sender(sender: str) -> None:
    assert envelope_address(sender) == "a@example.com"
