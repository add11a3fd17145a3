"""Makes Temporal follow the database: every open row has a running workflow, whatever was lost."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities import names
from activities.starting import start_process
from approvals.ports import Ledger, OpenProcess, Start
from approvals.records import Record

log = logging.getLogger(__name__)
OVERDUE = timedelta(minutes=1)  # a tick that late means a wedged or foreign workflow


class Reconciled(Record):
    """How many processes are open, and how many workflows were started, replaced or ended."""

    open: int
    started: int
    replaced: int
    ended: int = 0


class Reconciler:
    """Compares the open rows with the running workflows and starts what is missing."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._client, self._now = ledger, client, now
        self._late: dict[tuple[UUID, datetime], datetime] = {}

    async def run_once(self) -> Reconciled:
        """Start every open process that has no workflow; replace one that lets its row wait.

        Safe at any time and from several workers: a start finds what runs already.
        """
        rows = await self._ledger.open_processes()
        stuck = self._stuck(rows)
        running = await self._running()
        started = replaced = 0
        for row in rows:
            is_ours = running.get(names.workflow_id(row.kind, row.id))
            if is_ours and row.id not in stuck:
                continue
            if is_ours is not None:
                foreign = names.workflow_id(row.kind, row.id)
                replaced += await self._terminate(foreign, "not this row's: started again from it")
            await start_process(self._client, row.kind, Start(process=row.id), row.tenant)
            started += 1
        ended = await self._end_orphans(rows, running)
        return Reconciled(open=len(rows), started=started, replaced=replaced, ended=ended)

    async def _end_orphans(self, rows: Sequence[OpenProcess], running: dict[str, bool]) -> int:
        """End workflows whose row is closed: they would sleep for a tick that never comes."""
        known = {names.workflow_id(row.kind, row.id) for row in rows}
        strays = {one: names.process_of(one) for one in running if one not in known}
        closed = await self._ledger.closed([one for one in strays.values() if one])
        orphans = [one for one, process in strays.items() if process in closed]
        return sum([await self._terminate(one, "its row is closed") for one in orphans])

    def _stuck(self, rows: Sequence[OpenProcess]) -> frozenset[UUID]:
        """Return the rows whose clock has stood for a minute of our watching.

        After an outage of the workers or the database every row may be late, and the workflows,
        which hold messages that are nowhere else, are about to catch up.
        """
        now = self._now()
        late = [(row.id, row.due) for row in rows if row.due is not None and row.due <= now]
        self._late = {one: self._late.get(one, now) for one in late}
        return frozenset(row for (row, _), since in self._late.items() if now - since >= OVERDUE)

    async def _running(self) -> dict[str, bool]:
        """Return the ids of what runs, and whether it is ours: our type on our queue."""
        return {
            one.id: one.task_queue == names.PROCESSES and one.id.startswith(f"{one.workflow_type}/")
            async for one in self._client.list_workflows(
                "ExecutionStatus = 'Running'", page_size=1000
            )
        }

    async def _terminate(self, workflow: str, why: str) -> bool:
        try:
            await self._client.get_workflow_handle(workflow).terminate(reason=why)
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True
