"""How the CLI reads and writes times: ends from dates, local times or spans, and always a zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from approvals.errors import FieldError
from approvals.instants import duration, local_end, say_instant
from starter.console import UsageError

DATES = (
    "That is not a date we can read. Write a date (its end counts), a local time in the tenant's"
    " zone, or one with an offset: 2027-03-31, 2027-03-31T18:00 or 2027-03-31T18:00:00+02:00."
)
ON_THE_WAY = timedelta(seconds=3)  # what a command may take from here to the door


def now() -> datetime:
    """Return the host's time, aware UTC."""
    return datetime.now(UTC)


def end_of(
    until: str | None, span: str | None, zone: ZoneInfo, *, no_end: bool, shortest: timedelta
) -> datetime | None:
    """Return the end that one of --until, --for and --no-end chooses: aware UTC, None is no end.

    The *shortest* span that the policy allows gets a little more, for it begins to count at the
    door. Raises UsageError that names the options.
    """
    if [until is not None, span is not None, no_end].count(True) != 1:
        raise UsageError("Choose when access ends: give one of --until, --for and --no-end.")
    try:
        if until is not None:
            return local_end(until, zone)
        return None if span is None else now() + _on_arrival(duration(span), shortest)
    except FieldError as wrong:
        option = "--until" if until is not None else "--for"
        sentence = DATES if wrong.code in ("date_not_a_date", "date_must_be_text") else str(wrong)
        raise UsageError(f"{option}: {sentence}") from None


def _on_arrival(span: timedelta, shortest: timedelta) -> timedelta:
    return max(span, shortest + ON_THE_WAY) if span >= shortest else span


def said(moment: datetime | None, zone: ZoneInfo) -> str:
    """Write an instant in a zone, with the zone named and how far away it is."""
    if moment is None:
        return "no end"
    away = moment - now()
    if away.total_seconds() <= 0:
        return f"{say_instant(moment, zone)}, over"
    return f"{say_instant(moment, zone)}, in {roughly(away)}"


def roughly(span: timedelta) -> str:
    """Write how long something takes in one unit, rounded down: "13 days", "90 minutes"."""
    seconds = int(span.total_seconds())
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def said_utc(moment: datetime) -> str:
    """Write an instant in UTC."""
    return say_instant(moment, ZoneInfo("UTC"))
