"""The workflow of somebody's access to a site."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.delivery import Outcome
    from approvals.site_access.record import CLOSED, KIND
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class SiteAccessWorkflow(Process):
    """From the request, or from being added, to the end of the membership."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
