"""The workflow of a tenant access request."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.delivery import Outcome
    from approvals.tenant_access.record import CLOSED, KIND
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class TenantAccessWorkflow(Process):
    """From the request to the end of the access."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
