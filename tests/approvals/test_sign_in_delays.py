"""From the fifth wrong code in a row on, an address waits: 15 seconds, then twice as long."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from approvals.errors import RateLimitedError
from approvals.facts import Failures
from approvals.sign_in.delays import LONGEST, failures_of, require_patience
from approvals.sign_in.record import CODE_LIFE, SignIn
from tests.approvals.test_sign_in import PROVE, begun, says, state_of
from tests.factories import MINUTE, MS, START, make_id

SECOND = timedelta(seconds=1)
WAITING = Failures(count=5, last_at=START)


def failed(times: int, at: datetime = START) -> SignIn:
    """Return a sign-in with so many wrong codes, the last of them then."""
    return begun().model_copy(update={"attempts": times, "failed_at": at})


def waited(count: int, after: timedelta) -> int:
    """Return the seconds that are left to wait so long after the last of *count* wrong codes."""
    try:
        require_patience(Failures(count=count, last_at=START), START + after)
    except RateLimitedError as refusal:
        return refusal.seconds or 0
    return 0


@pytest.mark.parametrize(
    ("count", "seconds"),
    [(0, 0), (4, 0), (5, 15), (6, 30), (7, 60), (8, 120), (9, 240), (10, 480), (999, 480)],
)
def test_each_wrong_code_after_the_fifth_makes_the_wait_twice_as_long(
    count: int, seconds: int
) -> None:
    assert waited(count, timedelta(0)) == seconds
    assert waited(count, seconds * SECOND) == 0


@pytest.mark.parametrize(
    ("after", "seconds"), [(MS, 15), (SECOND, 14), (14 * SECOND + MS, 1), (15 * SECOND - MS, 1)]
)
def test_the_wait_is_told_in_whole_seconds_that_suffice(after: timedelta, seconds: int) -> None:
    assert waited(5, after) == seconds


def test_a_code_outlives_the_longest_wait() -> None:
    assert LONGEST < CODE_LIFE


def test_wrong_codes_are_counted_over_all_sign_ins_of_an_address() -> None:
    found = failures_of([failed(5), failed(2, START + MINUTE), begun()])

    assert found == Failures(count=7, last_at=START + MINUTE)


def test_a_right_code_forgives_the_wrong_ones_before_it() -> None:
    right = failed(3, START + MINUTE).model_copy(update={"enrolled_at": START + 2 * MINUTE})

    before, after = [failed(5), right], [failed(5), right, failed(1, START + 3 * MINUTE)]

    assert failures_of(before) == Failures()
    assert failures_of(after) == Failures(count=1, last_at=START + 3 * MINUTE)


@pytest.mark.parametrize("way", [{"passkey": make_id("passkey")}, {"issuer": "https://id.example"}])
def test_passkeys_and_providers_make_no_address_wait(way: dict[str, object]) -> None:
    assert failures_of([failed(5).model_copy(update=way)]) == Failures()


@given(
    some.lists(some.tuples(some.integers(0, 5), some.integers(0, 90), some.booleans()), max_size=12)
)
def test_only_what_came_after_the_last_right_code_counts(
    lives: list[tuple[int, int, bool]],
) -> None:
    sign_ins = [
        begun().model_copy(
            update={
                "attempts": wrong,
                "failed_at": START + minute * MINUTE if wrong else None,
                "enrolled_at": START + (minute + 1) * MINUTE if is_right else None,
            }
        )
        for wrong, minute, is_right in lives
    ]
    last_right = max((minute + 1 for _, minute, is_right in lives if is_right), default=-1)

    counted = sum(wrong for wrong, minute, _ in lives if minute > last_right)

    assert failures_of(sign_ins).count == counted


def test_neither_a_code_nor_a_try_is_had_while_the_address_waits() -> None:
    with pytest.raises(RateLimitedError, match="Try again in 15 seconds"):
        begun(failures=WAITING)
    with pytest.raises(RateLimitedError, match="Try again in 10 seconds"):
        says(begun(), PROVE, at=START + 5 * SECOND, failures=WAITING)


def test_the_right_code_counts_once_the_wait_is_over() -> None:
    right = says(begun(), PROVE, at=START + 15 * SECOND, failures=WAITING)

    assert state_of(right).status == "enrolled"


def test_an_unknown_address_waits_as_long() -> None:
    heard = []

    for person in (begun().person, None):
        with pytest.raises(RateLimitedError) as refusal:
            begun(person=person, failures=WAITING)
        heard.append(str(refusal.value))

    assert heard[0] == heard[1]


def test_a_wrong_code_notes_when_it_came() -> None:
    step = says(begun(), PROVE, at=START + MINUTE, proof_check="wrong")

    assert state_of(step).failed_at == START + MINUTE
