"""Instants, durations and end dates answer each bad input with the code of its rule."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from approvals.errors import EndDateError, FieldError
from approvals.instants import (
    EARLIEST,
    LATEST,
    LONGEST_DURATION,
    Duration,
    Instant,
    duration,
    duration_text,
    end_within,
    instant,
    say_duration,
    say_instant,
    wire_text,
)
from approvals.records import Form, Record
from tests.bad_inputs import cases, rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=30)
RECIPES = {
    "float inf": float("inf"),
    "now": "2026-03-01T00:00:00Z",
    "now - 1 s": "2026-02-28T23:59:59Z",
    "now + 1 us": "2026-03-01T00:00:00.000001Z",
    "now + 1 s": "2026-03-01T00:00:01Z",
    "now + 5 min - 1 us": "2026-03-01T00:04:59.999999Z",
    "now + 5 min": "2026-03-01T00:05:00Z",
    "now + 30 d": "2026-03-31T00:00:00Z",
    "now + 30 d + 1 s": "2026-03-31T00:00:01Z",
    "RFC3339 +05:45 offset within range": "2026-03-10T05:45:00+05:45",
    "first 02:30 of the fold with +02:00": "2026-10-25T02:30:00+02:00",
    "fraction .1234567Z truncated to microseconds": "2026-03-10T00:00:00.1234567Z",
}
EXACT = {
    "now + 5 min": NOW + SHORTEST,
    "now + 30 d": NOW + LONGEST,
    "RFC3339 +05:45 offset within range": datetime(2026, 3, 10, tzinfo=UTC),
    "first 02:30 of the fold with +02:00": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    "fraction .1234567Z truncated to microseconds": datetime(
        2026, 3, 10, 0, 0, 0, 123456, tzinfo=UTC
    ),
}
# Lengths that nothing is wrong with, but that lead to an end which the policy forbids.
WELL_FORMED = {"4m": "date_too_soon", "31d": "date_too_far"}
BERLIN = ZoneInfo("Europe/Berlin")
AWARE = st.datetimes(timezones=st.timezones() | st.just(UTC))


class Window(Form):
    """A form with an end date and a length."""

    ends_at: Instant | None = None
    length: Duration = timedelta(days=14)


class Row(Record):
    """The same in a record, which is not strict."""

    ends_at: Instant
    length: Duration


def judged(expect: str, value: object) -> None:
    """Judge one row as a grant would, with the rule that its code belongs to."""
    if expect == "duration_invalid":
        end_within(NOW + duration(value), NOW, SHORTEST, LONGEST)
    else:
        end_within(instant(value), NOW, SHORTEST, LONGEST)


def broken_rule(refusal: Exception) -> str:
    """Return the code of a broken field rule, or the rule of an end date that policy forbids."""
    match refusal:
        case FieldError():
            return refusal.code
        case EndDateError():
            return refusal.rule
    raise refusal


@pytest.mark.parametrize(("expect", "value"), cases("dates", RECIPES, elsewhere=("ACCEPT_EXACT",)))
def test_a_date_answers_each_row_as_expected(expect: str, value: object) -> None:
    with pytest.raises((FieldError, EndDateError)) as refusal:
        judged(expect, value)

    wanted = WELL_FORMED.get(value, expect) if isinstance(value, str) else expect
    assert broken_rule(refusal.value) == wanted


@pytest.mark.parametrize(
    "recipe", [row.recipe for row in rows("dates") if row.expect == "ACCEPT_EXACT"]
)
def test_an_instant_is_kept_exactly_in_utc(recipe: str) -> None:
    read = instant(RECIPES[recipe])

    assert read == EXACT[recipe]
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (1760000000, "Write the date as text with an offset; numbers are not accepted."),
        (
            "2026-03-29",
            (
                "Add a time zone to the date, for example 2026-03-29T14:00:00+02:00"
                " or 2026-03-29T12:00:00Z."
            ),
        ),
        (
            "tomorrow",
            "That is not a date we can read. Use YYYY-MM-DDTHH:MM:SS with an offset.",
        ),
    ],
)
def test_a_refused_instant_is_told_why(value: object, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        instant(value)

    assert refusal.value.sentence == sentence


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (NOW, "The end date is in the past (now: 2026-03-01 00:00:00 UTC)."),
        (NOW + timedelta(seconds=1), "Access must last at least 5 minutes."),
        (
            NOW + timedelta(days=31),
            "Access may last at most 30 days; the latest end is 2026-03-31 00:00:00 UTC.",
        ),
        (
            LATEST,
            "Access may last at most 30 days; the latest end is 2026-03-31 00:00:00 UTC.",
        ),
    ],
)
def test_a_refused_end_date_is_told_the_limit(end: datetime, sentence: str) -> None:
    with pytest.raises(EndDateError) as refusal:
        end_within(end, NOW, SHORTEST, LONGEST)

    assert str(refusal.value) == sentence


def is_within(end: datetime) -> bool:
    """Whether the policy allows an end."""
    try:
        end_within(end, NOW, SHORTEST, LONGEST)
    except EndDateError:
        return False
    return True


def test_both_bounds_of_the_policy_are_allowed_themselves() -> None:
    bounds, tick = (NOW + SHORTEST, NOW + LONGEST), timedelta(microseconds=1)

    assert [is_within(end) for end in bounds] == [True, True]
    assert [is_within(end) for end in (bounds[0] - tick, bounds[1] + tick)] == [False, False]


@pytest.mark.parametrize(("end", "rule"), [(EARLIEST, "date_in_past"), (LATEST, "date_too_far")])
def test_no_policy_is_wide_enough_for_what_utc_cannot_hold(end: datetime, rule: str) -> None:
    with pytest.raises(EndDateError) as refusal:
        end_within(end, NOW, timedelta(seconds=1), timedelta.max)

    assert refusal.value.rule == rule


@given(AWARE)
def test_an_instant_written_for_the_wire_reads_back_as_itself(moment: datetime) -> None:
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        expected = EARLIEST if moment.year == 1 else LATEST

    text = wire_text(moment)

    assert text.endswith("Z")
    assert instant(text) == expected


@given(
    st.datetimes(datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30")),
    st.integers(min_value=-1439, max_value=1439),
)
def test_any_offset_of_the_wire_is_subtracted_exactly(reading: datetime, minutes: int) -> None:
    offset = timezone(timedelta(minutes=minutes))
    text = reading.replace(tzinfo=offset).isoformat()

    moment = instant(text)

    assert moment == reading.replace(tzinfo=UTC) - timedelta(minutes=minutes)


@given(st.text(max_size=30) | st.text("-+0123456789:.TZ", max_size=32))
def test_any_text_is_an_instant_in_utc_or_breaks_a_rule(text: str) -> None:
    try:
        moment = instant(text)
    except FieldError as refusal:
        outcome = refusal.code
    else:
        outcome = str(moment.tzinfo)

    assert outcome in ("UTC", "date_must_be_text", "date_no_offset", "date_not_a_date")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2s", timedelta(seconds=2)),
        ("5m", timedelta(minutes=5)),
        ("36h", timedelta(hours=36)),
        ("14d", timedelta(days=14)),
        ("2w", timedelta(weeks=2)),
        ("36500d", LONGEST_DURATION),
    ],
)
def test_a_duration_is_one_number_and_one_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize("text", ["36501d", "5215w", "9999999999w", "3153600001s"])
def test_no_duration_is_longer_than_a_clock_can_bear(text: str) -> None:
    with pytest.raises(FieldError):
        duration(text)


def test_a_malformed_duration_is_told_the_form() -> None:
    with pytest.raises(FieldError) as refusal:
        duration("P1D")

    assert refusal.value.sentence == (
        "Write the duration as one number and one unit, such as 90s, 5m, 36h, 14d or 2w."
    )


@given(st.integers(min_value=1, max_value=36_500 * 86_400))
def test_a_duration_written_as_text_reads_back_as_itself(seconds: int) -> None:
    length = timedelta(seconds=seconds)

    assert duration(duration_text(length)) == length


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(days=14), "14 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(seconds=2), "2 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(0), "0 seconds"),
    ],
)
def test_a_duration_is_said_in_the_largest_unit_that_fits(length: timedelta, said: str) -> None:
    assert say_duration(length) == said


@pytest.mark.parametrize(
    ("moment", "zone", "said"),
    [
        ("2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-29 14:00 CEST (Europe/Berlin)"),
        ("2026-01-29T12:00:05.9Z", "Europe/Berlin", "2026-01-29 13:00:05 CET (Europe/Berlin)"),
        (
            "2026-03-29T12:00:00Z",
            "America/Sao_Paulo",
            "2026-03-29 09:00 UTC-03 (America/Sao_Paulo)",
        ),
        ("2026-03-29T12:00:00Z", "Asia/Kathmandu", "2026-03-29 17:45 UTC+0545 (Asia/Kathmandu)"),
        ("2026-03-29T12:00:00Z", "UTC", "2026-03-29 12:00 UTC"),
        ("9999-12-31T23:59:59Z", "Europe/Berlin", "9999-12-31 23:59:59 UTC"),
        ("0001-01-01T00:00:00Z", "America/New_York", "0001-01-01 00:00 UTC"),
    ],
)
def test_an_instant_is_said_as_the_zone_reads_it(moment: str, zone: str, said: str) -> None:
    assert say_instant(instant(moment), ZoneInfo(zone)) == said


def test_a_form_takes_instants_and_durations_from_json() -> None:
    text = '{"ends_at":"2026-03-29T14:00:00.1234567+02:00","length":"336h"}'

    form = Window.model_validate_json(text)

    assert form.ends_at == datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)
    assert form.model_dump_json() == '{"ends_at":"2026-03-29T12:00:00.123456Z","length":"14d"}'
    assert Window.model_validate_json(form.model_dump_json()) == form


def test_a_form_built_in_python_takes_aware_instants() -> None:
    form = Window(ends_at=datetime(2026, 3, 29, 14, tzinfo=BERLIN))

    assert form.model_dump() == {
        "ends_at": datetime(2026, 3, 29, 12, tzinfo=UTC),
        "length": timedelta(days=14),
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("ends_at", datetime.fromisoformat("2026-03-29T14:00"), "date_no_offset"),
        ("ends_at", 1760000000, "date_must_be_text"),
        ("ends_at", NOW.date(), "date_must_be_text"),
        ("length", timedelta(0), "duration_invalid"),
        ("length", timedelta(days=-1), "duration_invalid"),
        ("length", timedelta(milliseconds=1500), "duration_invalid"),
        ("length", 5, "duration_invalid"),
    ],
)
def test_a_form_built_in_python_keeps_the_rules(field: str, value: object, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Window.model_validate({field: value})

    assert refusal.value.errors()[0]["ctx"]["error"].code == code


def test_a_record_reads_the_same_text() -> None:
    row = Row.model_validate_json('{"ends_at": "9999-12-31T23:59:59-14:00", "length": "2s"}')

    assert row == Row(ends_at=LATEST, length=timedelta(seconds=2))
    assert Row.model_validate_json(row.model_dump_json()) == row
