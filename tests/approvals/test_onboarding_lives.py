"""Whole lives of onboardings as tables: how one stands after every step."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from approvals.commands import Command
from approvals.errors import (
    AlreadySubmittedError,
    ApprovalError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
)
from approvals.onboarding.commands import Abandon, Retry
from approvals.people import Person
from approvals.platform import PlatformAway, PlatformRefused
from tests.factories import DAY, HOUR, LYDIA
from tests.onboardings import ARTHUR, CHARLES, LOUISA, OnboardingLife, make_start

START, RETRY, ABANDON = make_start(), Retry(), Abandon(reason="They moved.")
AWAY, REFUSED = PlatformAway("It is away."), PlatformRefused("no", "It says no.")
Does = Command | Callable[[OnboardingLife], object]


class Step(NamedTuple):
    """What is done, by whom if it is a command, and the status that it leads to, or a refusal."""

    does: Does
    then: str | type[ApprovalError]
    by: Person = CHARLES


def step(life: OnboardingLife) -> None:
    """Take the next step, on a platform that does as it is asked."""
    life.step()


def to_the_end(life: OnboardingLife) -> None:
    """Take all steps that are left, on a platform that does as it is asked."""
    life.goes_on()


def meets(trouble: PlatformAway | PlatformRefused) -> Callable[[OnboardingLife], None]:
    """Take a step in which the platform answers with trouble."""

    def met(life: OnboardingLife) -> None:
        life.platform.before = lambda _: trouble
        life.step()
        life.platform.before = lambda _: None

    return met


def a_day_later(life: OnboardingLife) -> None:
    """Let the patience of the policy run out, and the clock ask."""
    life.waits(DAY)
    life.ticks()


def an_hour_later(life: OnboardingLife) -> None:
    """Let less time go by than the policy has patience, and the clock ask."""
    life.waits(HOUR)
    life.ticks()


LIVES: dict[str, list[Step]] = {
    "nothing goes wrong": [
        Step(START, "running"),
        *[Step(step, "running")] * 10,
        Step(step, "ready"),
    ],
    "the platform refuses a step, and the operator retries": [
        Step(START, "running"),
        Step(step, "running"),
        Step(meets(REFUSED), "parked"),
        Step(step, "parked"),  # nothing is asked of the platform meanwhile
        Step(RETRY, "running"),
        Step(to_the_end, "ready"),
    ],
    "the platform is away for a while": [
        Step(START, "running"),
        Step(meets(AWAY), "running"),
        Step(an_hour_later, "running"),
        Step(meets(AWAY), "running"),
        Step(to_the_end, "ready"),
    ],
    "the platform is away for too long, and another operator retries": [
        Step(START, "running"),
        Step(meets(AWAY), "running"),
        Step(a_day_later, "parked"),
        Step(RETRY, "running", LOUISA),
        Step(to_the_end, "ready"),
    ],
    "abandoned before anything was made": [
        Step(START, "running"),
        Step(ABANDON, "undoing"),
        Step(step, "abandoned"),
    ],
    "abandoned in the middle": [
        Step(START, "running"),
        *[Step(step, "running")] * 4,
        Step(ABANDON, "undoing"),
        Step(step, "undoing"),  # the one admin is taken back
        Step(step, "abandoned"),  # and then the customer
    ],
    "parked, and then abandoned": [
        Step(START, "running"),
        Step(step, "running"),
        Step(meets(REFUSED), "parked"),
        Step(ABANDON, "undoing"),
        Step(to_the_end, "abandoned"),
    ],
    "undoing fails too, and is retried": [
        Step(START, "running"),
        Step(step, "running"),
        Step(ABANDON, "undoing"),
        Step(meets(REFUSED), "parked"),
        Step(ABANDON, NotAllowedNowError),  # it is abandoned already
        Step(RETRY, "undoing"),
        Step(meets(AWAY), "undoing"),
        Step(a_day_later, "parked"),
        Step(RETRY, "undoing"),
        Step(to_the_end, "abandoned"),
    ],
    "while it runs nobody retries, and nobody begins it twice": [
        Step(START, "running"),
        Step(RETRY, NotAllowedNowError),
        Step(START, AlreadySubmittedError),
        Step(ABANDON, "undoing"),
        Step(RETRY, NotAllowedNowError),
        Step(ABANDON, NotAllowedNowError),
    ],
    "what is ready stays so": [
        Step(START, "running"),
        Step(to_the_end, "ready"),
        Step(a_day_later, "ready"),
        Step(ABANDON, NotAllowedNowError),
        Step(RETRY, NotAllowedNowError),
    ],
    "what is abandoned stays so": [
        Step(START, "running"),
        Step(ABANDON, "undoing"),
        Step(to_the_end, "abandoned"),
        Step(RETRY, NotAllowedNowError),
        Step(ABANDON, NotAllowedNowError),
    ],
    "only operators of the vendor have a say": [
        Step(START, NotAuthorisedError, ARTHUR),
        Step(START, "running"),
        Step(meets(REFUSED), "parked"),
        Step(RETRY, NotFoundError, ARTHUR),
        Step(ABANDON, NotFoundError, LYDIA),
        Step(ABANDON, "undoing", LOUISA),
    ],
}


@pytest.mark.parametrize("steps", LIVES.values(), ids=LIVES.keys())
def test_every_step_of_a_life_leads_where_it_should(steps: list[Step]) -> None:
    life = OnboardingLife()

    for number, one in enumerate(steps, start=1):
        before = life.state
        if isinstance(one.then, str):
            act(life, one)
            assert life.onboarding.status == one.then, number
        else:
            with pytest.raises(one.then):
                act(life, one)
            assert life.state is before, number


def act(life: OnboardingLife, one: Step) -> None:
    """Do what a step of the table says."""
    if isinstance(one.does, Command):
        life.says(one.does, one.by)
    else:
        one.does(life)
