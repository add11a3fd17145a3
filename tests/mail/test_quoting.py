"""What people wrote stays readable in a mail, and can neither be clicked nor hide."""

import re

import pytest

from mail.quoting import ELLIPSIS, QUOTE_LINES, TEXT_LIMIT, inert, quoted_lines
from tests.mail.notices import hostile_texts

# What mail programs are known to turn into links by themselves.
LINKED = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|[\w-]\.(com|org|net|example|test)\b|\bmailto:\S|\\\\\w", re.I
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.org/a?b=c", "https[:]//example[.]org/a?b=c"),
        ("HTTP://EXAMPLE.ORG", "HTTP[:]//EXAMPLE[.]ORG"),
        ("http://10.0.0.1/", "http[:]//10.0.0.1/"),
        ("go to www.example.org.", "go to www[.]example[.]org."),
        ("ann@example.com", "ann@example[.]com"),
        ("mailto:ann@localhost", "mailto[:]ann@localhost"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("evil\u3002example", "evil[.]example"),
        (
            "\u0909\u0926\u093e\u0939\u0930\u0923.\u092d\u093e\u0930\u0924",
            "\u0909\u0926\u093e\u0939\u0930\u0923[.]\u092d\u093e\u0930\u0924",
        ),
        (r"\\host\share", r"[\\]host\share"),
        ("Classics, Inc.", "Classics, Inc."),
        ("Version 1.2, at 10:30. Then: wait...", "Version 1.2, at 10:30. Then: wait..."),
        ("U.S.A.", "U.S.A."),
        ("a\u202eb\u200bc", "abc"),
        ("a\r\nb\x00c\u2028d", "a b c d"),
        ("a \ud800", "a \ufffd"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_text_is_shown_on_one_line_without_links(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_nothing_that_mail_programs_link_is_left_of_any_hostile_text() -> None:
    for text in hostile_texts():
        assert not LINKED.search(inert(text)), ascii(text[:80])
        assert not LINKED.search("\n".join(quoted_lines(text))), ascii(text[:80])


def test_what_can_be_shown_is_valid_and_printable() -> None:
    for text in hostile_texts():
        for line in (inert(text), *quoted_lines(text)):
            line.encode()  # no lone surrogate is left
            assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\u200b]", line)


def test_a_quotation_keeps_its_lines() -> None:
    assert quoted_lines("one\r\n\n  two\rthree\n") == ["one", "", "two", "three"]


def test_a_long_quotation_is_cut_with_an_ellipsis() -> None:
    assert quoted_lines("a" * TEXT_LIMIT) == ["a" * TEXT_LIMIT]
    assert quoted_lines("a" * (TEXT_LIMIT + 1)) == ["a" * TEXT_LIMIT + ELLIPSIS]


def test_a_quotation_of_many_lines_is_cut_with_an_ellipsis() -> None:
    lines = quoted_lines("x\n" * (QUOTE_LINES + 1))

    assert lines == ["x"] * (QUOTE_LINES - 1) + ["x" + ELLIPSIS]


def test_a_long_name_is_cut_too() -> None:
    assert inert("a" * (TEXT_LIMIT + 1)) == "a" * TEXT_LIMIT + ELLIPSIS
