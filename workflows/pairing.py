"""The workflow of a pairing."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.delivery import Outcome
    from approvals.pairing.record import CLOSED, KIND
    from workflows.process import NOTHING, Process


@workflow.defn(name=KIND)
class PairingWorkflow(Process):
    """From the offer to the end of the pairing; a lapsed offer gets a new run when it reopens."""

    closed = frozenset(CLOSED)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
