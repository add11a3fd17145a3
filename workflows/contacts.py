"""The workflow of a site's contacts: it goes on for as long as the site is there."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.contacts.record import CLOSED, KIND
    from approvals.delivery import Outcome
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class ContactsWorkflow(Process):
    """From the first save on, through every monthly review."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
