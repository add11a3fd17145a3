"""Notices become letters: ids, subject, language, dates, code; nothing missing goes unnoticed."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from approvals.ports import Addressee
from mail.links import FOLDERS, PLACES, Links
from mail.render import TemplateRenderer, wrapped
from tests.mail.notices import (
    CODE,
    KINDS,
    NOTICE,
    PORTAL,
    PROCESS,
    RENDERER,
    TOM,
    WITHOUT_PORTAL,
    hostile_notice,
    notice,
    secret_of,
)


def reader(locale: str, time_zone: str) -> Addressee:
    return TOM.model_copy(update={"locale": locale, "time_zone": time_zone})


def test_a_letter_goes_to_the_bare_address_with_an_id_made_from_the_notices() -> None:
    letter = RENDERER.letter(notice("request_granted"), None)

    assert letter.to == "tom@example.com"
    assert letter.message_id == f"<{NOTICE}@gatehouse.example>"
    assert letter.may_be_duplicate is False


def test_a_letter_of_unknown_fate_is_the_same_letter_but_flagged() -> None:
    item = notice("request_granted")

    first = RENDERER.letter(item, None)
    second = RENDERER.letter(item.model_copy(update={"was_unknown": True}), None)

    assert second == first.model_copy(update={"may_be_duplicate": True})


@pytest.mark.parametrize("kind", KINDS)
def test_a_subject_is_one_fixed_line_with_the_requests_number(kind: str) -> None:
    secret = secret_of(kind)
    subject = RENDERER.letter(notice(kind), secret).subject
    hostile = RENDERER.letter(hostile_notice(kind, "{{ subject }} %(number)s"), secret).subject

    assert subject == hostile
    assert subject.endswith(f" {str(PROCESS)[:8]})")
    assert subject.isprintable()
    assert len(subject) <= 78


@pytest.mark.parametrize(
    ("locale", "time_zone", "shown"),
    [
        ("en", "America/Chicago", "Saturday, March 28, 2026, 7:30 PM Central Daylight Time"),
        ("en_GB", "Europe/London", "Sunday, 29 March 2026, 00:30 Greenwich Mean Time"),
        ("en-GB", "Europe/Berlin", "Sunday, 29 March 2026, 01:30 Central European Standard Time"),
        ("en_GB", "UTC", "Sunday, 29 March 2026, 00:30 Coordinated Universal Time"),
        ("en_GB", "Asia/Kathmandu", "Sunday, 29 March 2026, 06:15 GMT+05:45 (Asia/Kathmandu)"),
        ("pt", "Europe/Berlin", "Sunday, March 29, 2026, 1:30 AM Central European Standard Time"),
        ("nonsense!", "Not/A_Zone", "Sunday, March 29, 2026, 12:30 AM Coordinated Universal Time"),
        ("", "", "Sunday, March 29, 2026, 12:30 AM Coordinated Universal Time"),
        ("en", "../../etc/passwd", "Sunday, March 29, 2026, 12:30 AM Coordinated Universal Time"),
    ],
)
def test_an_instant_is_written_in_the_readers_zone_which_is_named(
    locale: str, time_zone: str, shown: str
) -> None:
    letter = RENDERER.letter(notice("request_lapsed", reader(locale, time_zone)), None)

    text = letter.text.replace("\u202f", " ")
    assert f"Could be decided until: {shown}" in " ".join(text.split())
    assert shown in letter.html.replace("\u202f", " ")


def test_the_second_is_written_where_there_is_one() -> None:
    letter = RENDERER.letter(notice("access_expired", reader("en_GB", "UTC")), None)

    assert "29 July 2026, 21:59:59" in letter.text


def test_an_instant_without_an_offset_is_an_error() -> None:
    with pytest.raises(ValueError, match="offset"):
        RENDERER.letter(notice("request_lapsed", due_at="2026-03-29T12:00:00"), None)


def test_a_code_is_shown_in_two_halves_and_not_in_the_subject() -> None:
    letter = RENDERER.letter(notice("sign_in_code"), CODE)

    assert "\n    1234 5678\n" in letter.text
    assert "1234 5678" in letter.html
    assert "with or without the space" in letter.text
    assert "1234" not in letter.subject


@pytest.mark.parametrize("secret", ["", "1234567", "123456789", "1234 567", "\u0661" * 8])
def test_a_secret_that_is_no_code_is_an_error(secret: str) -> None:
    with pytest.raises(ValueError, match="eight digits"):
        RENDERER.letter(notice("sign_in_code"), secret)


def test_a_sign_in_mail_without_its_code_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="code"):
        RENDERER.letter(notice("sign_in_code"), None)


CODES = ("sign_in_code", "newcomer_code")


def test_a_missing_fact_is_an_error() -> None:
    item = notice("request_denied")
    facts = {name: value for name, value in item.facts.items() if name != "tenant"}

    with pytest.raises(UndefinedError, match="tenant"):
        RENDERER.letter(item.model_copy(update={"facts": facts}), None)


def test_an_unknown_kind_is_an_error() -> None:
    item = notice("request_denied").model_copy(update={"kind": "request_lost"})

    with pytest.raises(TemplateNotFound):
        RENDERER.letter(item, None)


def test_a_fact_cannot_take_the_place_of_what_the_renderer_knows() -> None:
    item = notice("request_denied", page="https://evil.example", portal="https://evil.example")

    letter = RENDERER.letter(item, None)

    assert "evil" not in letter.text + letter.html


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in (*CODES, "pairing_offered")]
)
def test_every_link_is_below_the_portal(kind: str) -> None:
    letter = RENDERER.letter(notice(kind), None)

    own = f"/{FOLDERS.get(kind, 'requests')}/{PROCESS}"
    page = PORTAL + PLACES.get(kind, own)
    assert f"\n    {page}\n" in letter.text
    assert f'href="{page}"' in letter.html
    assert letter.html.count("://") == letter.text.count("://") == 1


def test_without_a_portal_a_mail_shows_the_commands() -> None:
    letter = WITHOUT_PORTAL.letter(notice("request_received"), None)

    for command in (
        f"gatehouse request show {PROCESS}",
        f"gatehouse request grant {PROCESS} --until DATE",
        f"gatehouse request deny {PROCESS} --reason TEXT",
    ):
        assert f"\n    {command}\n" in letter.text
        assert command in letter.html
    assert "://" not in letter.text + letter.html


@pytest.mark.parametrize("domain", ["", "a b", "a\r\nb", "-a", "a>", "\u00fc.example"])
def test_a_domain_that_cannot_end_a_message_id_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match="GATEHOUSE_MAIL_DOMAIN"):
        TemplateRenderer(Links(None), domain)


def test_long_lines_are_wrapped_and_lines_to_copy_are_not() -> None:
    command = "    gatehouse " + "x" * 100
    quotation = "> " + "word " * 30

    text = wrapped(f"{'word ' * 30}\n\n\n\n{quotation}\n{command}\n")

    assert command in text
    assert max(len(line) for line in text.splitlines() if line != command) <= 78
    assert [line[:2] for line in text.split("\n\n")[1].splitlines()] == ["> ", "> ", "  "]
