"""What is wrong with a form is told by field, code and sentence, and never with the input."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import Field, ValidationError

from approvals.addresses import Address
from approvals.fields import problems
from approvals.instants import Instant
from approvals.records import Form
from approvals.slugs import Slug
from approvals.texts import Message, Reason, RequestName


class Mode(StrEnum):
    CONFIGURE = "configure"
    SUPPORT = "support"


class Contact(Form):
    email: Address


class Request(Form):
    name: RequestName
    reason: Reason
    message: Message = None
    ends_at: Instant | None = None
    tenant: Slug = "acme"
    mode: Mode = Mode.SUPPORT
    kind: Literal["request"] = "request"
    batch: UUID | None = None
    count: int = Field(default=1, ge=1, le=9)
    is_urgent: bool = False
    note: str = Field(default="", max_length=3)
    code: Annotated[str, Field(pattern=r"^\d{6}\z")] = "000000"
    people: tuple[UUID, ...] = Field(default=(), max_length=2)
    contacts: tuple[Contact, ...] = ()


def problems_of(text: str) -> tuple[tuple[str, str, str], ...]:
    with pytest.raises(ValidationError) as refusal:
        Request.model_validate_json(text)

    return problems(refusal.value)


def test_every_broken_rule_is_told_with_its_own_code_and_sentence() -> None:
    found = problems_of(
        '{"name": "", "reason": null, "message": 5, "ends_at": "2026-03-29", "tenant": "root",'
        ' "contacts": [{"email": "a@example.com"}, {"email": 5}]}'
    )

    assert [(path, code) for path, code, _ in found] == [
        ("name", "name_empty"),
        ("reason", "reason_required"),
        ("message", "message_not_text"),
        ("ends_at", "date_no_offset"),
        ("tenant", "tenant_reserved"),
        ("contacts.1.email", "email_not_text"),
    ]
    assert found[4][2] == "That name is reserved."


def test_a_missing_name_or_reason_gets_the_sentence_of_its_rule() -> None:
    assert problems_of("{}") == (
        ("name", "name_empty", "Enter a name for the request."),
        ("reason", "reason_required", "Give a reason for denying this request."),
    )


def test_any_other_missing_field_is_named() -> None:
    found = problems_of('{"name": "A", "reason": "no", "contacts": [{}]}')

    assert found == (("contacts.0.email", "field_missing", "contacts.0.email is missing."),)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ('"mode": "admin"', "mode must be 'configure' or 'support'."),
        ('"kind": "offer"', "kind must be 'request'."),
        ('"batch": "zz"', "batch must be an id (UUID)."),
        ('"batch": 5', "batch must be an id (UUID)."),
        ('"count": "5"', "count must be a whole number."),
        ('"count": 1.5', "count must be a whole number."),
        ('"count": 0', "count must be at least 1."),
        ('"count": 10', "count must be at most 9."),
        ('"is_urgent": 1', "is_urgent must be true or false."),
        ('"note": 1', "note must be text."),
        ('"note": "abcd"', "note may have at most 3 characters."),
        ('"code": "12345"', "code is not valid."),
        ('"people": "ab"', "people must be a list."),
        ('"contacts": [7]', "contacts.0 must be an object with named fields."),
        ('"contacts": {}', "contacts must be a list."),
    ],
)
def test_a_field_of_the_wrong_kind_is_told_what_it_must_be(value: str, sentence: str) -> None:
    found = problems_of(f'{{"name": "A", "reason": "no", {value}}}')

    assert [(code, said) for _, code, said in found] == [("field_invalid", sentence)]


def test_too_many_entries_are_told_the_limit() -> None:
    people = ", ".join([f'"{UUID(int=7)}"'] * 3)

    found = problems_of(f'{{"name": "A", "reason": "no", "people": [{people}]}}')

    assert found == (("people", "field_invalid", "people may have at most 2 entries."),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "The form must be an object with named fields."),
        ("null", "The form must be an object with named fields."),
        ("{bad", "The form is not valid JSON."),
        (r'{"name": "\ud800"}', "The form is not valid JSON."),
    ],
)
def test_what_is_no_form_at_all_is_told_without_a_field(text: str, sentence: str) -> None:
    assert problems_of(text) == (("", "field_invalid", sentence),)


@pytest.mark.parametrize("field", ["is_approved", "approver_id", "__class__"])
def test_an_unknown_field_is_named(field: str) -> None:
    found = problems_of(f'{{"name": "A", "reason": "no", "{field}": true}}')

    assert found == ((field, "unknown_field", f"'{field}' is not a field of this form."),)


def test_the_name_of_an_unknown_field_can_neither_act_nor_fill_the_page() -> None:
    found = problems_of(r'{"name": "A", "reason": "no", "\u001b]0;x": 1, "%s": 1}' % ("a" * 999))

    paths = {path for path, _, _ in found}
    assert paths == {r"\x1b]0;x", "a" * 64 + "..."}
    assert all(len(sentence) < 120 for _, _, sentence in found)


def test_no_sentence_tells_what_was_sent() -> None:
    fields = ("message", "ends_at", "tenant", "mode", "kind", "batch", "count", "note", "people")
    sent = ", ".join(f'"{field}": "S3CRET\\u0007"' for field in ("name", "reason", *fields))

    found = problems_of(f"{{{sent}}}")

    assert len(found) == 11
    assert not any("S3CRET" in sentence for _, _, sentence in found)
