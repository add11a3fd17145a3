"""Every kind of notice says the same in both parts, and no text of a person's acts in either."""

import re
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any

import pytest
from babel import Locale

from mail.render import TEMPLATES, WIDTH, environment_with, moment
from tests.mail.notices import (
    END,
    FACTS,
    KINDS,
    RENDERER,
    WITHOUT_PORTAL,
    Fact,
    hostile_notice,
    hostile_texts,
    notice,
    secret_of,
)

REMOTE = re.compile(
    r"\b(src|srcset|background|action|poster|data)=|url\(|@import|<script|<link", re.I
)
KINDS_WITHOUT_END = [kind for kind in KINDS if kind not in ("end_reminder", "access_expired")]


class Marking(NullTranslations):
    """A language in which every text stands in double brackets."""

    def gettext(self, message: str) -> str:
        return f"[[{message}]]"


ENGLISH: Any = environment_with(NullTranslations())
MARKING = environment_with(Marking())


class Structure(HTMLParser):
    """The tags of a page with their attributes, and the visible words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            return
        self.tags.append(f"{tag} {attrs}")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")


def _source(template: str) -> str:
    return (TEMPLATES / template).read_text(encoding="utf-8")


def test_the_folders_of_templates_are_the_kinds_of_notices() -> None:
    folders = {path.name for path in TEMPLATES.iterdir() if path.is_dir()}

    assert folders == set(FACTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_well_formed_and_needs_nothing_from_elsewhere(kind: str) -> None:
    for renderer in (RENDERER, WITHOUT_PORTAL):
        page = renderer.letter(notice(kind), secret_of(kind)).html

        assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
        assert Structure(page).open == []
        assert not REMOTE.search(page)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_adds_no_element_attribute_or_link(kind: str) -> None:
    with_text, without_text = (
        Structure(RENDERER.letter(hostile_notice(kind, harmless), secret_of(kind)).html).tags
        for harmless in ("Ann", "")
    )

    for text in hostile_texts():
        tags = Structure(RENDERER.letter(hostile_notice(kind, text), secret_of(kind)).html).tags

        assert tags == (with_text if text else without_text), ascii(text[:80])


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_leaves_a_text_part_of_short_printable_lines(kind: str) -> None:
    for text in hostile_texts():
        letter = WITHOUT_PORTAL.letter(hostile_notice(kind, text), secret_of(kind))

        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", letter.text)
        assert "://" not in letter.text
        assert max(map(len, letter.text.split("\n"))) <= WIDTH, ascii(text[:80])


@pytest.mark.parametrize("kind", KINDS)
def test_what_looks_like_a_template_is_shown_as_it_was_written(kind: str) -> None:
    letter = RENDERER.letter(
        hostile_notice(kind, "{{7*7}} %(tenant)s {% x %} ${1}"), secret_of(kind)
    )

    assert "{{7*7}} %(tenant)s {% x %} ${1}" in letter.text
    assert "{{7*7}} %(tenant)s {% x %} ${1}" in "".join(Structure(letter.html).words)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        *((kind, {"message": None, "reason": None, "people": []}) for kind in KINDS),
        *((kind, {"is_requester": True, "is_own": False}) for kind in KINDS),
        *((kind, {"ends_at": None, "no_end_allowed": False}) for kind in KINDS_WITHOUT_END),
    ],
)
def test_every_kind_reads_well_with_other_facts_too(kind: str, facts: dict[str, Fact]) -> None:
    item = notice(kind)

    letter = RENDERER.letter(item.model_copy(update={"facts": item.facts | facts}), secret_of(kind))

    assert "None" not in letter.text + letter.html
    assert Structure(letter.html).open == []


@pytest.mark.parametrize("kind", KINDS)
def test_both_parts_have_the_same_sentences(kind: str) -> None:
    text, html = (
        {message for _, _, message in ENGLISH.extract_translations(_source(f"{kind}/body.{end}"))}
        for end in ("txt", "html")
    )

    assert text == html


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_can_be_translated(kind: str) -> None:
    facts: dict[str, object] = {
        **dict.fromkeys(FACTS[kind], "1"),
        "due_at": END,
        "ends_at": END,
        "expires_at": END,
        "accepted_at": END,
        "people": ["1"],
        "invite_at": END,
        "last_uses": [END],
        "reader": "1",
        "number": "1",
        "process": "1",
        "subject": "1",
        "code": "1",
        "page": "1",
        "portal": "1",
        "token": "1",
        "link": "1",
        "locale": Locale("en"),
        "zone": "UTC",
    }
    for template in ("subject.txt", "body.txt", "body.html"):
        page = MARKING.get_template(f"{kind}/{template}").render(facts)

        words = " ".join(Structure(page).words) if template == "body.html" else page
        left = re.sub(r"\[\[.*?\]\]", "", words.replace(moment(END, Locale("en"), "UTC"), ""))
        assert not re.search(r"[^\W\d]", left), left
