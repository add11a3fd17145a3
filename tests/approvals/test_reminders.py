"""Reminders: when the clock nudges the tenant's admins, and later the people with access."""

from datetime import datetime, timedelta

import pytest

from approvals.policy import Policy
from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Finish, Grant
from tests.factories import (
    CAROLINE,
    DAY,
    HOUR,
    MINUTE,
    MS,
    START,
    TOM,
    Life,
    make_granted_life,
    make_life,
)


def reminders(life: Life) -> list[tuple[float, str]]:
    """Return the reminders so far: days after START, and kind."""
    return [((at - START) / DAY, kind) for at, kind in life.mail if kind.endswith("_reminder")]


@pytest.mark.parametrize(
    ("window", "days"),
    [
        pytest.param(14 * DAY, [7, 13], id="at half time and one day before"),
        pytest.param(4 * DAY, [2, 3], id="both in a short window"),
        pytest.param(2 * DAY, [1], id="once where both fall together"),
        pytest.param(
            36 * HOUR, [0.5, 0.75], id="one day before comes first within a day and a half"
        ),
        pytest.param(DAY, [0.5], id="only at half time where the last day is all there is"),
    ],
)
def test_a_pending_request_reminds(window: timedelta, days: list[float]) -> None:
    life = make_life(policy=Policy(decision_window=window))

    life.waits(START + window)

    assert reminders(life) == [(day, "request_reminder") for day in days]
    assert life.request.status == "lapsed"


@pytest.mark.parametrize(
    ("end", "days"),
    [
        pytest.param(30 * DAY, [23, 29], id="7 days and 1 day before the end"),
        pytest.param(7 * DAY + HOUR, [6 + 1 / 24], id="only the last day of exactly a week"),
        pytest.param(7 * DAY + HOUR + MS, None, id="a week and a millisecond reminds at once"),
        pytest.param(3 * DAY, [2], id="only the last day of three"),
        pytest.param(DAY, [], id="never within a day"),
        pytest.param(HOUR + 5 * MINUTE, [], id="never within minutes"),
    ],
)
def test_granted_access_reminds(end: timedelta, days: list[float] | None) -> None:
    life = make_granted_life(START + end)

    life.waits(START + end)

    expected = [(end - 7 * DAY) / DAY, (end - DAY) / DAY] if days is None else days
    assert reminders(life) == [(day, "end_reminder") for day in expected]
    assert life.request.status == "expired"


def test_a_grant_ends_the_reminders_to_decide() -> None:
    life = make_granted_life(START + 30 * DAY)

    life.waits(START + 14 * DAY)

    assert reminders(life) == []


def test_access_without_an_end_reminds_nobody_and_is_never_due() -> None:
    life = make_life()
    life.says(Grant(no_end=True), TOM, START + HOUR)

    due = life.request.due

    assert due is None


def test_a_moved_end_brings_its_own_reminders() -> None:
    life = make_granted_life(START + 30 * DAY)
    life.waits(START + 29 * DAY)

    life.says(ChangeEnd(ends_at=START + 60 * DAY), TOM, START + 29 * DAY + HOUR)
    life.waits(START + 60 * DAY)

    assert [day for day, _ in reminders(life)] == [23, 29, 53, 59]


def test_a_removed_end_takes_its_reminders_along() -> None:
    life = make_granted_life(START + 30 * DAY)

    life.says(ChangeEnd(no_end=True), TOM, START + DAY)

    assert life.request.due is None


def test_an_end_moved_close_skips_the_reminders_that_lie_behind() -> None:
    life = make_granted_life(START + 30 * DAY)

    life.says(ChangeEnd(ends_at=START + 13 * DAY), TOM, START + 10 * DAY)

    assert life.request.due == START + 12 * DAY


@pytest.mark.parametrize(
    ("back_at", "next_due"),
    [
        pytest.param(8 * DAY, 13 * DAY, id="half time missed"),
        pytest.param(13 * DAY + HOUR, 14 * DAY, id="both missed"),
    ],
)
def test_after_an_outage_a_pending_request_reminds_once(
    back_at: timedelta, next_due: timedelta
) -> None:
    life = make_life()

    life.ticks(START + back_at)

    assert len(reminders(life)) == 1
    assert life.request.due == START + next_due


def test_after_an_outage_granted_access_reminds_once() -> None:
    life = make_granted_life(START + 30 * DAY)

    life.ticks(START + 29 * DAY + HOUR)
    life.waits(START + 30 * DAY)

    assert [day for day, _ in reminders(life)] == [29 + 1 / 24]


def test_after_an_outage_past_the_end_nobody_is_reminded() -> None:
    life = make_granted_life(START + 30 * DAY)

    life.ticks(START + 40 * DAY)

    assert reminders(life) == []
    assert life.request.status == "expired"


def test_without_reminders_only_the_ends_are_due() -> None:
    life = make_life(policy=Policy(reminders=False))
    dues = [life.request.due]

    life.says(Grant(ends_at=START + 30 * DAY), TOM, START + HOUR)
    dues.append(life.request.due)
    life.waits(START + 30 * DAY)

    assert dues == [START + 14 * DAY, START + 30 * DAY]
    assert reminders(life) == []


@pytest.mark.parametrize("said", [BeginSession(mode=Mode.SUPPORT), Finish()])
def test_using_the_access_moves_no_reminder(said: BeginSession | Finish) -> None:
    life = make_granted_life(START + 30 * DAY)

    life.says(said, CAROLINE, START + 24 * DAY)

    assert life.request.due == START + 23 * DAY


@pytest.mark.parametrize("early", [START, START + 7 * DAY - MS])
def test_an_early_tick_changes_nothing(early: datetime) -> None:
    life = make_life()
    before = life.request

    transition = life.ticks(early)

    assert transition is None
    assert life.request is before


def test_a_tick_on_a_closed_request_changes_nothing() -> None:
    life = make_granted_life(START + 30 * DAY)
    life.ticks(START + 30 * DAY)
    before = life.request

    transition = life.ticks(START + 60 * DAY)

    assert transition is None
    assert life.request is before
