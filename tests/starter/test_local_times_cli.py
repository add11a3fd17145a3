"""Ends as people type them: dates and local times in the tenant's zone, and what clocks skip."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.starter.running import CHARLOTTE, GALLERY, Running


def last_sunday(year: int, month: int) -> date:
    """Return the day on which Europe's clocks change in that month."""
    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def sunday(year: int, month: int, number: int) -> date:
    """Return a month's first, second, ... Sunday, on which the clocks of the USA change."""
    day = date(year, month, 1)
    return day + timedelta(days=(6 - day.weekday()) % 7 + 7 * (number - 1))


YEAR = datetime.now(UTC).year + 1
SPRING, AUTUMN = sunday(YEAR, 3, 2), sunday(YEAR, 11, 1)
LONDON = last_sunday(YEAR, 3)


@pytest.fixture(scope="module")
def request_to_tom(stack: Running) -> str:
    """A pending request to the tenant in Chicago."""
    return stack.ask()


@pytest.fixture(scope="module")
def request_to_christopher(stack: Running) -> str:
    """A pending request to the tenant in London."""
    return stack.ask(tenant=GALLERY, people=CHARLOTTE)


@pytest.mark.parametrize(
    ("typed", "said", "wire"),
    [
        (f"{YEAR}-01-15", f"{YEAR}-01-16 00:00 CST", f"{YEAR}-01-16T06:00:00Z"),
        (f"{YEAR}-01-15T18:00", f"{YEAR}-01-15 18:00 CST", f"{YEAR}-01-16T00:00:00Z"),
        (f"{YEAR}-01-15T18:00:30", f"{YEAR}-01-15 18:00:30 CST", f"{YEAR}-01-16T00:00:30Z"),
        (f"{YEAR}-01-15T18:00:00+01:00", f"{YEAR}-01-15 11:00 CST", f"{YEAR}-01-15T17:00:00Z"),
        (f"{YEAR}-01-15T18:00:00Z", f"{YEAR}-01-15 12:00 CST", f"{YEAR}-01-15T18:00:00Z"),
        # A day of 23 hours ends where its zone says, not 24 hours after it began.
        (f"{SPRING}", f"{SPRING + timedelta(days=1)} 00:00 CDT", None),
    ],
)
def test_what_was_understood_is_said_in_the_tenants_zone(
    stack: Running, request_to_tom: str, typed: str, said: str, wire: str | None
) -> None:
    words = ("request", "grant", request_to_tom, "--until", typed, "--dry-run", "--json")

    would = stack.run("tom", *words, GATEHOUSE_POLICY_FILE=str(stack.home / "policy.toml"))

    if would.code == 0:
        assert wire is None or would.json["ends_at"] == wire
    else:  # the rest of this year decides whether it lies within 365 days
        assert "Access may last at most 365 days" in would.err
    assert f"{said} (America/Chicago)" in would.err


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (f"{SPRING}T02:30", f"in America/Chicago the clock never shows {SPRING} 02:30"),
        (f"{AUTUMN}T01:30", f"in America/Chicago the clock shows {AUTUMN} 01:30 twice"),
    ],
)
def test_an_hour_that_the_clocks_skip_or_show_twice_is_refused(
    stack: Running, request_to_tom: str, typed: str, why: str
) -> None:
    ended = stack.run("tom", "request", "grant", request_to_tom, "--until", typed)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--until: The clocks change: ")
    assert why in ended.err
    assert "Write the offset you mean: " in ended.err
    assert ended.err.count("\n") == 1


def test_each_tenant_has_clocks_of_its_own(
    stack: Running, request_to_tom: str, request_to_christopher: str
) -> None:
    typed = f"{LONDON}T01:30"  # skipped in London, an hour like any other in Chicago

    in_chicago = stack.run("tom", "request", "grant", request_to_tom, "--until", typed, "--dry-run")
    in_london = stack.run(
        "christopher", "request", "grant", request_to_christopher, "--until", typed, "--dry-run"
    )

    assert f"{LONDON} 01:30 CDT (America/Chicago)" in in_chicago.err
    assert in_london.code == 2
    assert f"in Europe/London the clock never shows {LONDON} 01:30" in in_london.err


@pytest.mark.parametrize("typed", ["tomorrow", "31.3.2027", "20270331", "2027-02-30", "", "2027"])
def test_what_is_no_date_gets_the_forms_that_are(
    stack: Running, request_to_tom: str, typed: str
) -> None:
    ended = stack.run("tom", "request", "grant", request_to_tom, "--until", typed)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--until: That is not a date we can read. Write a date ")


@pytest.mark.parametrize("typed", ["0", "0s", "-1h", "1.5h", "1y6m2w", "NaN", "", "1h30m", "1 h"])
def test_what_is_no_span_gets_the_form_that_is(
    stack: Running, request_to_tom: str, typed: str
) -> None:
    ended = stack.run("tom", "request", "grant", request_to_tom, f"--for={typed}")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--for: Write the duration as one number and one unit, such as ")
