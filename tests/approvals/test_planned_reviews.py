"""When reviews begin and end, and what that means for the calendar of who is to review."""

from datetime import UTC, datetime

from approvals.contacts.commands import (
    ConfirmReview,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.record import process_id_of
from tests.factories import BECKY, DAY, START
from tests.sites import HUCK, SITE, SiteLife, make_save

FIRST = datetime(2026, 4, 2, 9, tzinfo=UTC)  # a month after START, where the site is


def kept() -> SiteLife:
    """Return a site whose contacts Becky has saved at START: herself, and Huck."""
    life = SiteLife()
    life.on_contacts(make_save(BECKY, HUCK), BECKY, START)
    return life


def reviewed(life: SiteLife, at: datetime) -> list[str]:
    """Let the clock ask at *at*; return the kinds of the notices that it causes."""
    step = life.ticks(process_id_of(SITE.id), at)
    return [] if step is None else [one.kind for one in step.notices]


def test_a_notification_address_begins_no_reviews_but_the_first_save_does() -> None:
    life = SiteLife()
    address = SetNotificationAddress(site=SITE.slug, email="upgrades@fence-painting.example")

    life.on_contacts(address, BECKY, START)
    before = (life.contacts.due, reviewed(life, FIRST + DAY))
    life.on_contacts(make_save(BECKY, HUCK), BECKY, FIRST + DAY)

    assert before == (None, [])
    assert [one.kind for one in life.last.notices] == ["contacts_saved", "review_planned"]
    assert life.contacts.due == FIRST + 2 * DAY


def test_switching_reviews_off_takes_the_planned_one_out_of_the_calendar() -> None:
    life = kept()
    planned = life.last.notices[1].facts

    life.on_contacts(SwitchReviewOff(), BECKY, START + DAY)

    (notice,) = life.last.notices
    assert (notice.kind, notice.people) == ("review_called_off", (BECKY.id,))
    assert notice.facts["is_called_off"] is True
    same = ("invite_id", "invite_at")
    assert [notice.facts[one] for one in same] == [planned[one] for one in same]
    assert int(str(notice.facts["invite_number"])) > int(str(planned["invite_number"]))


def test_switching_reviews_off_escalates_the_one_that_waits_once() -> None:
    life = kept()
    reviewed(life, FIRST)

    life.on_contacts(SwitchReviewOff(), BECKY, FIRST + DAY)

    kinds = [one.kind for one in life.last.notices]
    assert kinds == ["review_called_off", "review_missed"]
    assert life.told("review_missed") == (HUCK.id,)
    life.on_contacts(SwitchReviewOn(site=SITE.slug), BECKY, FIRST + DAY)
    life.on_contacts(SwitchReviewOff(), BECKY, FIRST + DAY)
    assert [one.kind for one in life.last.notices] == ["review_called_off"]
    life.on_contacts(ConfirmReview(), BECKY, FIRST + 2 * DAY)
    assert life.contacts.confirmed_months == ("2026-04",)


def test_a_new_primary_contact_gets_the_invitation_and_the_old_one_its_end() -> None:
    life = kept()

    life.on_contacts(make_save(HUCK, BECKY), BECKY, START + DAY)

    told = {one.kind: one.people for one in life.last.notices}
    assert told["review_planned"] == (HUCK.id,)
    assert told["review_called_off"] == (BECKY.id,)
