"""The lives of an onboarding whose histories are kept: every end, and every way of going wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy.engine import URL
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.starting import start_process
from approvals.delivery import Start
from approvals.onboarding.commands import Abandon, Retry
from approvals.onboarding.record import KIND, process_id_of
from approvals.policy import OnboardingLimits, Policies
from store.engine import connect
from store.schema import upgrade
from tests.customer_platform.running import running
from tests.installation import CarriedClock
from tests.onboardings import ARTHUR, LOUISA, make_start
from tests.stored_onboarding import vendors
from tests.workflows.onboarding_stage import OnboardingStage
from tests.workflows.stage import eventually

Handle = WorkflowHandle[object, object]
IMPATIENT = Policies(
    onboarding=OnboardingLimits(
        patience=timedelta(seconds=1), look_every=timedelta(milliseconds=50)
    )
)
UNDOING = r"DELETE .*"


@asynccontextmanager
async def stage_in(folder: Path, client: Client) -> AsyncIterator[OnboardingStage]:
    """Build a database and a platform of one life alone: each onboards the same customer."""
    folder.mkdir()  # noqa: ASYNC240  # nothing runs yet that it could delay
    url = URL.create("sqlite+aiosqlite", database=str(folder / "gatehouse.db"))
    engines = connect(url, CarriedClock())
    await upgrade(engines)
    try:
        with running(folder / "platform.db") as platform:
            yield OnboardingStage(await vendors(engines), client, platform)
    finally:
        await engines.close()


async def ready(stage: OnboardingStage) -> Handle:
    async with stage.working():
        return await over(stage, await stage.started())


async def ready_after_trouble(stage: OnboardingStage) -> Handle:
    """Let calls fail before and after they count, and be repeated."""
    stage.platform.fault("error", r"POST /customers")
    stage.platform.fault("error_after", r"POST /customers/[^/]+/users")
    async with stage.working():
        return await over(stage, await stage.started())


async def parked_and_retried(stage: OnboardingStage) -> Handle:
    stage.platform.fault("away", seconds=600)
    async with stage.working(IMPATIENT):
        process = await stage.started()
        await stage.comes_to(process, "parked")
        stage.platform.clear()
        await stage.says(process, Retry(), LOUISA)
        return await over(stage, process)


async def parked_and_abandoned(stage: OnboardingStage) -> Handle:
    stage.platform.fault("error", r"GET /customers/[^/]+/users", times=1000)
    async with stage.working(IMPATIENT):
        process = await stage.started()
        await stage.comes_to(process, "parked")
        stage.platform.clear()
        await stage.says(process, Abandon(reason="Another vendor does it."))
        return await over(stage, process)


async def abandoned_in_a_step(stage: OnboardingStage) -> Handle:
    """Abandon while the platform is answering: the step ends first."""
    stage.platform.fault("stall", r"POST /customers", seconds=0.8)
    async with stage.working():
        process = await stage.started()
        await step_scheduled(stage, process)
        await stage.says(process, Abandon())
        return await over(stage, process)


async def abandoned_between_tries(stage: OnboardingStage) -> Handle:
    """Abandon while a step waits for its next try, which is given up at once."""
    async with stage.working():
        stage.platform.fault("error", r"GET /customers/[^/]+/users", times=1000)
        process = await stage.started()

        async def waits() -> bool:
            described = await stage.handle(process).describe()
            return any(one.attempt > 3 for one in described.raw_description.pending_activities)

        await eventually(waits, within=30)
        await stage.says(process, Abandon(reason="Enough."))
        stage.platform.clear()
        return await over(stage, process)


async def parked_while_undoing(stage: OnboardingStage) -> Handle:
    stage.platform.fault("error", r"GET /customers/[^/]+/users", times=1000)
    async with stage.working(IMPATIENT):
        process = await stage.started()
        await stage.comes_to(process, "parked")
        stage.platform.fault("error", UNDOING, times=1000)
        await stage.says(process, Abandon())
        await stage.comes_to(process, "parked")
        stage.platform.clear()
        await stage.says(process, Retry())
        return await over(stage, process)


async def refused_submission(stage: OnboardingStage) -> Handle:
    """Let somebody without the role start one: there is no row, and the run ends."""
    start = make_start(batch=uuid4())
    process = process_id_of(start.batch, start.customer)
    said = stage.installation.signed(ARTHUR, process, start)
    async with stage.working():
        await start_process(stage.client, KIND, Start(process=process, submission=said), None)
        return await over(stage, process)


async def from_its_row(stage: OnboardingStage) -> Handle:
    stage.platform.fault("away", seconds=600)
    async with stage.working():
        process = await stage.started()
        await step_scheduled(stage, process)
        await stage.handle(process).terminate()
        stage.platform.clear()
        await start_process(stage.client, KIND, Start(process=process), None)
        return await over(stage, process)


async def cancelled(stage: OnboardingStage) -> Handle:
    """Cancel the run while a step waits for its next try, as a stranger may."""
    stage.platform.fault("away", seconds=600)
    async with stage.working():
        process = await stage.started()
        await step_scheduled(stage, process)
        await stage.handle(process).cancel()
        with suppress(WorkflowFailureError):
            await stage.ended(process)
    return stage.handle(process)


async def continued_as_new(stage: OnboardingStage) -> list[Handle]:
    """Onboard on a server that finds thirty events long; return the first and the last run."""
    async with stage.working():
        process = await stage.started()
        first = await stage.handle(process).describe()
        await stage.ended(process)
        last = await stage.handle(process).describe()
    return [
        stage.client.get_workflow_handle(first.id, run_id=one)
        for one in (first.run_id, last.run_id)
    ]


async def over(stage: OnboardingStage, process: UUID) -> Handle:
    """Wait for the end of a run."""
    await stage.ended(process)
    return stage.handle(process)


async def step_scheduled(stage: OnboardingStage, process: UUID) -> None:
    """Wait until the workflow waits for a step, and a little longer: it is under way then."""

    async def is_scheduled() -> bool:
        described = await stage.handle(process).describe()
        return bool(described.raw_description.pending_activities)

    await eventually(is_scheduled)
    await asyncio.sleep(0.2)


LIVES = (
    ready,
    ready_after_trouble,
    parked_and_retried,
    parked_and_abandoned,
    abandoned_in_a_step,
    abandoned_between_tries,
    parked_while_undoing,
    refused_submission,
    from_its_row,
    cancelled,
)
