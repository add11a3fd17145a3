"""Invitations to put a moment into a calendar (RFC 5545), as a part of a mail (RFC 6047)."""

from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, vCalAddress, vText

from approvals.ports import OutboxItem
from mail.quoting import inert

PRODUCT = "-//Gatehouse//Gatehouse//EN"
LENGTH = timedelta(minutes=30)


def invitation(item: OutboxItem, domain: str, summary: str, description: str) -> str:
    """Return the invitation to what a notice names.

    Its UID is one for a review for ever and its SEQUENCE grows, so that a later one moves the
    event that is in the calendar already, or takes it out if the notice calls it off.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if _is_called_off(item) else "REQUEST")
    calendar.add_component(_event(item, domain, summary, description))
    written: bytes = calendar.to_ical()
    return written.decode()


def _event(item: OutboxItem, domain: str, summary: str, description: str) -> Event:
    starts = _instant(str(item.facts["invite_at"]))
    event = Event()
    event.add("uid", f"{item.facts['invite_id']}@{domain}")
    event.add("sequence", int(str(item.facts["invite_number"])))
    event.add("dtstamp", _instant(str(item.facts["invited_at"])))
    event.add("dtstart", starts)
    event.add("dtend", starts + LENGTH)
    event.add("summary", summary)
    event.add("description", description)
    event.add("transp", "TRANSPARENT")
    if _is_called_off(item):
        event.add("status", "CANCELLED")
    event.add("organizer", _address(f"gatehouse@{domain}", "Gatehouse"))
    event.add("attendee", _attendee(item), encode=False)
    return event


def _is_called_off(item: OutboxItem) -> bool:
    return item.facts.get("is_called_off") is True


def _attendee(item: OutboxItem) -> vCalAddress:
    """Return whom it is for. Nobody reads answers, so none is asked for."""
    attendee = _address(item.to.email, item.to.name)
    attendee.params["RSVP"] = vText("FALSE")
    attendee.params["PARTSTAT"] = vText("ACCEPTED")
    return attendee


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    address.params["CN"] = vText(inert(name).replace('"', "'"))
    return address


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
