"""The worker killed with SIGKILL in every step of many onboardings: complete once, or undone."""

import asyncio
import json
import shutil
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL
from temporalio.client import Client
from temporalio.common import RetryPolicy

from approvals.onboarding.commands import Abandon
from examples.reference_platform.pbxs import PBXS
from store.engine import Engines
from tests.customer_platform.customers import ENVIRONMENT
from tests.customer_platform.running import RunningPlatform
from tests.customer_platform.running import running as platform_running
from tests.installation import home_of
from tests.stored_onboarding import vendors
from tests.workflows.inns import STEPS, Inn, found
from tests.workflows.onboarding_stage import OnboardingStage
from tests.workflows.programs import environment, running
from workflows import options

DYING = "tests/workflows/dying_onboarder.py"
POINTS = ("before", "after", "recorded")
Place = tuple[int, str]  # the version of a row, and the point of the step that it demands
BATCH = uuid4()
UNDO_STEPS = 5  # three users' roles, one user, and the customer


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step that failed come back soon."""
    quick = RetryPolicy(
        initial_interval=timedelta(seconds=0.1), maximum_interval=timedelta(seconds=0.5)
    )
    monkeypatch.setitem(options.STEP, "retry_policy", quick)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with platform_running(tmp_path / "platform.db") as one:
        yield one


@pytest.fixture
async def stage(engines: Engines, client: Client, platform: RunningPlatform) -> OnboardingStage:
    return OnboardingStage(await vendors(engines), client, platform)


@pytest.fixture
def inns(monkeypatch: pytest.MonkeyPatch) -> list[Inn]:
    """As many customers as there are places to die, whose PBXs the platform can reach."""
    all_of_them = [Inn(BATCH, number) for number in range(STEPS * len(POINTS))]
    for one in all_of_them:
        monkeypatch.setitem(PBXS, one.host, one.pbx)
    return all_of_them


class Killer:
    """Runs workers that die where they shall."""

    def __init__(self, stage: OnboardingStage, database_url: URL, home: Path) -> None:
        self._variables = {
            **environment(home, database_url, stage.client, 1),
            **ENVIRONMENT,
            "GATEHOUSE_PLATFORM_URL": stage.platform.address,
            "GATEHOUSE_PLATFORM_CLIENT_SECRET": "env:PLATFORM",
        }

    async def kill(self, plan: Mapping[Inn, Place]) -> None:
        """Run a worker until it has died with every onboarding at its place."""
        dies_at = json.dumps({str(inn.process): place for inn, place in plan.items()})
        async with running(DYING, {**self._variables, "DIES_AT": dies_at}) as worker:
            assert await asyncio.wait_for(worker.wait(), 120) == -signal.SIGKILL


@pytest.fixture
def killer(stage: OnboardingStage, database_url: URL, payload_keys: Path, tmp_path: Path) -> Killer:
    home = home_of(tmp_path)
    shutil.copytree(payload_keys, home / "keys" / "payload")
    return Killer(stage, database_url, home)


async def test_a_worker_killed_in_every_step_leaves_customers_that_are_complete_exactly_once(
    stage: OnboardingStage, killer: Killer, inns: list[Inn], tmp_path: Path
) -> None:
    places = [(step, point) for step in range(1, STEPS + 1) for point in ("before", "after")]
    places += [(1, "recorded"), (STEPS, "recorded")]  # elsewhere it is as before the next step
    inns = inns[: len(places)]
    for inn in inns:
        await stage.started(**inn.form, wait=False)
    await killer.kill(dict(zip(inns, places, strict=True)))
    versions = [(await stage.state(inn.process)).version for inn in inns]

    async with stage.working():
        outcomes = [await stage.ended(inn.process) for inn in inns]

    assert versions == [step + (point == "recorded") for step, point in places]
    assert {(one.status, one.version) for one in outcomes} == {("ready", STEPS + 1)}
    now = await found(tmp_path / "platform.db", stage.installation.engines)
    for inn in inns:
        now.assert_complete(inn)
        assert len(await stage.audited(inn.process)) == STEPS + 1


async def test_a_worker_killed_in_every_step_and_then_abandoned_leaves_nothing(
    stage: OnboardingStage, killer: Killer, inns: list[Inn], tmp_path: Path
) -> None:
    # The step after these would enter the directory, which is past being abandoned.
    places = [(step, point) for step in range(1, STEPS - 1) for point in ("after", "recorded")]
    places += [(1, "before")]
    inns = inns[: len(places)]
    for inn in inns:
        await stage.started(**inn.form, wait=False)
    await killer.kill(dict(zip(inns, places, strict=True)))
    stage.platform.fault("away", seconds=600)
    for inn in inns:
        await stage.leaves(inn.process, Abandon(reason="They moved."))

    async with stage.working():
        for inn in inns:
            await stage.comes_to(inn.process, "undoing")
        stage.platform.clear()
        outcomes = [await stage.ended(inn.process) for inn in inns]

    assert {one.status for one in outcomes} == {"abandoned"}
    now = await found(tmp_path / "platform.db", stage.installation.engines)
    for inn in inns:
        now.assert_gone(inn)
        await stage.assert_undone_backwards(inn)


async def test_a_worker_killed_in_every_step_of_undoing_leaves_nothing(
    stage: OnboardingStage, killer: Killer, inns: list[Inn], tmp_path: Path
) -> None:
    places = [(step, point) for step in range(1, UNDO_STEPS + 1) for point in POINTS]
    inns = inns[: len(places)]
    async with stage.working():
        parked = [(await stage.parked_at_the_end(inn)).version for inn in inns]
    for inn in inns:
        await stage.leaves(inn.process, Abandon(reason="They moved."))
    at = [(before + step, point) for before, (step, point) in zip(parked, places, strict=True)]
    await killer.kill(dict(zip(inns, at, strict=True)))

    async with stage.working():
        outcomes = [await stage.ended(inn.process) for inn in inns]

    assert [(one.status, one.version) for one in outcomes] == [
        ("abandoned", version + 1 + UNDO_STEPS) for version in parked
    ]
    now = await found(tmp_path / "platform.db", stage.installation.engines)
    for inn in inns:
        now.assert_gone(inn)
        await stage.assert_undone_backwards(inn)
