"""The workflow of a tenant access request."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.access_request import CLOSED, KIND
    from approvals.ports import Outcome
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class TenantAccessWorkflow(Process):
    """From the request to the end of the access."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
