"""Temporal follows the database: what was lost, taken or wedged is started again from its row."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from temporalio.client import Client

from activities import names
from activities.reconcile import OVERDUE, PAUSE, Reconciled, Reconciler
from activities.send_notices import TemporalMailQueue
from approvals.ports import Ledger, LockedRow, OpenProcess
from approvals.tenant_access.commands import Grant, Revoke
from approvals.tenant_access.record import KIND
from starter.workers import upkeep
from store.outbox import SqlOutbox
from tests.factories import MINUTE, TOM, TOM_SAWYER
from tests.workflows.stage import QUICK, Stage, eventually, short_window, until

SECOND = timedelta(seconds=1)
NOTHING_OPEN = Reconciled(open=0, started=0, replaced=0, ended=0)


class MovingClock:
    """The reconciler's clock, moved by the test."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    async def moved(self, seconds: float) -> None:
        """Let that much of its time pass at once."""
        self.moment += timedelta(seconds=seconds)


async def run_id(stage: Stage, process: UUID) -> str:
    return (await stage.handle(process).describe()).run_id or ""


@pytest.mark.parametrize("act", ["terminate", "cancel"])
async def test_a_lost_process_goes_on_from_its_row(stage: Stage, act: str) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        process = await stage.submitted()
        await stage.send(await stage.grant(process, lasting=timedelta(seconds=1)))
        before = await stage.request(process)
        await getattr(stage.handle(process), act)()
        await stage.sees(process)
        assert await stage.request(process) == before

        done = await stage.reconciled()
        result = await stage.ended(process)

    assert done == Reconciled(open=1, started=1, replaced=0)
    assert (result.status, result.version) == ("expired", 3)
    assert await stage.audited(process) == ["submitted", "granted", "expired"]


async def test_a_running_process_is_left_alone(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        before = await run_id(stage, process)
        await stage.sees(process, KIND)

        done = await stage.reconciled()

        assert done == Reconciled(open=1, started=0, replaced=0)
        assert await run_id(stage, process) == before


async def test_a_closed_process_is_not_started_again(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        await stage.send(await stage.deny(process))
        await stage.ended(process)
        await stage.sees(process)

        done = await stage.reconciled()

    assert done == NOTHING_OPEN


async def test_two_reconcilers_at_once_start_one_workflow(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        await stage.handle(process).terminate()
        await stage.sees(process)

        await asyncio.gather(*(stage.reconciled() for _ in range(5)))

        await stage.sees(process, KIND)
        runs = [one async for one in stage.client.list_workflows("ExecutionStatus = 'Running'")]
        assert [one.id for one in runs] == [f"{KIND}/{process}"]


async def test_what_a_stranger_put_in_a_process_s_place_is_replaced_at_once(
    stage: Stage, client: Client
) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        await stage.handle(process).terminate()
        await client.start_workflow("something_else", id=f"{KIND}/{process}", task_queue="his")
        await stage.sees(process, "something_else")

        done = await stage.reconciled()

        assert done == Reconciled(open=1, started=1, replaced=1)
        assert await stage.send(await stage.grant(process)) == str(process)


async def test_a_process_s_place_that_runs_another_process_is_replaced_once_overdue(
    stage: Stage,
) -> None:
    async with stage.installation.working(stage.client, policies=short_window(SECOND / 2)):
        process = await stage.submitted()
        due_at = (await stage.request(process)).due_at
        await stage.handle(process).terminate()
        other = await stage.submitted()
        await stage.client.start_workflow(
            KIND, {"process": str(other)}, id=f"{KIND}/{process}", task_queue=names.PROCESSES
        )
        await stage.ended(process)
        assert (await stage.request(process)).status == "pending"
        await stage.client.start_workflow(
            KIND, args=[1, 2], id=f"{KIND}/{process}", task_queue=names.PROCESSES
        )
        await stage.sees(process, KIND)
        await until(due_at)
        reconciler = stage.reconciler(now := MovingClock(due_at))

        first = await reconciler.run_once()
        now.moment += OVERDUE
        second = await reconciler.run_once()
        result = await stage.ended(process)

    assert (first.replaced, second.replaced) == (0, 1)
    assert result.status == (await stage.request(process)).status == "lapsed"


async def test_after_an_outage_late_processes_have_a_minute_to_catch_up(stage: Stage) -> None:
    async with stage.installation.working(stage.client, policies=short_window(SECOND / 2)):
        process = await stage.submitted()
    before = await run_id(stage, process)
    await stage.sees(process, KIND)
    reconciler = stage.reconciler(now := MovingClock(datetime.now(UTC) + 10 * MINUTE))

    replaced = []
    for passed in (timedelta(), 30 * SECOND, 29 * SECOND):
        now.moment += passed
        replaced.append((await reconciler.run_once()).replaced)
    still = await run_id(stage, process)
    now.moment += SECOND
    replaced.append((await reconciler.run_once()).replaced)

    assert replaced == [0, 0, 0, 1]
    assert still == before != await run_id(stage, process)


async def test_a_tick_in_the_meantime_begins_the_minute_anew(stage: Stage) -> None:
    due = datetime(2026, 3, 2, tzinfo=UTC)
    rows = [OpenProcess(id=UUID(int=7), kind=KIND, tenant=None, due=due)]
    reconciler = Reconciler(ScriptedLedger(rows), stage.client, now := MovingClock(due))
    await reconciler.run_once()
    await stage.sees(rows[0].id, KIND)

    rows[0] = rows[0].model_copy(update={"due": due + SECOND})
    now.moment += OVERDUE
    done = await reconciler.run_once()

    assert done == Reconciled(open=1, started=0, replaced=0, watched=1)


async def test_who_wants_to_be_sure_looks_for_a_minute_and_replaces_what_has_not_moved(
    stage: Stage,
) -> None:
    async with stage.installation.working(stage.client, policies=short_window(SECOND / 2)):
        process = await stage.submitted()
    before = await run_id(stage, process)
    await stage.sees(process, KIND)
    now = MovingClock(began := datetime.now(UTC) + 10 * MINUTE)
    told: list[int] = []

    done = await stage.reconciler(now).run_until_sure(told.append, now.moved)

    assert done == Reconciled(open=1, started=1, replaced=1)
    assert told == [1]
    assert now.moment - began == OVERDUE
    assert before != await run_id(stage, process)


async def test_who_wants_to_be_sure_is_done_once_all_has_moved(stage: Stage) -> None:
    due = datetime(2026, 3, 2, tzinfo=UTC)
    rows = [OpenProcess(id=UUID(int=7), kind=KIND, tenant=None, due=due)]
    await stage.client.start_workflow(
        KIND, args=[1, 2], id=f"{KIND}/{rows[0].id}", task_queue=names.PROCESSES
    )
    await stage.sees(rows[0].id, KIND)
    now = MovingClock(due)

    async def meanwhile(seconds: float) -> None:
        await now.moved(seconds)
        rows[0] = rows[0].model_copy(update={"due": due + OVERDUE})

    reconciler = Reconciler(ScriptedLedger(rows), stage.client, now)
    done = await reconciler.run_until_sure(lambda _: None, meanwhile)

    assert done == Reconciled(open=1, started=0, replaced=0)
    assert now.moment - due == PAUSE * SECOND


async def test_a_workflow_whose_row_was_closed_without_it_is_ended_after_a_minute(
    stage: Stage,
) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        shown = await stage.installation.shown(process)
        await stage.send(stage.installation.signed(TOM, process, Grant(no_end=True, shown=shown)))
        revoke = Revoke(reason="Done.", shown=await stage.installation.shown(process))
        outcome = await stage.commit(process, stage.installation.signed(TOM, process, revoke))
        await stage.sees(process, KIND)
        reconciler = stage.reconciler(now := MovingClock(datetime.now(UTC)))

        first = await reconciler.run_once()
        now.moment += OVERDUE
        second = await reconciler.run_once()

        assert outcome.status == "revoked"
        assert first == NOTHING_OPEN.model_copy(update={"watched": 1})
        assert second == NOTHING_OPEN.model_copy(update={"ended": 1})
        await stage.sees(process)


async def test_a_workflow_whose_row_is_gone_is_ended_after_a_minute_of_watching(
    stage: Stage,
) -> None:
    restored = ScriptedLedger([])  # as after a database from before the submission
    reconciler = Reconciler(restored, stage.client, now := MovingClock(datetime.now(UTC)))
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        await stage.sees(process, KIND)
        done = [(await reconciler.run_once()).ended]
        restored.troubles = [OSError("no such host")]
        now.moment += OVERDUE
        with pytest.raises(OSError, match="no such host"):
            await reconciler.run_once()

        for _ in range(2):
            done.append((await reconciler.run_once()).ended)
            now.moment += OVERDUE

        assert done == [0, 0, 1]
        await stage.sees(process)


async def test_a_submission_that_waits_for_a_worker_is_left_alone(stage: Stage) -> None:
    process, said = stage.submission()
    await stage.gatehouse.submit(KIND, said, TOM_SAWYER.id, wait=False)
    await stage.sees(process, KIND)
    reconciler = stage.reconciler(now := MovingClock(datetime.now(UTC)))
    await reconciler.run_once()
    now.moment += OVERDUE

    done = await reconciler.run_once()

    assert done == NOTHING_OPEN
    async with stage.installation.working(stage.client):
        assert (await stage.recorded(said)).status == "pending"


async def test_upkeep_outlives_a_database_that_is_away(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = ScriptedLedger([])
    ledger.troubles = [OSError("no such host"), RuntimeError("the pool is empty"), KeyError("bug")]
    outbox = SqlOutbox(stage.installation.engines)

    async def has_recovered() -> bool:
        return ledger.reads > 3

    reconciler = Reconciler(ledger, stage.client)
    async with upkeep(reconciler, outbox, TemporalMailQueue(stage.client), every=0.01):
        await eventually(has_recovered)

    told = [one.getMessage() for one in caplog.records if one.name == "starter.workers"]
    assert told == ["upkeep: OSError", "upkeep: RuntimeError", "upkeep failed"]


class ScriptedLedger(Ledger):
    """Says which processes are open, once its troubles are over."""

    def __init__(self, rows: list[OpenProcess]) -> None:
        self.rows, self.reads = rows, 0
        self.troubles: list[Exception] = []

    def locked(self, process: UUID, at: datetime) -> AbstractAsyncContextManager[LockedRow]:
        raise NotImplementedError

    async def are_closed(self, processes: Sequence[UUID]) -> Mapping[UUID, bool]:
        return {}

    async def due_processes(self, kind: str) -> Sequence[UUID]:
        return ()

    async def open_processes(self) -> Sequence[OpenProcess]:
        self.reads += 1
        if self.troubles:
            raise self.troubles.pop(0)
        return self.rows
