"""The shell that every process shares: sleep until due, tick, and carry bytes to the door."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.names import NOTHING as NOTHING
    from approvals.delivery import Delivery, Outcome, Start
    from workflows import options


class Process:
    """Clock and courier of one process: it decides nothing and knows only how the row stands."""

    closed: frozenset[str]  # the statuses in which a process of this kind is over
    works: frozenset[str] = frozenset()  # those in which it takes steps instead of sleeping

    def __init__(self) -> None:
        self._known = Outcome()
        self._ready = False  # messages of the first task are handled before run() starts
        self._door = asyncio.Semaphore(options.AT_THE_DOOR)

    async def live(self, raw: RawValue) -> Outcome:
        """Live until the row is closed; start anew with the process id when history grows long."""
        self._start = start = _start(raw)
        try:
            return await self._rounds(start)
        except (asyncio.CancelledError, ActivityError):  # a cancel: it ends a run and no process
            self._ready = True
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise

    async def _rounds(self, start: Start) -> Outcome:
        self._known = await self._commit(start.submission)  # None is a tick: where does it stand?
        self._ready = True
        while True:
            over = self._is_closed()
            if over or workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                if over and self._is_closed():  # not so if a handler opened it again
                    return self._known
                if not self._is_closed():
                    workflow.continue_as_new(Start(process=start.process))
                continue
            await self._next_change()

    async def _next_change(self) -> None:
        if self._known.status in self.works:
            await self._step()
            return
        seen, due = self._known.version, self._known.due
        wait = None if due is None else max(due - workflow.now(), options.SECOND)
        try:
            await workflow.wait_condition(
                lambda: (
                    self._known.version != seen or workflow.info().is_continue_as_new_suggested()
                ),
                timeout=wait,
            )
        except TimeoutError:
            await self._commit(None)

    async def _step(self) -> None:
        """Take the step that the row demands, for as long as the row demands steps like it."""
        seen = self._known
        step = workflow.start_activity(
            "step",
            Start(process=self._start.process),
            result_type=Outcome,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            **options.STEP,
        )
        await workflow.wait_condition(
            lambda: (
                step.done()
                or self._known.status != seen.status
                or workflow.info().is_continue_as_new_suggested()
            )
        )
        is_cut = not step.done()
        if is_cut:  # one that waits for its next try ends at once, one under way when it is done
            step.cancel()
        try:
            self._learn(await step)
        except ActivityError:
            if not is_cut:  # the last try of one that was cut may fail, and that settles nothing
                raise
        if self._known.version == seen.version and not is_cut:
            await asyncio.sleep(options.SECOND.total_seconds())  # a step without effect never spins

    def _is_closed(self) -> bool:  # version 0: there is no row
        return self._known.version == 0 or self._known.status in self.closed

    @workflow.update(dynamic=True)
    async def on_update(self, name: str, args: Sequence[RawValue]) -> str | None:
        """Carry what came, whatever its name; answer the receipt or raise the refusal."""
        outcome = await self._carry(args, by_signal=False)
        if outcome.refusal is not None:  # the one place that raises
            raise ApplicationError(
                outcome.refusal.sentence, type=outcome.refusal.code, non_retryable=True
            )
        return outcome.receipt

    @workflow.signal(dynamic=True)
    async def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Carry what came. A refusal is a result here: nothing escapes to fail a process."""
        await self._carry(args, by_signal=True)

    async def _carry(self, args: Sequence[RawValue], *, by_signal: bool) -> Outcome:
        said = b"".join(arg.payload.data for arg in args)[: options.LIMIT + 1]
        if not self._ready:  # the submission comes first; a condition is looked at in each round
            await workflow.wait_condition(lambda: self._ready)
        async with self._door:
            return await self._commit(said, by_signal=by_signal)

    async def _commit(self, said: bytes | None, *, by_signal: bool = False) -> Outcome:
        delivery = Delivery(
            process=self._start.process, said=said, at=workflow.now(), by_signal=by_signal
        )
        outcome = await _commit(delivery)
        self._learn(outcome)
        return outcome

    def _learn(self, outcome: Outcome) -> None:
        if outcome.version > self._known.version:  # an older answer may arrive after a newer one
            self._known = outcome


async def _commit(delivery: Delivery) -> Outcome:
    """Run the door in this worker; if that fails for long, as an activity that never gives up."""
    try:
        near: Outcome = await workflow.execute_local_activity(
            "commit", delivery, result_type=Outcome, **options.LOCAL
        )
        return near
    except (ActivityError, ApplicationError) as trouble:
        if is_cancelled_exception(trouble):
            raise
    far: Outcome = await workflow.execute_activity(
        "commit", delivery, result_type=Outcome, **options.REGULAR
    )
    return far


def _start(raw: RawValue) -> Start:
    """Read the one argument of a workflow; a stranger's nonsense fails that run at once."""
    try:
        return Start.model_validate_json(raw.payload.data)
    except ValueError:
        raise ApplicationError(
            "A process is started with one argument: its id.",
            type="invalid_request",
            non_retryable=True,
        ) from None
