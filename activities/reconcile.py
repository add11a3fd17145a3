"""Makes Temporal follow the database: every open row has a running workflow, whatever was lost."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities import names
from activities.starting import start_process
from approvals.ports import Ledger, OpenProcess, Start
from approvals.records import Record

log = logging.getLogger(__name__)
OVERDUE = timedelta(minutes=1)  # a tick that late means a wedged or foreign workflow


class Reconciled(Record):
    """How many processes are open, and how many workflows were started or replaced."""

    open: int
    started: int
    replaced: int


class Reconciler:
    """Compares the open rows with the running workflows and starts what is missing."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._client, self._now = ledger, client, now

    async def run_once(self) -> Reconciled:
        """Start every open process that has no workflow; replace one that lets its row wait.

        Safe at any time and from several workers: a start finds what runs already.
        """
        rows = await self._ledger.open_processes()
        running = await self._running()
        started = replaced = 0
        for row in rows:
            is_running = names.workflow_id(row.kind, row.id) in running
            if is_running and not self._is_overdue(row):
                continue
            if is_running:
                await self._terminate(row)
                replaced += 1
            await start_process(self._client, row.kind, Start(process=row.id), row.tenant)
            started += 1
        return Reconciled(open=len(rows), started=started, replaced=replaced)

    def _is_overdue(self, row: OpenProcess) -> bool:
        return row.due is not None and row.due + OVERDUE < self._now()

    async def _running(self) -> frozenset[str]:
        query = f"ExecutionStatus = 'Running' AND TaskQueue = '{names.PROCESSES}'"
        return frozenset(
            [one.id async for one in self._client.list_workflows(query, page_size=1000)]
        )

    async def _terminate(self, row: OpenProcess) -> None:
        handle = self._client.get_workflow_handle(names.workflow_id(row.kind, row.id))
        try:
            await handle.terminate("overdue: started again from its row")
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
