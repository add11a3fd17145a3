"""Makes Temporal follow the database: every open row has a running workflow, whatever was lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities import names
from activities.reviews import ensure_reviews
from activities.starting import start_process
from approvals.delivery import Start
from approvals.ports import Ledger, OpenProcess
from approvals.records import Record

OVERDUE = timedelta(minutes=1)  # a tick that late means a wedged or foreign workflow
PAUSE = 10.0  # seconds between the rounds of one that wants to be sure
PAGE = 1000  # what Temporal and the database are asked for at once
AT_ONCE = 16  # calls to Temporal that are under way together
T = TypeVar("T")
Suspect = tuple[str, datetime | None]  # a workflow, and the instant for which its row waits


class Reconciled(Record):
    """How many processes are open, and how many workflows were started, replaced or ended.

    *watched* ones do not fit their processes, and were left, for they may move within the minute.
    """

    open: int
    started: int
    replaced: int
    ended: int = 0
    watched: int = 0

    def after(self, earlier: "Reconciled") -> "Reconciled":
        """Return what this round and those before it did together."""
        return self.model_copy(
            update={
                "started": earlier.started + self.started,
                "replaced": earlier.replaced + self.replaced,
                "ended": earlier.ended + self.ended,
            }
        )


class Compared(NamedTuple):
    """Open rows by workflow id, what runs and whether it is ours, and what runs for no open row."""

    rows: dict[str, OpenProcess]
    running: dict[str, bool]
    closed: list[str]
    gone: list[str]


class Reconciler:
    """Compares the open rows with the running workflows and starts what is missing."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._client, self._now = ledger, client, now
        self._seen: dict[Suspect, datetime] = {}

    async def run_once(self) -> Reconciled:
        """Start every open process that has no workflow, and replace or end what does not fit.

        The Schedule of reviews is made again too, if somebody deleted it.
        Safe at any time and from several workers: a start finds what runs already.
        """
        try:
            return await self._round()
        except Exception:
            self._seen = {}  # nobody knows what happened meanwhile: the minute begins anew
            raise

    async def survey(self) -> Reconciled:
        """Say what a round would do with processes now, and do nothing.

        The Schedule of reviews, which a round makes again, is not looked at.
        """
        rows, running, closed, gone = await self._compared()
        missing = [one for one in rows if not running.get(one)]
        late = [one for one, row in rows.items() if running.get(one) and self._is_late(row)]
        return Reconciled(
            open=len(rows),
            started=len(missing),
            replaced=sum(one in running for one in missing),
            watched=len(late) + len(closed) + len(gone),
        )

    async def run_until_sure(
        self, tell: Callable[[int], None], pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> Reconciled:
        """Do rounds until all that did not fit at the first has moved, or was replaced or ended.

        That takes a minute at most; *tell* is called before it, with the number of them.
        """
        done = await self.run_once()
        until, is_over = self._now() + OVERDUE, False
        if done.watched:
            tell(done.watched)
        while done.watched and not is_over:
            await pause(min(PAUSE, OVERDUE.total_seconds()))
            is_over = self._now() >= until
            done = (await self.run_once()).after(done)
        return done

    async def _round(self) -> Reconciled:
        rows, running, closed, gone = await self._compared()
        late = {(one, row.due) for one, row in rows.items() if self._is_late(row)}
        stuck = self._lasting(late | {(one, None) for one in (*closed, *gone)})
        missing = [one for one in rows if not running.get(one) or one in stuck]
        foreign = [one for one in missing if one in running]
        replaced = await self._terminate(foreign, "not this row's: started again from it")
        await _few_at_once(self._start, [rows[one] for one in missing])
        await ensure_reviews(self._client)
        orphans = [one for one in closed if one in stuck]
        ended = await self._terminate(orphans, "its row is closed")
        bereft = [one for one in gone if one in stuck]
        ended += await self._terminate(bereft, "its row is gone", if_idle=True)
        left = {one for one, _ in self._seen} - stuck - set(missing)
        return Reconciled(
            open=len(rows),
            started=len(missing),
            replaced=replaced,
            ended=ended,
            watched=len(left),
        )

    async def _compared(self) -> Compared:
        """Return open rows, running workflows, and those of them whose row is closed or gone."""
        rows = {
            names.workflow_id(row.kind, row.id): row for row in await self._ledger.open_processes()
        }
        running = await self._running()
        closed, gone = await self._needless([one for one in running if one not in rows])
        return Compared(rows, running, closed, [one for one in gone if running[one]])

    async def _start(self, row: OpenProcess) -> bool:
        await start_process(self._client, row.kind, Start(process=row.id), row.tenant)
        return True

    def _is_late(self, row: OpenProcess) -> bool:
        return row.due is not None and row.due <= self._now()

    async def _needless(self, workflows: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return those whose row is closed, which may sleep for ever, and those without a row.

        A row is gone when an older database was restored, or not there yet.
        """
        processes = {one: process for one in workflows if (process := names.process_of(one))}
        asked, known = list(processes.values()), dict[UUID, bool]()
        for start in range(0, len(asked), PAGE):  # strangers may have started any number
            known |= await self._ledger.are_closed(asked[start : start + PAGE])
        closed = [one for one, process in processes.items() if known.get(process)]
        return closed, [one for one, process in processes.items() if process not in known]

    def _lasting(self, suspects: set[Suspect]) -> frozenset[str]:
        """Return the workflows that have not fitted their rows for a minute of our watching.

        A healthy one is soon done with what it is about to do. After an outage of the workers or
        the database all rows are late, and the messages to their workflows are nowhere else.
        """
        now = self._now()
        self._seen = {one: self._seen.get(one, now) for one in suspects}
        return frozenset(one for (one, _), since in self._seen.items() if now - since >= OVERDUE)

    async def _running(self) -> dict[str, bool]:
        """Return the ids of what runs, and whether it is ours: our type on our queue."""
        return {
            one.id: one.task_queue == names.PROCESSES and one.id.startswith(f"{one.workflow_type}/")
            async for one in self._client.list_workflows(
                "ExecutionStatus = 'Running'", page_size=PAGE
            )
        }

    async def _terminate(self, workflows: Sequence[str], why: str, *, if_idle: bool = False) -> int:
        async def end(workflow: str) -> bool:
            handle = self._client.get_workflow_handle(workflow)
            try:
                if if_idle and not await _is_idle(handle):
                    return False
                await handle.terminate(reason=why)
            except RPCError as gone:
                if gone.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return False
            return True

        return await _few_at_once(end, workflows)


async def _is_idle(handle: WorkflowHandle[Any, Any]) -> bool:
    """Whether it only waits. A submission that still waits for a worker or the door does not."""
    now = (await handle.describe()).raw_description
    return not now.pending_activities and not now.HasField("pending_workflow_task")


async def _few_at_once(act: Callable[[T], Awaitable[bool]], what: Sequence[T]) -> int:
    """Do it with each, and return how often it had an effect; after an outage that may be many."""
    count = 0
    for start in range(0, len(what), AT_ONCE):
        calls = map(act, what[start : start + AT_ONCE])
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
            count += answer
    return count
