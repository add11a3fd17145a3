"""A planned review comes as a calendar file, and one that is called off is taken out again."""

from icalendar import Calendar

from mail.message import built
from tests.factories import START
from tests.mail.notices import RENDERER, notice

SENDER = "gatehouse@gatehouse.example"


def event_of(kind: str, number: str = "1") -> tuple[str, dict[str, str]]:
    """Return method and properties of the event that a mail of that kind brings."""
    text = RENDERER.letter(notice(kind, invite_number=number), None).calendar
    assert text is not None
    calendar = Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), {name: str(event[name]) for name in event}


def test_a_review_that_is_called_off_cancels_the_event_of_its_invitation() -> None:
    requested, planned = event_of("review_planned", "3")

    method, event = event_of("review_called_off", "4")

    assert (requested, method) == ("REQUEST", "CANCEL")
    assert event["UID"] == planned["UID"]
    assert int(event["SEQUENCE"]) > int(planned["SEQUENCE"])
    assert event["STATUS"] == "CANCELLED"
    assert "STATUS" not in planned


def test_the_part_of_the_mail_says_the_method_of_its_file() -> None:
    mails = {
        kind: built(RENDERER.letter(notice(kind), None), SENDER, START)
        for kind in ("review_planned", "review_called_off")
    }

    assert b"text/calendar; charset=utf-8; method=REQUEST" in mails["review_planned"]
    assert b"text/calendar; charset=utf-8; method=CANCEL" in mails["review_called_off"]
