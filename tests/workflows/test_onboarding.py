"""Onboardings on the real server: steps, waits, strangers, and what a history holds."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.names import NOTHING
from activities.onboarding import OnboardingActivities
from activities.reconcile import Reconciler
from approvals.delivery import Outcome, Start
from approvals.errors import NotAllowedNowError
from approvals.onboarding.commands import Abandon, Retry
from approvals.onboarding.record import Onboarding
from approvals.policy import OnboardingLimits, Policies
from store.engine import Engines
from store.ledger import SqlLedger
from tests.customer_platform.customers import ENVIRONMENT, PBX_SECRET
from tests.customer_platform.running import RunningPlatform
from tests.customer_platform.running import running as platform_running
from tests.factories import make_id
from tests.onboardings import LOUISA
from tests.stored_onboarding import vendors
from tests.workflows.onboarding_stage import OnboardingStage
from tests.workflows.stage import eventually

STEPS = 11  # of the Admiral Benbow, until it is ready
FIRST = "2"  # the id of the first step's activity, after that of the submission


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with platform_running(tmp_path / "platform.db") as one:
        yield one


@pytest.fixture
async def stage(engines: Engines, client: Client, platform: RunningPlatform) -> OnboardingStage:
    return OnboardingStage(await vendors(engines), client, platform)


async def test_a_customer_is_onboarded_and_its_workflow_ends(stage: OnboardingStage) -> None:
    async with stage.working():
        process = await stage.started()
        outcome = await stage.ended(process)

    assert outcome.status == "ready"
    stage.assert_complete()
    events = await stage.counted(process)
    assert events["ACTIVITY_TASK_SCHEDULED"] == events["ACTIVITY_TASK_COMPLETED"] == STEPS
    assert events["WORKFLOW_TASK_FAILED"] == 0


async def test_a_long_import_costs_no_history(
    tmp_path: Path, engines: Engines, client: Client
) -> None:
    with platform_running(tmp_path / "slow.db", import_seconds=2) as platform:
        stage = OnboardingStage(await vendors(engines), client, platform)
        async with stage.working():
            process = await stage.started()
            await stage.ended(process)

    assert "importing" in await stage.audited(process)
    assert (await stage.counted(process))["ACTIVITY_TASK_SCHEDULED"] == STEPS


async def test_trouble_shows_in_the_row_and_in_temporal_and_passes(stage: OnboardingStage) -> None:
    stage.platform.fault("away", seconds=600)
    async with stage.working():
        process = await stage.started()

        async def is_retried() -> bool:
            described = await stage.handle(process).describe()
            return any(one.attempt > 1 for one in described.raw_description.pending_activities)

        await eventually(is_retried)
        (pending,) = (await stage.handle(process).describe()).raw_description.pending_activities
        trouble = (await stage.state(process)).trouble
        stage.platform.clear()
        outcome = await stage.ended(process)

    assert pending.activity_type.name == "step"
    failure = await stage.client.data_converter.decode_failure(pending.last_failure)
    assert str(failure).endswith("The customer platform cannot be reached.")
    assert trouble == "The customer platform cannot be reached."
    assert outcome.status == "ready"


async def test_patience_ends_in_a_parked_onboarding_which_a_retry_takes_up(
    stage: OnboardingStage,
) -> None:
    stage.platform.fault("away", seconds=600)
    short = Policies(onboarding=OnboardingLimits(patience=timedelta(seconds=1)))
    async with stage.working(short):
        process = await stage.started()
        parked = await stage.comes_to(process, "parked")
        stage.platform.clear()
        await stage.says(process, Retry(), LOUISA)
        outcome = await stage.ended(process)

    assert parked.reason is not None
    assert outcome.status == "ready"
    stage.assert_complete()


async def test_abandoning_does_not_wait_for_the_next_try(stage: OnboardingStage) -> None:
    async with stage.working():
        stage.platform.fault("error", r"GET /customers/[^/]+/users", times=1000)
        process = await stage.started()

        async def waits_long() -> bool:
            described = await stage.handle(process).describe()
            return any(one.attempt > 3 for one in described.raw_description.pending_activities)

        await eventually(waits_long, within=30)  # the next one is eight seconds away
        await stage.says(process, Abandon(reason="Enough."))
        stage.platform.clear()
        outcome = await stage.ended(process, within=5)

    assert outcome.status == "abandoned"
    stage.assert_gone()
    assert (await stage.counted(process))["ACTIVITY_TASK_CANCELED"] == 1


class LateTrouble(OnboardingActivities):
    """Its first try fails, and not before the onboarding is abandoned and the try called off."""

    @activity.defn
    async def step(self, start: RawValue = NOTHING) -> Outcome:
        """Take a step, or fail."""
        if activity.info().attempt > 1 or activity.info().activity_id != FIRST:
            return await super().step(start)
        process = Start.model_validate_json(start.payload.data).process
        async with asyncio.timeout(10):
            while not await self._is_abandoning(process):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        raise ApplicationError("It is away.", type="step_left")

    async def _is_abandoning(self, process: UUID) -> bool:
        async with self._ledger.locked(process, datetime.now(UTC)) as row:
            return isinstance(row.state, Onboarding) and row.state.is_abandoning


async def test_a_last_try_that_fails_after_it_was_called_off_fails_no_workflow(
    stage: OnboardingStage,
) -> None:
    async with stage.working(steps_of=LateTrouble):
        process = await stage.started()
        await stage.says(process, Abandon())
        outcome = await stage.ended(process)

    assert outcome.status == "abandoned"
    assert (await stage.counted(process))["ACTIVITY_TASK_FAILED"] == 1
    stage.assert_gone()


async def test_a_lost_workflow_is_started_again_from_its_row(stage: OnboardingStage) -> None:
    stage.platform.fault("away", seconds=600)
    async with stage.working():
        process = await stage.started()

        async def has_trouble() -> bool:
            return (await stage.state(process)).trouble is not None

        await eventually(has_trouble)
        await stage.handle(process).terminate()
        stage.platform.clear()

        async def is_started_again() -> bool:
            engines = stage.installation.engines
            return (await Reconciler(SqlLedger(engines), stage.client).run_once()).started == 1

        await eventually(is_started_again)
        outcome = await stage.ended(process)

    assert outcome.status == "ready"
    stage.assert_complete()


async def test_a_stranger_who_takes_every_step_doubles_nothing(stage: OnboardingStage) -> None:
    async with stage.working():
        process = await stage.started()
        while (await stage.state(process)).status == "running":
            await asyncio.gather(stage.stepped(process), stage.stepped(process))
        outcome = await stage.ended(process)
        nothing = await stage.stepped(make_id("nobody's process"))

    assert (outcome.status, nothing.version) == ("ready", 0)
    stage.assert_complete()
    assert len(await stage.audited(process)) == outcome.version


async def test_a_closed_one_takes_no_command(stage: OnboardingStage) -> None:
    async with stage.working():
        process = await stage.started()
        await stage.ended(process)

        with pytest.raises(NotAllowedNowError):
            await stage.says(process, Abandon())


async def test_a_worker_without_a_cache_replays_each_task(stage: OnboardingStage) -> None:
    stage.platform.fault("error_after", r"POST /customers/[^/]+/users")
    async with stage.working(cached=0):
        process = await stage.started()
        outcome = await stage.ended(process)

    assert outcome.status == "ready"
    assert (await stage.counted(process))["WORKFLOW_TASK_FAILED"] == 0


async def test_no_history_holds_a_secret(stage: OnboardingStage) -> None:
    stage.platform.fault("error", r"POST /customers")
    async with stage.working():
        process = await stage.started()
        await stage.ended(process)

    history = (await stage.handle(process).fetch_history()).to_json()
    for secret in (*ENVIRONMENT.values(), PBX_SECRET):
        assert secret not in history
