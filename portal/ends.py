"""The end date as a form offers it: a span from now, a day and an hour, or none."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from approvals.errors import EndDateError, FieldError
from approvals.instants import local_end
from approvals.policy import Policy
from portal.forms import Fields
from portal.languages import N_

SPANS = {
    "8h": (timedelta(hours=8), N_("For 8 hours")),
    "7d": (timedelta(days=7), N_("For 7 days")),
    "30d": (timedelta(days=30), N_("For 30 days")),
    "90d": (timedelta(days=90), N_("For 90 days")),
}
DATE, NONE = "date", "none"
RULES = {
    "The end date is in the past": "date_in_past",
    "Access must last at least": "date_too_soon",
    "Access may last at most": "date_too_far",
    "Choose": "end_required",
}


class Choice(NamedTuple):
    """One way to say when access ends: the field's value, and its words."""

    value: str
    label: str


class End(NamedTuple):
    """What was chosen: an instant (aware UTC), or no end."""

    at: datetime | None
    is_none: bool


def choices(policy: Policy) -> list[Choice]:
    """Return the ends that a policy allows to choose."""
    spans = [
        Choice(value, label)
        for value, (span, label) in SPANS.items()
        if policy.shortest_access <= span <= policy.longest_access
    ]
    none = [Choice(NONE, N_("Without an end date"))] if policy.allow_no_end else []
    return [*spans, Choice(DATE, N_("Until a day")), *none]


def chosen(fields: Fields, zone: ZoneInfo, now: datetime) -> End:
    """Read what was chosen; a day without an hour ends with that day in *zone*.

    Raises FieldError with end_required or the codes of dates.
    """
    match fields.one("end"):
        case value if value in SPANS:
            return End(now + SPANS[value][0], False)
        case "date":
            return End(_at(fields.one("date"), fields.one("time"), zone), False)
        case "none":
            return End(None, True)
        case _:
            raise FieldError("end_required", "Choose when the access ends.")


def rule_of(refusal: EndDateError) -> str:
    """Return the rule that an end broke; it does not travel, so its sentence tells it."""
    text = str(refusal)
    return next((rule for start, rule in RULES.items() if text.startswith(start)), "")


def _at(date: str, time: str, zone: ZoneInfo) -> datetime:
    if not date.strip():
        raise FieldError("date_missing", "Choose the day on which the access ends.")
    try:
        return local_end(f"{date}T{time}" if time else date, zone)
    except FieldError as wrong:
        if wrong.code in ("date_must_be_text", "date_not_a_date"):
            raise FieldError(
                "date_not_a_date", "That is not a date we can read. Write it as 2027-03-31."
            ) from None
        raise
