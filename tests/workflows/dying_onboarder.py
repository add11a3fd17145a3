"""A worker for tests: it holds each onboarding at a step, and dies once all are held."""

import asyncio
import json
import os
import signal
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from uuid import UUID

from temporalio import activity
from temporalio.common import RawValue, RetryPolicy

from activities.commit import CommitActivities
from activities.names import NOTHING
from activities.onboarding import OnboardingActivities
from activities.send_notices import TemporalMailQueue
from approvals.delivery import Outcome, Start
from approvals.onboarding import steps
from approvals.onboarding.record import Onboarding
from approvals.policy import Policies
from config import temporal
from config.settings import load
from identity.signing import Ed25519Signatures
from starter import wiring
from starter.workers import process_worker
from store.engine import connect
from store.ledger import SqlLedger
from workflows import options

# At which version of its row each onboarding is held, and at which point of the step: before the
# platform is asked, after it has answered, or when the answer is recorded and nobody heard of it.
PLAN = {UUID(one): tuple(place) for one, place in json.loads(os.environ["DIES_AT"]).items()}
HERE: ContextVar[tuple[UUID, int]] = ContextVar("HERE")  # the process and version of a step


class HeldSteps(OnboardingActivities):
    """Takes steps until each onboarding of the plan is where it shall be."""

    held: frozenset[UUID] = frozenset()

    @activity.defn
    async def step(self, start: RawValue = NOTHING) -> Outcome:
        """Take a step, unless it is one further than the plan says."""
        process = Start.model_validate_json(start.payload.data).process
        async with self._ledger.locked(process, datetime.now(UTC)) as row:
            version = row.state.version if isinstance(row.state, Onboarding) else 0
        if version > PLAN[process][0]:  # Temporal tries again what was held for long
            await asyncio.Event().wait()
        HERE.set((process, version))
        return await super().step(start)

    async def _answer(self, task: steps.Task) -> steps.Answer:
        await self._hold("before")
        answer = await super()._answer(task)
        await self._hold("after")
        return answer

    async def _recorded(
        self, before: Onboarding, task: steps.Task, answer: steps.Answer
    ) -> Outcome:
        outcome = await super()._recorded(before, task, answer)
        await self._hold("recorded")
        return outcome

    async def _hold(self, point: str) -> None:
        process, version = HERE.get()
        if (version, point) != PLAN[process]:
            return
        HeldSteps.held |= {process}
        if HeldSteps.held == set(PLAN):
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()


async def main() -> None:
    # What this worker schedules counts as lost soon after its death.
    options.STEP["start_to_close_timeout"] = timedelta(seconds=2)
    options.STEP["retry_policy"] = RetryPolicy(maximum_interval=timedelta(seconds=1))
    settings = load()
    engines = connect(settings.database)
    client = await temporal.connect(settings, identity="dying-onboarder")
    queue = TemporalMailQueue(client)
    door = CommitActivities(
        SqlLedger(engines), Ed25519Signatures(), wiring.codes_of(settings), queue, Policies()
    )
    doomed = HeldSteps(SqlLedger(engines), wiring.platform(settings), queue)
    async with process_worker(client, door, onboarding=doomed):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
