"""Names, messages and reasons answer each bad input with the code and sentence of its rule."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from approvals.errors import FieldError
from approvals.records import Form
from approvals.texts import (
    INVISIBLE,
    DisplayName,
    Message,
    Reason,
    RequestName,
    display_name,
    inert,
    message,
    reason,
    request_name,
)
from tests.bad_inputs import cases

NAME_RECIPES = {
    "field missing": None,
    "'a'*120": "a" * 120,
    "'a'*121": "a" * 121,
    "'a'*1_048_576": "a" * 1_048_576,
    "' '*121": " " * 121,
    "'\\x00'*121": "\x00" * 121,
    "'\\u7533'*120": "\u7533" * 120,
    "'\\ud800'*121": "\ud800" * 121,
    "'\\U0001F468\\u200D\\U0001F469'*60": "\U0001f468\u200d\U0001f469" * 60,
}
MESSAGE_RECIPES = {
    "deny with the field missing": None,
    "'a'*2000": "a" * 2000,
    "'a'*2001": "a" * 2001,
    "'a'*65_536": "a" * 65_536,
    "' '*2001": " " * 2001,
    "'\\n'*2001": "\n" * 2001,
    "'\\x00'*2001": "\x00" * 2001,
    "'\\r\\n'*2000": "\r\n" * 2000,
    "'\\r\\n'*2001": "\r\n" * 2001,
    "'a'*1999+'\\r\\n'": "a" * 1999 + "\r\n",
    "'a'*1999+'\\r\\n\\r\\n'": "a" * 1999 + "\r\n\r\n",
    "'\\ufb2c'*1000 (three characters each in NFC)": "\ufb2c" * 1000,
    "'\\ud83d'*2001": "\ud83d" * 2001,
    "1_000_000 x 'A' as multipart part": "A" * 1_000_000,
    "bytes ff fe fd in a form field": b"\xff\xfe\xfd".decode("utf-8", "surrogateescape"),
}
NORMALISED = {
    "a\r\nb": "a\nb",
    "a\rb": "a\nb",
    "a\r\r\nb": "a\n\nb",
    "line1\n\n\nline2": "line1\n\n\nline2",
    "e\u0301": "\u00e9",
    "\u00e9 e\u0301": "\u00e9 \u00e9",
    "a \t\n\n": "a",
    "  a\tb": "  a\tb",
}
ANY_TEXT = st.text(st.characters(codec=None), max_size=40)


class Request(Form):
    """A form with every kind of text."""

    name: RequestName
    reason: Reason
    message: Message = None
    sender: DisplayName | None = None


@pytest.mark.parametrize(("expect", "value"), cases("names", NAME_RECIPES))
def test_a_display_name_answers_each_row_as_expected(expect: str, value: object) -> None:
    if expect == "ACCEPT_INERT":
        assert display_name(value) == value
        return

    with pytest.raises(FieldError) as refusal:
        display_name(value)

    assert refusal.value.code == expect


@pytest.mark.parametrize(("expect", "value"), cases("names", NAME_RECIPES))
def test_a_request_name_answers_each_row_by_its_own_alphabet(expect: str, value: object) -> None:
    if expect == "ACCEPT_INERT" and re.fullmatch(r"[A-Za-z0-9]{1,64}", str(value)):
        assert request_name(value) == value
        return
    if expect in ("ACCEPT_INERT", "name_encoded_word"):
        expect = "name_too_long" if len(str(value)) > 64 else "name_char"

    with pytest.raises(FieldError) as refusal:
        request_name(value)

    assert refusal.value.code == expect


@pytest.mark.parametrize(("expect", "value"), cases("messages", MESSAGE_RECIPES))
def test_a_reason_answers_each_row_as_expected(expect: str, value: object) -> None:
    if expect == "ACCEPT_NORMALISED":
        assert reason(value) == NORMALISED[str(value)]
        return
    if expect == "ACCEPT_INERT":
        assert reason(value) == str(value).rstrip()
        return

    with pytest.raises(FieldError) as refusal:
        reason(value)

    assert refusal.value.code == expect


@pytest.mark.parametrize(("expect", "value"), cases("messages", MESSAGE_RECIPES))
def test_a_message_differs_from_a_reason_only_in_being_optional(expect: str, value: object) -> None:
    if expect == "reason_required":
        assert message(value) is None
        return
    if expect.startswith("ACCEPT"):
        assert message(value) == reason(value)
        return

    with pytest.raises(FieldError) as refusal:
        message(value)

    assert refusal.value.code == expect


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (5, "The name must be text."),
        ("\ud800", "The name is not valid Unicode text."),
        ("a" * 65, "The name is 65 characters; the limit is 64."),
        ("", "Enter a name for the request."),
        (
            "ab\n",
            (
                "The name contains a line break or control character at position 3."
                " Use one line of plain text."
            ),
        ),
        (
            "a\u202eb",
            (
                "The name contains an invisible or direction-changing character (U+202E)"
                " at position 2."
            ),
        ),
        (
            "Support Access",
            "The name may contain only letters A-Z, a-z and digits (U+0020 at position 8).",
        ),
        (
            "a\U0001f468",
            "The name may contain only letters A-Z, a-z and digits (U+1F468 at position 2).",
        ),
    ],
)
def test_a_refused_request_name_is_told_why(value: object, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        request_name(value)

    assert refusal.value.sentence == sentence


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (5, "The message must be text."),
        ("\ud800", "The message is not valid Unicode text."),
        ("a" * 2001, "The message is 2001 characters; the limit is 2000."),
        (None, "Give a reason for denying this request."),
        ("a\r\nb\x1b", "The message contains a control character (U+001B) at position 4."),
        (
            "\U000e0041a",
            "The message contains a direction-changing character (U+E0041) at position 1.",
        ),
    ],
)
def test_a_refused_reason_is_told_why(value: object, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        reason(value)

    assert refusal.value.sentence == sentence


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        ("revoking this access", "Give a reason for revoking this access."),
        ("", "Give a reason."),
    ],
)
def test_a_missing_reason_takes_the_verb_of_its_command(why: str, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        reason(None, why)

    assert refusal.value.sentence == sentence


def test_a_display_name_may_not_carry_an_encoded_word() -> None:
    with pytest.raises(FieldError) as refusal:
        display_name("=?utf-8?q?Ann?=")

    assert refusal.value.sentence == "The name may not contain '=?' sequences."


def test_a_display_name_loses_only_the_blanks_around_it() -> None:
    assert display_name("\u00a0 Caroline  Herschel ") == "Caroline  Herschel"


@pytest.mark.parametrize("name", ["A", "0", "SupportAccess", "a" * 64])
def test_a_request_name_of_letters_and_digits_is_taken_as_typed(name: str) -> None:
    assert request_name(name) == name


@pytest.mark.parametrize("char", sorted(INVISIBLE))
def test_every_invisible_character_is_refused_in_names_and_messages(char: str) -> None:
    with pytest.raises(FieldError) as in_name:
        display_name(f"a{char}b")
    with pytest.raises(FieldError) as in_message:
        message(f"a{char}b")

    assert in_name.value.code == "name_invisible_char"
    assert in_message.value.code == "message_invisible_char"


@given(ANY_TEXT)
def test_a_display_name_that_was_taken_is_taken_again_unchanged(text: str) -> None:
    try:
        taken = display_name(text)
    except FieldError:
        return

    assert display_name(taken) == taken


@given(ANY_TEXT)
def test_a_message_that_was_taken_is_taken_again_unchanged(text: str) -> None:
    try:
        taken = message(text)
    except FieldError:
        return

    assert message(taken) == taken


@given(ANY_TEXT)
def test_inert_text_stays_on_one_line_and_hides_nothing(text: str) -> None:
    shown = inert(text)

    assert len(shown.splitlines()) <= 1
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
    assert inert(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u7533\u8acb <b>%s</b>", "plain \u7533\u8acb <b>%s</b>"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("deny\u202etnarg", r"deny\u202etnarg"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\u3164", r"\u3164"),
        (r"\\host\share", r"\\host\share"),
    ],
)
def test_untrusted_text_is_written_so_that_it_cannot_act(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_a_form_takes_and_keeps_texts_as_json() -> None:
    form = Request.model_validate_json(
        r'{"name": "Abc1", "reason": "no\r\n", "message": "", "sender": " Ann "}'
    )

    assert form == Request(name="Abc1", reason="no", message=None, sender="Ann")
    assert Request.model_validate_json(form.model_dump_json()) == form


def test_a_form_without_its_texts_gets_the_sentences_of_their_rules() -> None:
    with pytest.raises(ValidationError) as refusal:
        Request.model_validate({})

    found = [one["ctx"]["error"].code for one in refusal.value.errors()]
    assert found == ["name_empty", "reason_required"]
