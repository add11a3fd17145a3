"""The workflow of a customer's access to the platform."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.customer_access.record import CLOSED, KIND
    from approvals.delivery import Outcome
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class CustomerAccessWorkflow(Process):
    """From the first turn of the switch on; it is never over."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
