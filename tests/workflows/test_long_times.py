"""Days and years in seconds: each process on a clock of its own, which the door is carried."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from approvals.tenant_access.record import KIND
from store import tables as t
from tests.factories import DAY, HOUR, MINUTE
from tests.installation import CarriedClock, Installation
from tests.workflows.sign_ins import SigningIn
from tests.workflows.stage import Stage

MOMENT = timedelta(seconds=10)  # how far from its instant a tick may be


@pytest.fixture
def clock() -> CarriedClock:
    """The clock that reads the time that the workflow carries."""
    return CarriedClock()


@pytest.fixture
def skipper(client: Client) -> TimeSkipper:
    """Starts processes whose time is skipped wherever they only wait."""
    return TimeSkipper(client)


@pytest.fixture
def stage(installation: Installation, skipper: TimeSkipper) -> Stage:
    """The stage on the skipping client."""
    return Stage(installation, skipper.client)


async def reminded(stage: Stage, process: UUID) -> list[tuple[str, datetime]]:
    """Return every notice of a process, once a kind and version, with its instant."""
    query = (
        select(t.outbox.c.kind, t.outbox.c.version, t.outbox.c.written_at)
        .where(t.outbox.c.process_id == process)
        .distinct()
        .order_by(t.outbox.c.version)
    )
    async with stage.installation.engines.read.connect() as connection:
        rows = (await connection.execute(query)).all()
    return [(row.kind, row.written_at) for row in rows]


def assert_close(found: datetime, wanted: datetime) -> None:
    assert wanted <= found <= wanted + MOMENT


async def test_two_weeks_without_a_decision_lapse_with_their_two_reminders(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        process, submission = stage.submission()
        await stage.gatehouse.submit(KIND, submission, None)
        result = await stage.ended(process)

    state = await stage.request(process)
    begun = state.submitted_at
    assert (result.status, result.version) == ("lapsed", 4)
    assert state.due_at == begun + 14 * DAY
    notices = await reminded(stage, process)
    assert [kind for kind, _ in notices] == [
        "request_received", "request_reminder", "request_reminder", "request_lapsed",
    ]  # fmt: skip
    for (_, at), days in zip(notices, (0, 7, 13, 14), strict=True):
        assert_close(at, begun + days * DAY)
    assert await stage.audited(process) == ["submitted", "reminded", "reminded", "lapsed"]


async def test_a_year_of_access_ends_with_reminders_a_week_and_a_day_before(
    stage: Stage, skipper: TimeSkipper
) -> None:
    async with stage.installation.working(stage.client):
        with skipper.with_time_skipping_disabled():
            process = await stage.submitted()
        handle = stage.handle(process)
        assert await skipper.fast_forward(handle, 3 * DAY)
        now = await skipper.get_current_time(handle)
        await stage.send(await stage.grant(process, lasting=364 * DAY, at=now))
        ends_at = (await stage.request(process)).ends_at
        assert ends_at is not None
        await skipper.fast_forward(handle)
        result = await stage.ended(process)

    assert (result.status, result.version) == ("expired", 5)
    notices = await reminded(stage, process)
    assert [kind for kind, _ in notices] == [
        "request_received", "request_granted", "end_reminder", "end_reminder", "access_expired",
    ]  # fmt: skip
    for (_, at), before in zip(notices[2:], (7 * DAY, DAY, timedelta()), strict=True):
        assert_close(at, ends_at - before)


async def test_a_code_that_nobody_proves_lapses_after_ten_minutes(stage: Stage) -> None:
    async with stage.installation.working(stage.client) as mailer:
        signing_in = SigningIn(stage, mailer)
        await signing_in.begin()
        result = await asyncio.wait_for(signing_in.handle.result(), 15)

    state = await signing_in.state()
    assert (result.status, result.version) == ("lapsed", 2)
    assert state.closed_at is not None
    assert_close(state.closed_at, state.asked_at + 10 * MINUTE)


async def test_a_key_ends_after_twelve_hours(stage: Stage, skipper: TimeSkipper) -> None:
    async with stage.installation.working(stage.client) as mailer:
        signing_in = SigningIn(stage, mailer)
        with skipper.with_time_skipping_disabled():
            await signing_in.begin()
        await skipper.fast_forward(signing_in.handle, 9 * MINUTE)
        now = await skipper.get_current_time(signing_in.handle)
        await signing_in.prove(await signing_in.code(), at=now)
        await skipper.fast_forward(signing_in.handle)
        result = await asyncio.wait_for(signing_in.handle.result(), 15)

    state = await signing_in.state()
    assert (result.status, result.version) == ("expired", 3)
    assert state.enrolled_at is not None
    assert state.closed_at is not None
    assert_close(state.closed_at, state.enrolled_at + 12 * HOUR)
