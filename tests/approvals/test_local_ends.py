"""End dates as people type them, in zones whose clocks change: read as meant, or refused."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.errors import FieldError
from approvals.instants import LATEST, local_end

# Changes at midnight, by half an hour, across a date line, in Ramadan, by two hours, or never.
ZONES = tuple(
    map(
        ZoneInfo,
        (
            *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Atlantic/Azores"),
            *("America/New_York", "America/St_Johns", "America/Havana", "America/Santiago"),
            *("America/Nuuk", "America/Scoresbysund", "America/Sao_Paulo", "Africa/Cairo"),
            *("Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem"),
            *("Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Easter", "Antarctica/Troll"),
        ),
    )
)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
WALL_TIMES = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None))
BERLIN = ZoneInfo("Europe/Berlin")


def reading(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@cache
def transitions(zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the UTC instants from 2026 to 2030 at which the zone's offset changes."""
    days = (FIRST + timedelta(days=number) for number in range((LAST - FIRST).days))
    halves = (
        day + timedelta(minutes=30 * number)
        for day in days
        if changes(zone, day, timedelta(days=1))
        for number in range(48)
    )
    return tuple(
        half + timedelta(minutes=30)
        for half in halves
        if changes(zone, half, timedelta(minutes=30))
    )


def changes(zone: ZoneInfo, moment: datetime, within: timedelta) -> bool:
    before, after = moment.astimezone(zone), (moment + within).astimezone(zone)
    return before.utcoffset() != after.utcoffset()


def instants_that_read(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Find, from UTC alone, every instant that the zone's clock shows as *local*."""
    offsets = {
        (local.replace(tzinfo=UTC) + timedelta(hours=hours)).astimezone(zone).utcoffset()
        for hours in range(-48, 49, 6)
    }
    candidates = (local.replace(tzinfo=UTC) - offset for offset in offsets if offset is not None)
    return sorted(moment for moment in candidates if reading(moment, zone) == local)


def assert_the_reading_or_a_refusal(local: datetime, zone: ZoneInfo) -> None:
    meant = instants_that_read(local, zone)

    if len(meant) == 1:
        assert local_end(local.isoformat(), zone) == meant[0]
        return

    with pytest.raises(FieldError) as refusal:
        local_end(local.isoformat(), zone)
    assert refusal.value.code == "date_no_offset"


def test_the_zones_change_their_clocks_often_enough_to_tell() -> None:
    assert len(ZONES) == 20
    assert sum(len(transitions(zone)) for zone in ZONES) > 180


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_local_time_near_any_clock_change_is_read_as_shown_or_refused(zone: ZoneInfo) -> None:
    for change in transitions(zone) or (FIRST,):
        around = reading(change, zone)

        for minutes in range(-180, 181, 15):
            assert_the_reading_or_a_refusal(around + timedelta(minutes=minutes), zone)


@given(
    st.sampled_from(ZONES),
    st.data(),
    st.integers(min_value=-3 * 3600, max_value=3 * 3600),
)
def test_any_second_near_any_clock_change_is_read_as_shown_or_refused(
    zone: ZoneInfo, data: st.DataObject, seconds: int
) -> None:
    change = data.draw(st.sampled_from(transitions(zone) or (FIRST,)))

    assert_the_reading_or_a_refusal(reading(change, zone) + timedelta(seconds=seconds), zone)


@given(st.sampled_from(ZONES), WALL_TIMES)
def test_any_local_time_is_read_as_shown_or_refused(zone: ZoneInfo, local: datetime) -> None:
    assert_the_reading_or_a_refusal(local.replace(microsecond=0), zone)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_a_date_ends_when_the_zone_first_shows_a_later_one(zone: ZoneInfo) -> None:
    for change in transitions(zone) or (FIRST,):
        for days in (-1, 0, 1):
            day = reading(change, zone).date() + timedelta(days=days)

            end = local_end(day.isoformat(), zone)

            assert reading(end, zone).date() == day + timedelta(days=1)
            assert reading(end - timedelta.resolution, zone).date() == day


@pytest.mark.parametrize(
    ("text", "zone", "end"),
    [
        ("2026-03-28", "Europe/Berlin", "2026-03-28T23:00:00+00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00+00:00"),  # 23 hours long
        ("2026-04-23", "Africa/Cairo", "2026-04-23T22:00:00+00:00"),  # no midnight
        ("2026-10-31", "America/Havana", "2026-11-01T04:00:00+00:00"),  # two midnights
        ("2026-03-29T14:00", "Europe/Berlin", "2026-03-29T12:00:00+00:00"),
        ("2026-03-29T14:00:05", "Asia/Kathmandu", "2026-03-29T08:15:05+00:00"),
        ("2026-03-29T14:00:00+05:45", "Europe/Berlin", "2026-03-29T08:15:00+00:00"),
        ("2026-10-25T02:30:00+02:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        ("2028-02-29", "UTC", "2028-03-01T00:00:00+00:00"),
    ],
)
def test_an_end_date_is_read_where_it_is_typed(text: str, zone: str, end: str) -> None:
    read = local_end(text, ZoneInfo(zone))

    assert read.isoformat() == end
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "2026-03-29T02:30",
            (
                "The clocks change: in Europe/Berlin the clock never shows 2026-03-29 02:30."
                " Write the offset you mean:"
                " 2026-03-29T02:30:00+01:00 or 2026-03-29T02:30:00+02:00."
            ),
        ),
        (
            "2026-10-25T02:30:00",
            (
                "The clocks change: in Europe/Berlin the clock shows 2026-10-25 02:30 twice."
                " Write the offset you mean:"
                " 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00."
            ),
        ),
    ],
)
def test_a_time_that_a_clock_change_skips_or_doubles_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(FieldError) as refusal:
        local_end(text, BERLIN)

    assert refusal.value.code == "date_no_offset"
    assert refusal.value.sentence == sentence


def test_a_day_whose_end_lies_inside_a_skipped_hour_is_refused() -> None:
    # Toronto went from 23:30 to 00:30 that night; no zone does so today, but one may again.
    with pytest.raises(FieldError) as refusal:
        local_end("1919-03-30", ZoneInfo("America/Toronto"))

    assert refusal.value.code == "date_no_offset"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "date_not_a_date"),
        ("tomorrow", "date_not_a_date"),
        ("2026-02-30", "date_not_a_date"),
        ("2026-02-30T10:00", "date_not_a_date"),
        ("2026-03-29T24:00", "date_not_a_date"),
        ("2026-03-29T23:59:60", "date_not_a_date"),
        ("2026-03-29 14:00", "date_not_a_date"),
        ("2026-03-29T14", "date_not_a_date"),
        ("2026-3-29", "date_not_a_date"),
        ("2026-03-29\n", "date_not_a_date"),
        ("\u0662026-03-29", "date_not_a_date"),
        ("2026-03-29T14:00:00.5", "date_no_offset"),
        ("20260329", "date_must_be_text"),
    ],
)
def test_what_is_no_date_is_refused_where_it_is_typed(text: str, code: str) -> None:
    with pytest.raises(FieldError) as refusal:
        local_end(text, BERLIN)

    assert refusal.value.code == code


def test_the_last_day_of_the_calendar_ends_too_late_for_utc() -> None:
    assert local_end("9999-12-31", BERLIN) == LATEST
