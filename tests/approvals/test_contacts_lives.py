"""Whole lives of a site's contacts as tables: the next review, and what waits, after every step."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest

from approvals.commands import Command
from approvals.contacts.commands import (
    ConfirmReview,
    MoveReview,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.record import process_id_of
from approvals.errors import (
    ApprovalError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    StaleError,
    SubmissionError,
)
from approvals.people import Person
from tests.factories import BECKY, DAY, LYDIA, START, TOM
from tests.sites import HUCK, JOE, SITE, SiteLife, make_save

SAVE, CONFIRM, ON = make_save(BECKY, HUCK), ConfirmReview(), SwitchReviewOn(site=SITE.slug)
OFF, ADDRESS = SwitchReviewOff(), SetNotificationAddress(site=SITE.slug, email="me@example.com")


class Step(NamedTuple):
    """What is said *after* START, or the clock's asking, and how the reviews stand then.

    *then* is the day of the next review and the months that wait, as ``2 Apr, 2026-03``.
    """

    does: Command | None
    by: Person
    after: timedelta
    then: str | type[ApprovalError]


def clock(after: timedelta, then: str) -> Step:
    """Let the clock ask."""
    return Step(None, BECKY, after, then)


LIVES: dict[str, list[Step]] = {
    "saved, asked and confirmed, month after month": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        clock(30 * DAY, "2 Apr"),
        clock(31 * DAY, "2 May, 2026-04"),
        Step(CONFIRM, BECKY, 32 * DAY, "2 May"),
        clock(61 * DAY, "2 Jun, 2026-05"),
        Step(CONFIRM, BECKY, 62 * DAY, "2 Jun"),
    ],
    "missed, escalated, and confirmed late": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        clock(31 * DAY, "2 May, 2026-04"),
        clock(61 * DAY, "2 Jun, 2026-04 2026-05"),
        Step(CONFIRM, BECKY, 62 * DAY, "2 Jun"),
        Step(CONFIRM, BECKY, 62 * DAY, SubmissionError),
    ],
    "an outage of months skips none of them": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        clock(95 * DAY, "2 Jul, 2026-04 2026-05 2026-06"),
        Step(CONFIRM, BECKY, 96 * DAY, "2 Jul"),
    ],
    "switched off and on again": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        Step(ON, BECKY, DAY, NotAllowedNowError),
        Step(OFF, BECKY, DAY, "off"),
        clock(31 * DAY, "off"),
        Step(OFF, BECKY, 32 * DAY, NotAllowedNowError),
        Step(ON, BECKY, 40 * DAY, "12 Apr"),  # of April, a day ahead
        clock(41 * DAY, "2 May, 2026-04"),
    ],
    "a review that waits can be confirmed although no more are planned": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        clock(31 * DAY, "2 May, 2026-04"),
        Step(OFF, BECKY, 32 * DAY, "off, 2026-04"),
        Step(CONFIRM, BECKY, 33 * DAY, "off"),
    ],
    "moved within the month, and so from then on": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        Step(MoveReview(to=START + 40 * DAY), BECKY, DAY, "11 Apr"),
        clock(31 * DAY, "11 Apr"),
        clock(41 * DAY, "11 May, 2026-04"),
        Step(MoveReview(to=START + 30 * DAY), BECKY, 41 * DAY, SubmissionError),
        Step(MoveReview(to=START + 200 * DAY), BECKY, 41 * DAY, SubmissionError),
    ],
    "reviews of contacts of the directory begin by being switched on": [
        Step(CONFIRM, BECKY, 0 * DAY, NotFoundError),
        Step(ON, BECKY, 0 * DAY, "2 Apr"),
        clock(31 * DAY, "2 May, 2026-04"),
    ],
    "a notification address begins no reviews; the first save does": [
        Step(ADDRESS, BECKY, 0 * DAY, "off"),
        clock(31 * DAY, "off"),
        Step(SAVE, BECKY, 31 * DAY, "3 Apr"),
        Step(ADDRESS, BECKY, 31 * DAY, "3 Apr"),
        clock(32 * DAY, "2 May, 2026-04"),
    ],
    "a later save leaves the reviews as they are": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        clock(31 * DAY, "2 May, 2026-04"),
        Step(make_save(BECKY, JOE), BECKY, 32 * DAY, "2 May, 2026-04"),
        Step(OFF, BECKY, 33 * DAY, "off, 2026-04"),
        Step(SAVE, BECKY, 34 * DAY, "off, 2026-04"),
    ],
    "a new primary contact takes the reviews over": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        Step(make_save(HUCK, BECKY), BECKY, DAY, "2 Apr"),
        Step(OFF, BECKY, 2 * DAY, NotAuthorisedError),
        Step(OFF, HUCK, 2 * DAY, "off"),
    ],
    "only contacts with the level have a say": [
        Step(SAVE, HUCK, 0 * DAY, NotAuthorisedError),
        Step(SAVE, LYDIA, 0 * DAY, NotFoundError),
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        Step(OFF, HUCK, DAY, NotAuthorisedError),
        Step(MoveReview(to=START + 40 * DAY), HUCK, DAY, NotAuthorisedError),
        clock(31 * DAY, "2 May, 2026-04"),
        Step(CONFIRM, HUCK, 32 * DAY, NotAuthorisedError),
        Step(CONFIRM, TOM, 32 * DAY, NotFoundError),
    ],
    "who saw something else neither saves nor confirms": [
        Step(SAVE, BECKY, 0 * DAY, "2 Apr"),
        Step(SAVE.model_copy(update={"shown": "0" * 64}), BECKY, DAY, StaleError),
        clock(31 * DAY, "2 May, 2026-04"),
        Step(ConfirmReview(shown="0" * 64), BECKY, 32 * DAY, StaleError),
        Step(CONFIRM, BECKY, 32 * DAY, "2 May"),
    ],
}


@pytest.mark.parametrize("steps", LIVES.values(), ids=LIVES.keys())
def test_every_step_of_a_life_leads_where_it_should(steps: list[Step]) -> None:
    life = SiteLife()
    contacts = process_id_of(SITE.id)

    for number, step in enumerate(steps, start=1):
        before = life.states.get(contacts)
        act = _act(life, step)
        if isinstance(step.then, str):
            act()
            assert life.contacts.status == "kept"
            assert standing(life) == step.then, number
        else:
            with pytest.raises(step.then):
                act()
            assert life.states.get(contacts) is before, number


def standing(life: SiteLife) -> str:
    """Say how the reviews stand: the day of the next, and the months that wait."""
    next_at, review = life.contacts.next_review_at, life.contacts.review
    day = "off" if next_at is None else f"{next_at:%-d %b}"
    return day if review is None else f"{day}, {' '.join(review.months)}"


def _act(life: SiteLife, step: Step) -> Callable[[], object]:
    at, command = START + step.after, step.does
    if command is None:
        return lambda: life.ticks(process_id_of(SITE.id), at)
    return lambda: life.on_contacts(command, step.by, at)
