"""Field rules for instants, durations and end dates: text in, aware UTC out, and back to text."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer

from approvals.errors import EndDateError, FieldError, say

# Instants that UTC cannot hold are moved here; `end_within` calls them past and too far.
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
LONGEST_DURATION = timedelta(days=36_500)  # so that adding one to a clock never overflows

_DAY = r"(\d{4})-(\d\d)-(\d\d)"
_DATE = re.compile(_DAY, re.ASCII)
_LOCAL = re.compile(rf"{_DAY}T(\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
_WITHOUT_OFFSET = re.compile(rf"{_DAY}(?:T\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?)?", re.ASCII)
_WIRE = re.compile(
    rf"{_DAY}T(\d\d):(\d\d):(\d\d)(?:\.(\d{{1,9}}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_DURATION = re.compile(r"([1-9]\d{0,9})([smhdw])", re.ASCII)
_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_WORDS = {"d": "day", "h": "hour", "m": "minute", "s": "second"}


def instant(value: object) -> datetime:
    """Read a date-time with offset, as the wire writes it (RFC 3339, capital T and Z).

    The result is aware UTC, a fraction cut to microseconds; what UTC cannot hold becomes EARLIEST
    or LATEST. Raises FieldError with date_must_be_text, date_no_offset or date_not_a_date.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        raise FieldError(
            "date_must_be_text",
            "Write the date as text with an offset; numbers are not accepted.",
        )
    if _WITHOUT_OFFSET.fullmatch(value):
        raise _no_offset()
    found = _WIRE.fullmatch(value)
    if found is None:
        raise _not_a_date()
    *parts, fraction, sign, hours, minutes = found.groups()
    microsecond = (fraction or "").ljust(6, "0")[:6]
    return _utc(_moment(_offset(sign, hours, minutes), *parts, microsecond))


def wire_text(moment: datetime) -> str:
    """Write an aware instant as the wire reads it: UTC with Z, microseconds where there are any."""
    return _utc(moment).isoformat().replace("+00:00", "Z")


def duration(value: object) -> timedelta:
    """Read one whole number and one unit (s, m, h, d, w), such as 36h: 1 second to 36,500 days.

    Raises FieldError with duration_invalid.
    """
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > LONGEST_DURATION / _UNITS[found[2]]:
        raise FieldError(
            "duration_invalid",
            "Write the duration as one number and one unit, such as 90s, 5m, 36h, 14d or 2w.",
        )
    return int(found[1]) * _UNITS[found[2]]


def duration_text(length: timedelta) -> str:
    """Write a duration of whole seconds as `duration` reads it, in the largest unit that fits."""
    count, unit = _counted(length)
    return f"{count}{unit}"


def say_duration(length: timedelta) -> str:
    """Write a duration for people in the largest of days to seconds that fits: "36 hours"."""
    count, unit = _counted(length)
    return f"{count} {_WORDS[unit]}{'' if count == 1 else 's'}"


def end_within(end: datetime, now: datetime, shortest: timedelta, longest: timedelta) -> None:
    """Require an end date after *now* by at least *shortest* and at most *longest*.

    All instants are aware; both bounds are allowed themselves. Raises EndDateError with the rule
    date_in_past, date_too_soon or date_too_far.
    """
    if end <= now:
        raise EndDateError("date_in_past", f"The end date is in the past (now: {say(now)}).")
    if end - now < shortest:
        raise EndDateError("date_too_soon", f"Access must last at least {say_duration(shortest)}.")
    if end - now > longest or end >= LATEST:
        latest = now + min(longest, LATEST - now)
        raise EndDateError(
            "date_too_far",
            f"Access may last at most {say_duration(longest)}; the latest end is {say(latest)}.",
        )


def local_end(text: str, zone: ZoneInfo) -> datetime:
    """Read an end date as people type it where *zone* is local; the result is aware UTC.

    A date means the end of that day, a date-time without offset the local time; all that
    `instant` reads is read too. Raises FieldError as `instant` does, and date_no_offset for a
    local time that a clock change skips or doubles.
    """
    if found := _DATE.fullmatch(text):
        return _end_of_day(_moment(zone, *found.groups()))
    if found := _LOCAL.fullmatch(text):
        return _local(_moment(zone, *found.groups()))
    return instant(text)


def say_instant(moment: datetime, zone: ZoneInfo) -> str:
    """Write an aware instant as people in *zone* read it: "2026-03-29 14:00 CEST (Europe/Berlin)".

    Seconds are shown when they are not zero, fractions never.
    """
    try:
        local = moment.astimezone(zone)
    except OverflowError:
        local = moment.astimezone(UTC)  # the clamped instants have no reading in every zone
        return f"{_reading(local)} UTC"
    name = local.strftime("%Z")
    if name[:1] in ("+", "-"):  # zones without letters of their own
        name = f"UTC{name}"
    return f"{_reading(local)} {name}" + ("" if name == str(zone) else f" ({zone})")


def _instant_field(value: object) -> datetime:
    if not isinstance(value, datetime):
        return instant(value)
    if value.utcoffset() is None:
        raise _no_offset()
    return _utc(value)


def _duration_field(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return duration(duration_text(value) if not value.microseconds else None)
    return duration(value)


Instant = Annotated[
    datetime,
    BeforeValidator(_instant_field),
    PlainSerializer(wire_text, return_type=str, when_used="json"),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration_field),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
]


def _no_offset() -> FieldError:
    return FieldError(
        "date_no_offset",
        "Add a time zone to the date, for example 2026-03-29T14:00:00+02:00"
        " or 2026-03-29T12:00:00Z.",
    )


def _not_a_date() -> FieldError:
    return FieldError(
        "date_not_a_date",
        "That is not a date we can read. Use YYYY-MM-DDTHH:MM:SS with an offset.",
    )


def _moment(offset: tzinfo, *parts: str | None) -> datetime:
    # Not fromisoformat: newer Pythons read 24:00 there.
    numbers = [int(part or 0) for part in parts]
    year, month, day, hour, minute, second, microsecond = (numbers + [0] * 4)[:7]
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, offset)
    except ValueError:
        raise _not_a_date() from None


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> timezone:
    hour, minute = int(hours or 0), int(minutes or 0)
    if hour > 23 or minute > 59:
        raise _not_a_date()
    ahead = timedelta(hours=hour, minutes=minute)
    return timezone(-ahead if sign == "-" else ahead)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return EARLIEST if moment.year == 1 else LATEST


def _end_of_day(day: datetime) -> datetime:
    """Return the first instant that the zone of *day*, a local midnight, reads as a later date."""
    try:
        midnight = day + timedelta(days=1)  # on the wall: the zone plays no part
    except OverflowError:
        return LATEST
    # Where midnight is doubled, its first time ends the day; where the clocks skip it from the
    # stroke on, the offset before the change names the change itself, which ends the day too.
    end = _utc(midnight)
    if (end - timedelta.resolution).astimezone(day.tzinfo) >= midnight:
        raise _unclear(midnight)  # skipped from before midnight on: rare, and unclear
    return end


def _local(reading: datetime) -> datetime:
    if reading.utcoffset() != reading.replace(fold=1).utcoffset():
        raise _unclear(reading)
    return _utc(reading)


def _unclear(reading: datetime) -> FieldError:
    choices = (reading, reading.replace(fold=1))
    is_doubled = choices[0].astimezone(UTC) < choices[1].astimezone(UTC)
    shows = f"shows {_reading(reading)} twice" if is_doubled else f"never shows {_reading(reading)}"
    return FieldError(
        "date_no_offset",
        f"The clocks change: in {reading.tzinfo} the clock {shows}."
        f" Write the offset you mean: {' or '.join(choice.isoformat() for choice in choices)}.",
    )


def _reading(local: datetime) -> str:
    return f"{local.date().isoformat()} {local:%H:%M:%S}".removesuffix(":00")


def _counted(length: timedelta) -> tuple[int, str]:
    unit = next((unit for unit in "dhm" if length and not length % _UNITS[unit]), "s")
    return length // _UNITS[unit], unit
