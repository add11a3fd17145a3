"""The calendar of reviews: one a month, on the same day and hour of a place's own clock."""

from calendar import monthrange
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from approvals.records import Record

HOUR = time(9, 0)


class Rhythm(Record):
    """On which day of each month, at what local time, in which IANA zone.

    In a month without that day its last one counts.
    """

    day: int
    hour: time = HOUR
    zone: str = "UTC"

    def instant(self, month: str) -> datetime:
        """Return the instant of a month's review, aware UTC."""
        year, number = map(int, month.split("-"))
        day = min(self.day, monthrange(year, number)[1])
        local = datetime.combine(date(year, number, day), self.hour)
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def month(self, moment: datetime) -> str:
        """Return the month of an instant on the local clock, as ``YYYY-MM``."""
        return f"{moment.astimezone(ZoneInfo(self.zone)):%Y-%m}"

    def at(self, moment: datetime) -> "Rhythm":
        """Return the rhythm that goes on from a review at this instant."""
        local = moment.astimezone(ZoneInfo(self.zone))
        return self.model_copy(update={"day": local.day, "hour": local.time()})


def following(month: str) -> str:
    """Return the month after this one."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"
