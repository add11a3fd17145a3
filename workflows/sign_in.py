"""The workflow of a sign-in and the key that it enrols."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.delivery import Outcome
    from approvals.sign_in.record import CLOSED, KIND
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class SignInWorkflow(Process):
    """From the mailed code to the end of the key's twelve hours."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
