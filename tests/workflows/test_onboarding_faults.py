"""Onboardings through the real workflow while the platform fails: complete exactly once, or undone.

The platform is the real one, over HTTP, and what it holds is read from its own file.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client
from temporalio.common import RetryPolicy

from approvals.onboarding.commands import Abandon
from examples.reference_platform.pbxs import PBXS
from store.engine import Engines
from tests.customer_platform.running import RunningPlatform, running
from tests.factories import MINUTE
from tests.stored_onboarding import vendors
from tests.workflows.inns import Inn, found
from tests.workflows.onboarding_stage import OnboardingStage
from tests.workflows.stage import eventually
from workflows import options

BATCH = uuid4()
FAULTS = [
    "error",
    "error_after",
    "stall",
    "stall_after",
    "close_after",
    "conflict",
    "expire_tokens",
]
FORWARD = [
    r"POST /customers",
    r"GET /customers/[^/]+/pbx",
    r"GET /customers/[^/]+/users",
    r"POST /customers/[^/]+/users",
    r"PATCH /customers/.*",
    r"POST /oauth/token",
]
BACKWARD = [
    r"PATCH /customers/.*",
    r"DELETE /customers/[^/]+/users/.*",
    r"DELETE /customers/[^/]+",
]


class MovedClock:
    """The database's clock in these tests: this machine's, moved ahead at will."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    async def now(self, connection: AsyncConnection, carried: datetime | None = None) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step that failed come back soon."""
    quick = RetryPolicy(
        initial_interval=timedelta(seconds=0.1), maximum_interval=timedelta(seconds=0.5)
    )
    monkeypatch.setitem(options.STEP, "retry_policy", quick)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with running(tmp_path / "platform.db") as one:
        yield one


@pytest.fixture
async def stage(engines: Engines, client: Client, platform: RunningPlatform) -> OnboardingStage:
    return OnboardingStage(await vendors(engines), client, platform)


@pytest.fixture
def inns(monkeypatch: pytest.MonkeyPatch) -> list[Inn]:
    """Two customers, whose PBXs the platform can reach."""
    both = [Inn(BATCH, number) for number in (1, 2)]
    for one in both:
        monkeypatch.setitem(PBXS, one.host, one.pbx)
    return both


@pytest.mark.parametrize("kind", FAULTS)
async def test_customers_are_complete_exactly_once_whatever_each_kind_of_call_meets(
    stage: OnboardingStage, inns: list[Inn], tmp_path: Path, kind: str
) -> None:
    for call in FORWARD:
        stage.platform.fault(kind, call, times=2, seconds=0.5)

    async with stage.working(seconds=0.3):
        await asyncio.gather(*(stage.started(**inn.form) for inn in inns))
        outcomes = [await stage.ended(inn.process) for inn in inns]

    assert {one.status for one in outcomes} == {"ready"}
    assert stage.platform.faults_left() == 0
    now = await found(tmp_path / "platform.db", stage.installation.engines)
    for inn in inns:
        now.assert_complete(inn)
        assert len(await stage.audited(inn.process)) == (await stage.state(inn.process)).version


@pytest.mark.parametrize("kind", FAULTS)
async def test_abandoned_customers_are_undone_whatever_each_kind_of_call_meets(
    stage: OnboardingStage, inns: list[Inn], tmp_path: Path, kind: str
) -> None:
    async with stage.working(seconds=0.3):
        parked = [await stage.parked_at_the_end(inn) for inn in inns]
        for call in BACKWARD:
            stage.platform.fault(kind, call, times=2, seconds=0.5)
        await asyncio.gather(*(stage.says(inn.process, Abandon()) for inn in inns))
        outcomes = [await stage.ended(inn.process) for inn in inns]

    assert {one.status for one in parked} == {"parked"}
    assert {one.status for one in outcomes} == {"abandoned"}
    assert stage.platform.faults_left() == 0
    now = await found(tmp_path / "platform.db", stage.installation.engines)
    for inn in inns:
        now.assert_gone(inn)
        await stage.assert_undone_backwards(inn)


async def test_ten_minutes_without_the_platform_in_the_midst_of_it_only_delay_it(
    engines: Engines, client: Client, clock: MovedClock, inns: list[Inn], tmp_path: Path
) -> None:
    inn = inns[0]
    with running(tmp_path / "slow.db", import_seconds=60) as platform:
        stage = OnboardingStage(await vendors(engines), client, platform)
        async with stage.working():
            await stage.started(**inn.form)
            await eventually(lambda: is_at(stage, inn, "import"))
            platform.fault("away", seconds=600)
            await eventually(lambda: has_trouble(stage, inn))
            for minute in range(1, 10):
                clock.ahead = platform.clock.ahead = minute * MINUTE
                await asyncio.sleep(0.1)
            during = await stage.state(inn.process)
            clock.ahead = platform.clock.ahead = 11 * MINUTE
            outcome = await stage.ended(inn.process)

    assert (during.status, during.trouble) == (
        "running",
        "The customer platform cannot be reached.",
    )
    assert outcome.status == "ready"
    chain = await stage.audit(inn.process)
    assert [one.event for one in chain].count("troubled") == 1
    assert chain[-1].at - chain[0].at >= 10 * MINUTE
    (await found(tmp_path / "slow.db", engines)).assert_complete(inn)


async def test_ten_minutes_without_the_platform_while_it_is_undone_only_delay_it(
    stage: OnboardingStage, clock: MovedClock, inns: list[Inn], tmp_path: Path
) -> None:
    inn = inns[0]
    async with stage.working():
        await stage.parked_at_the_end(inn)
        stage.platform.fault("away", seconds=600)
        await stage.says(inn.process, Abandon())
        await eventually(lambda: has_trouble(stage, inn))
        for minute in range(1, 10):
            clock.ahead = stage.platform.clock.ahead = minute * MINUTE
            await asyncio.sleep(0.1)
        during = await stage.state(inn.process)
        clock.ahead = stage.platform.clock.ahead = 11 * MINUTE
        outcome = await stage.ended(inn.process)

    assert (during.status, outcome.status) == ("undoing", "abandoned")
    (await found(tmp_path / "platform.db", stage.installation.engines)).assert_gone(inn)


async def is_at(stage: OnboardingStage, inn: Inn, step: str) -> bool:
    return (await stage.state(inn.process)).step == step


async def has_trouble(stage: OnboardingStage, inn: Inn) -> bool:
    return (await stage.state(inn.process)).trouble is not None
