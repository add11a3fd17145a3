"""The table of areas and levels, and how people write privileges."""

from typing import Any

import pytest
from pydantic import ValidationError

from approvals.contacts.months import Rhythm, following
from approvals.fields import problems
from approvals.site_access.commands import Add, Ask, Grant
from approvals.site_access.privileges import (
    HIGHEST,
    LABELS,
    LEAST,
    LEVELS,
    Area,
    Level,
    covers,
    pairs,
)
from tests.approvals.test_addresses import ELSEWHERE
from tests.approvals.test_addresses import RECIPES as EMAILS
from tests.approvals.test_texts import MESSAGE_RECIPES as MESSAGES
from tests.bad_inputs import cases
from tests.factories import START
from tests.sites import SITE, levels

ADD = {
    "site": SITE.slug,
    "email": "polly@example.com",
    "name": "Aunt Polly",
    "privileges": {"purchase": "view"},
}


def codes(
    form: type[Grant] | type[Add] | type[Ask], fields: dict[str, Any]
) -> list[tuple[str, str]]:
    """Return field and code of everything that is wrong."""
    with pytest.raises(ValidationError) as broken:
        form.model_validate(fields)
    return [(path, code) for path, code, _ in problems(broken.value)]


def test_the_table_of_areas_and_levels() -> None:
    assert {area.value: [one.value for one in allowed] for area, allowed in LEVELS.items()} == {
        "purchase": ["none", "view", "update"],
        "reporting": ["none", "view", "update"],
        "entitlements": ["none", "view", "update"],
        "allocations": ["none", "view", "update"],
        "manage_access": ["none", "view", "update"],
        "contact_updates": ["none", "view", "update"],
        "contacts_overview": ["view"],
        "documents": ["none", "view"],
    }
    assert set(LABELS) == set(Area)
    assert HIGHEST[Area.DOCUMENTS] is Level.VIEW


def test_levels_cover_what_is_below_them_and_unknown_words_nothing() -> None:
    assert [covers("view", one) for one in ("none", "view", "update", "all")] == [
        True,
        True,
        False,
        False,
    ]
    assert not covers(None, "view")
    assert not covers("everything", "view")


def test_areas_that_are_left_out_have_their_least_level() -> None:
    given = Grant.model_validate({"privileges": {"purchase": "update"}}).privileges

    assert given == {**LEAST, Area.PURCHASE: Level.UPDATE}
    assert pairs(given)[0] == ("purchase", "update")
    assert levels()[Area.CONTACTS_OVERVIEW] is Level.VIEW


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "privileges_empty"),
        ({"purchase": "none"}, "privileges_empty"),
        ([], "privileges_not_table"),
        ("purchase=view", "privileges_not_table"),
        ({"Purchase": "view"}, "area_unknown"),
        ({"purchase ": "view"}, "area_unknown"),
        ({"x" * 5000: "view"}, "area_unknown"),
        ({"purchase": "admin"}, "level_unknown"),
        ({"purchase": ["view"]}, "level_unknown"),
        ({"purchase": None}, "level_unknown"),
        ({"documents": "update"}, "level_unknown"),
        ({"contacts_overview": "none"}, "level_unknown"),
    ],
)
def test_privileges_that_are_none_are_named_with_field_and_rule(given: object, code: str) -> None:
    assert codes(Grant, {"privileges": given}) == [("privileges", code)]


@pytest.mark.parametrize(("expect", "value"), cases("emails", EMAILS, ELSEWHERE))
def test_the_address_of_a_user_answers_each_row_as_expected(expect: str, value: object) -> None:
    if expect.startswith("ACCEPT"):
        assert Add.model_validate({**ADD, "email": value}).email.isascii()
        return

    assert codes(Add, {**ADD, "email": value}) == [("email", expect)]


@pytest.mark.parametrize(("expect", "value"), cases("messages", MESSAGES))
def test_the_message_to_the_contacts_answers_each_row_as_expected(
    expect: str, value: object
) -> None:
    """An asking person's message is optional; a reason that is missing is another rule's."""
    if expect.startswith("ACCEPT") or expect == "reason_required":
        Ask.model_validate({"site": SITE.slug, "message": value})
        return

    assert codes(Ask, {"site": SITE.slug, "message": value}) == [("message", expect)]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "name_empty"),
        ("name", "Ann\r\nBcc: x@example.com", "name_control_char"),
        ("name", "=?utf-8?q?x?=", "name_encoded_word"),
        ("name", "A" * 121, "name_too_long"),
        ("name", 7, "name_not_text"),
        ("locale", "../de", "locale_malformed"),
        ("locale", 1, "locale_malformed"),
        ("site", "St Petersburg", "tenant_malformed"),
        ("site", "admin", "tenant_reserved"),
        ("is_admin", True, "unknown_field"),
    ],
)
def test_what_else_is_wrong_with_a_user_to_add_is_named(field: str, value: Any, code: str) -> None:
    assert codes(Add, {**ADD, field: value}) == [(field, code)]


def test_a_month_is_followed_by_the_next_one_over_the_year() -> None:
    assert [following(one) for one in ("2026-01", "2026-11", "2026-12")] == [
        "2026-02",
        "2026-12",
        "2027-01",
    ]


def test_a_rhythm_has_the_month_of_its_own_clock() -> None:
    late = START.replace(month=2, day=28, hour=23)

    assert Rhythm(day=1, zone="Asia/Tokyo").month(late) == "2026-03"
    assert Rhythm(day=1).month(late) == "2026-02"
