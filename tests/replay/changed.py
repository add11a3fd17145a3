"""A change of the shell as somebody might make it: what waits without a timer looks each month.

The same change twice: as it must not be released, and as it may be.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from approvals.delivery import Outcome
    from approvals.tenant_access.record import CLOSED, KIND
    from workflows.process import NOTHING, Process

MONTH = timedelta(days=30)
PATCH = "look-each-month"


class Looking(Process):
    """Asks the door once a month where an access stands that has no end."""

    closed = frozenset(CLOSED)

    def looks(self) -> bool:
        """Whether this run has the change."""
        return True

    async def _next_change(self) -> None:
        if self._known.due is not None or not self.looks():
            await super()._next_change()
            return
        seen = self._known.version
        try:
            await workflow.wait_condition(lambda: self._known.version != seen, timeout=MONTH)
        except TimeoutError:
            await self._commit(None)


@workflow.defn(name=KIND)
class Unguarded(Looking):
    """What nobody may release: a run that slept without a timer would have one on its replay."""

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)


@workflow.defn(name=KIND)
class Guarded(Looking):
    """What may be released: runs that waited before go on as before, new ones look."""

    def looks(self) -> bool:
        return workflow.patched(PATCH)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        return await self.live(start)
