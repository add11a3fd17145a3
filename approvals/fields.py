"""Turns what pydantic found wrong with a form into codes and sentences, none with the input."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from approvals.errors import FieldError
from approvals.texts import inert

PART_LIMIT = 64  # characters shown of a field's name, which for an unknown field is the sender's
_FORM = "The form"
_RULES = {
    "missing": "is missing.",
    "json_invalid": "is not valid JSON.",
    "string_type": "must be text.",
    "bool_type": "must be true or false.",
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "int_parsing": "must be a whole number.",
    "float_type": "must be a number.",
    "float_parsing": "must be a number.",
    "bool_parsing": "must be true or false.",
    "uuid_type": "must be an id (UUID).",
    "uuid_parsing": "must be an id (UUID).",
    "model_type": "must be an object with named fields.",
    "model_attributes_type": "must be an object with named fields.",
    "dict_type": "must be an object with named fields.",
    "list_type": "must be a list.",
    "tuple_type": "must be a list.",
}
# Their context comes from the declaration of the form, never from what was sent.
_RULES_WITH_LIMITS = {
    "literal_error": "must be {expected}.",
    "enum": "must be {expected}.",
    "union_tag_invalid": "must be one of {expected_tags}.",
    "string_too_short": "must have at least {min_length} characters.",
    "string_too_long": "may have at most {max_length} characters.",
    "too_short": "must have at least {min_length} entries.",
    "too_long": "may have at most {max_length} entries.",
    "greater_than": "must be more than {gt}.",
    "greater_than_equal": "must be at least {ge}.",
    "less_than": "must be less than {lt}.",
    "less_than_equal": "must be at most {le}.",
}


def problems(error: ValidationError) -> tuple[tuple[str, str, str], ...]:
    """List all that is wrong with a form, in its order: field path, code and sentence of each.

    A path joins names and list positions (from 0) with dots and is empty for the form as a whole.
    Codes are those of the field rules, `unknown_field`, `field_missing` and `field_invalid`.
    """
    found = error.errors(include_url=False, include_input=False)
    return tuple((_path(one), *_judged(one)) for one in found)


def _judged(one: ErrorDetails) -> tuple[str, str]:
    context = one.get("ctx", {})
    match one["type"], context.get("error"):
        case _, FieldError() as rule:
            return rule.code, rule.sentence
        case "extra_forbidden", _:
            return "unknown_field", f"'{_part(one['loc'][-1])}' is not a field of this form."
        case kind, _:
            code = "field_missing" if kind == "missing" else "field_invalid"
            return code, f"{_path(one) or _FORM} {_rule(kind, context)}"


def _rule(kind: str, context: Mapping[str, object]) -> str:
    if kind in _RULES_WITH_LIMITS:
        return _RULES_WITH_LIMITS[kind].format_map(context)
    return _RULES.get(kind, "is not valid.")


def _path(one: ErrorDetails) -> str:
    return ".".join(_part(part) for part in one["loc"])


def _part(part: str | int) -> str:
    text = inert(str(part))
    return text if len(text) <= PART_LIMIT else f"{text[:PART_LIMIT]}..."
