"""A tenant's slug answers each bad input with the code and sentence of its rule."""

import pytest
from pydantic import ValidationError

from approvals.errors import FieldError
from approvals.records import Form
from approvals.slugs import RESERVED, Slug, slug
from tests.bad_inputs import cases

RECIPES = {
    "'a'*64": "a" * 64,
    "'a'*62+'-'": "a" * 62 + "-",
    "'a'*1_048_576": "a" * 1_048_576,
}
ELSEWHERE = ("not_found", "tenant_conflict")  # rules of the directory and of requests


class Named(Form):
    """A form with a tenant."""

    tenant: Slug


@pytest.mark.parametrize(("expect", "value"), cases("tenants", RECIPES, ELSEWHERE))
def test_a_slug_answers_each_row_as_expected(expect: str, value: object) -> None:
    with pytest.raises(FieldError) as refusal:
        slug(value)

    assert refusal.value.code == expect


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (5, "The tenant must be text."),
        ("Acme", "Tenant ids use a-z, 0-9 and '-', 1 to 63 characters."),
        ("admin", "That name is reserved."),
    ],
)
def test_a_refused_slug_is_told_why(value: object, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        slug(value)

    assert refusal.value.sentence == sentence


@pytest.mark.parametrize(
    "text", ["a", "0", "a--b", "hundred-acre-wood", "does-not-exist", "admins", "a" * 63]
)
def test_a_well_formed_slug_is_taken_as_typed(text: str) -> None:
    assert slug(text) == text


@pytest.mark.parametrize("text", sorted(RESERVED))
def test_no_tenant_bears_a_name_that_we_use_ourselves(text: str) -> None:
    with pytest.raises(FieldError) as refusal:
        slug(text)

    assert refusal.value.code == "tenant_reserved"


def test_a_form_takes_a_slug_from_json_and_from_python() -> None:
    assert Named.model_validate_json('{"tenant": "acme"}') == Named(tenant="acme")


def test_a_form_refuses_a_slug_by_its_rule() -> None:
    with pytest.raises(ValidationError) as refusal:
        Named.model_validate_json('{"tenant": "root"}')

    assert refusal.value.errors()[0]["ctx"]["error"].code == "tenant_reserved"
