"""In which language and time zone a page speaks, and its texts in that language."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_time,
    format_timedelta,
    get_timezone_gmt,
    get_timezone_name,
)

from mail.translations import locale_of, translations_into

Unit = Literal["year", "month", "week", "day", "hour", "minute", "second"]
CATALOGS = Path(__file__).parent / "locale"
DOMAIN = "portal"
LANGUAGES = ("en", "de", "es", "fr")
UNITS: tuple[tuple[Unit, timedelta], ...] = (
    ("second", timedelta(minutes=2)),
    ("minute", timedelta(hours=2)),
    ("hour", timedelta(days=2)),
    ("day", timedelta(days=90)),
    ("month", timedelta(days=730)),
)
NEVER = 1e9  # Babel takes a larger unit from so many on; we choose the unit ourselves


def N_(text: str) -> str:  # noqa: N802  # the name by which extraction finds a text
    """Mark a text that is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Speech:
    """One reader's language and zone."""

    locale: Locale
    zone: tzinfo
    zone_name: str

    @property
    def language(self) -> str:
        return str(self.locale.language)

    def say(self, text: str, **facts: object) -> str:
        """Return a text in the reader's language, its ``%(name)s`` filled in."""
        said = translations_into(self.language, CATALOGS, DOMAIN).gettext(text)
        return said % facts if facts else said

    def absolute(self, moment: datetime) -> str:
        """Write an instant in the reader's zone: "Mar 15, 2026, 9:00 AM"."""
        local = self._local(moment)
        clock = format_time(local, "short", locale=self.locale)
        return f"{format_date(local, 'medium', locale=self.locale)}, {clock}"

    def zoned(self, moment: datetime) -> str:
        """Write an instant with its zone named: "Mar 15, 2026, 9:00 AM Central European Time"."""
        local = self._local(moment)
        name = get_timezone_name(local, locale=self.locale)
        if name == get_timezone_gmt(local, locale=self.locale):  # Babel knows no word for it
            name = f"{name} ({self.zone_name})"
        return f"{self.absolute(moment)} {name}"

    def relative(self, moment: datetime, now: datetime) -> str:
        """Write how far away an instant is, in the unit that tells most: "in 13 days"."""
        away = moment - now
        unit: Unit = next((name for name, below in UNITS if abs(away) < below), "year")
        return str(
            format_timedelta(
                away, granularity=unit, threshold=NEVER, add_direction=True, locale=self.locale
            )
        )

    def _local(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self.zone)
        except OverflowError:  # the last instants have no reading in every zone
            return moment.astimezone(UTC)


def speech_of(language: str, zone: str) -> Speech:
    """Return how a page speaks to somebody: English and UTC where nothing better is known."""
    try:
        found: tzinfo = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        found, zone = UTC, "UTC"
    return Speech(locale_of(language, CATALOGS, DOMAIN), found, zone)


def wanted(accept_language: str) -> str:
    """Return the first language of a browser that the portal speaks, else English."""
    ranked = []
    for number, part in enumerate(accept_language[:200].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        ranked.append((-weight, number, tag[:2].lower()))
    return next((tag for _, _, tag in sorted(ranked) if tag in LANGUAGES), "en")
