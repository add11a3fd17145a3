"""E-mail addresses answer each bad input with the code and sentence of its rule."""

import time

import pytest
from pydantic import ValidationError

from approvals.addresses import Address, address, canonical, masked
from approvals.errors import FieldError
from approvals.records import Form
from tests.bad_inputs import cases

RECIPES = {
    "'a@'+'b'*64+'.com'": "a@" + "b" * 64 + ".com",
    "'a@'+'b.'*126+'com'": "a@" + "b." * 126 + "com",
    "'a'*64+'@example.com'": "a" * 64 + "@example.com",
    "'a'*65+'@example.com'": "a" * 65 + "@example.com",
    "'a'*1_048_576+'@example.com'": "a" * 1_048_576 + "@example.com",
}
ELSEWHERE = ("email_not_verified_identity",)  # a rule of the directory
NORMALISED = {
    "A@EXAMPLE.COM": "A@example.com",
    "a@xn--mnchen-3ya.de": "a@xn--mnchen-3ya.de",
    "a@M\u00dcNCHEN.de": "a@xn--mnchen-3ya.de",
    "a@\uff45xample.com": "a@example.com",
    "user+tag@example.com": "user+tag@example.com",
    "a.b_c-d+e@example.com": "a.b_c-d+e@example.com",
    "Postmaster@example.com": "postmaster@example.com",  # RFC 2142: the same box in any case
    "a" * 64 + "@example.com": "a" * 64 + "@example.com",
}


class Contact(Form):
    """A form with an address."""

    email: Address


@pytest.mark.parametrize(("expect", "value"), cases("emails", RECIPES, ELSEWHERE))
def test_an_address_answers_each_row_as_expected(expect: str, value: object) -> None:
    if expect == "ACCEPT_NORMALISED":
        assert address(value) == NORMALISED[str(value)]
        return

    with pytest.raises(FieldError) as refusal:
        address(value)

    assert refusal.value.code == expect


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (5, "The address must be text."),
        ("a@example.com\n", "The address contains a line break or control character."),
        (
            "a@localhost",
            "The part after the @-sign is not valid. It should have a period.",
        ),
        ("a@\ud800.com", "The address is not valid Unicode text."),
        (f"{'a' * 243}@example.com", "The address is 255 characters; the limit is 254."),
        ("a@example.test", "That domain cannot receive e-mail."),
        (
            "a%b@example.com",
            "The part before the @ must be plain letters, digits and . _ + - (at most 64).",
        ),
    ],
)
def test_a_refused_address_is_told_why(value: object, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        address(value)

    assert refusal.value.sentence == sentence


@pytest.mark.parametrize("text", [text for text in NORMALISED if text.isascii()])
def test_a_normalised_address_is_taken_again_unchanged(text: str) -> None:
    normalised = address(text)

    assert address(normalised) == normalised


def test_a_megabyte_is_refused_before_the_checker_reads_it() -> None:
    started = time.perf_counter()

    with pytest.raises(FieldError):
        address("a@" + "\u0621" * 1_000_000)

    assert time.perf_counter() - started < 2


def test_addresses_that_differ_only_in_case_are_one_account() -> None:
    assert canonical(address("Ann@EXAMPLE.com")) == canonical(address("aNN@example.com"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@example.com", "a***@example.com"),
        ("a@example.com", "a***@example.com"),
        ("", "***"),
        ("nobody", "***"),
    ],
)
def test_a_masked_address_shows_one_letter_and_the_domain(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_form_takes_an_address_from_json_and_from_python() -> None:
    form = Contact.model_validate_json('{"email": "Ann@EXAMPLE.com"}')

    assert form == Contact(email="Ann@example.com")


def test_a_form_refuses_an_address_by_its_rule() -> None:
    with pytest.raises(ValidationError) as refusal:
        Contact.model_validate_json('{"email": "ann"}')

    assert refusal.value.errors()[0]["ctx"]["error"].code == "email_invalid"
