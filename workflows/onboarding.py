"""The workflow of an onboarding."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.delivery import Outcome
    from approvals.onboarding.record import CLOSED, KIND, WORKS
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class OnboardingWorkflow(Process):
    """From the form to the customer in the directory, or to nothing left of it."""

    closed = frozenset(CLOSED)
    works = frozenset(WORKS)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
