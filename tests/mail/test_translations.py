"""A reader gets their own language where there is a catalog, and English everywhere else."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from mail.links import Links
from mail.render import TEMPLATES, TemplateRenderer
from mail.translations import CATALOGS, locale_of
from tests.mail.notices import KINDS, RENDERER, TOM, notice, secret_of

GERMAN = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"

msgid "A request for access was denied (request %(number)s)"
msgstr "Eine Anfrage wurde abgelehnt, für Sie (Anfrage %(number)s)"

msgid "Your request for access to %(tenant)s was denied."
msgstr "Ihre Anfrage nach Zugang zu %(tenant)s wurde abgelehnt."

msgid "If nobody decides by %(due)s, the request lapses and nobody gets access."
msgstr "Entscheidet bis %(due)s niemand, so verfällt die Anfrage."
"""


@pytest.fixture
def catalogs(tmp_path: Path) -> Path:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "mail.po").write_text(GERMAN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("locale", ["de", "de_AT", "de-CH"])
def test_a_reader_gets_the_catalog_of_their_language(catalogs: Path, locale: str) -> None:
    renderer = TemplateRenderer(Links(None), "gatehouse.example", catalogs)
    reader = TOM.model_copy(update={"locale": locale})

    letter = renderer.letter(notice("request_denied", reader, is_requester=True), None)

    assert letter.subject == "Eine Anfrage wurde abgelehnt, für Sie (Anfrage 0f5c2a7e)"
    sentence = "Ihre Anfrage nach Zugang zu Tom Sawyer Fence Painting Co. wurde abgelehnt."
    assert sentence in letter.text
    assert sentence in letter.html
    assert '<html lang="de">' in letter.html


def test_dates_are_written_in_the_language_of_the_mail(catalogs: Path) -> None:
    renderer = TemplateRenderer(Links(None), "gatehouse.example", catalogs)
    reader = TOM.model_copy(update={"locale": "de", "time_zone": "Europe/Berlin"})

    letter = renderer.letter(notice("request_received", reader), None)

    assert (
        "Entscheidet bis Sonntag, 29. März 2026, 01:30 Mitteleuropäische Normalzeit niemand"
        in " ".join(letter.text.split())
    )


def test_text_in_a_translation_is_escaped_as_in_english(catalogs: Path) -> None:
    renderer = TemplateRenderer(Links(None), "gatehouse.example", catalogs)
    reader = TOM.model_copy(update={"locale": "de"})
    item = notice("request_denied", reader, is_requester=True, tenant="<b>%(number)s</b>")

    letter = renderer.letter(item, None)

    assert "zu &lt;b&gt;%(number)s&lt;/b&gt; wurde" in letter.html


@pytest.mark.parametrize("locale", ["fr", "xx_YY", "", "../de", "de/../..", "\x00", "d" * 1000])
def test_a_language_without_a_catalog_is_english(catalogs: Path, locale: str) -> None:
    assert locale_of(locale, catalogs).language == "en"


@pytest.mark.parametrize("locale", ["en_GB", "en-GB"])
def test_a_reader_of_english_keeps_their_own_kind_of_it(locale: str) -> None:
    assert str(locale_of(locale)) == "en_GB"


def test_the_list_of_what_is_to_be_translated_is_complete() -> None:
    found = extract_from_dir(
        TEMPLATES,
        [("**.txt", "jinja2"), ("**.html", "jinja2")],
        {"**.txt": {"trimmed": "true"}, "**.html": {"trimmed": "true"}},
    )
    with (CATALOGS / "mail.pot").open("rb") as file:
        listed = {message.id for message in read_po(file) if message.id}

    assert listed == {text for _, _, text, _, _ in found}


@pytest.mark.parametrize("language", ["de", "es", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_is_written_in_every_language(kind: str, language: str) -> None:
    reader = TOM.model_copy(update={"locale": language})
    english = RENDERER.letter(notice(kind), secret_of(kind))

    letter = RENDERER.letter(notice(kind, reader), secret_of(kind))

    assert letter.subject != english.subject
    assert f'<html lang="{language}">' in letter.html
    assert _paragraphs(letter.text) & _paragraphs(english.text) == set()


def _paragraphs(text: str) -> set[str]:
    """Return the paragraphs of a mail that are ours: no list of facts, quotation, link, command."""
    every = text.replace("\n--\n", "\n\n").split("\n\n")
    return {one for one in every if one.count(" ") > 3 and not re.search(r"^>|: |^    ", one, re.M)}
