"""What one life costs in Temporal: workflow tasks, history events, Actions of Temporal Cloud.

The lives that are counted stand in lives.py, one a kind of process.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import ActivityExecutionStatus

from activities import names
from benchmarks.installation import Installation
from benchmarks.report import Report, Target

LOCAL_ACTIVITY = "core_local_activity"  # the marker in which a local activity's result is kept


@dataclass(frozen=True)
class Life:
    """One life of one kind, and what it may cost. *lead* leads it and returns its process.

    *ends* is the status at its end, or where it was left if it *is_over* never.
    """

    kind: str
    title: str
    lead: Callable[[Installation], Awaitable[UUID]]
    ends: str
    tasks: int
    events: int
    is_over: bool = True


class Cost(NamedTuple):
    """What one life took: workflow tasks, history events, Actions, and those of its mail jobs."""

    tasks: int
    events: int
    actions: int
    mails: int


async def measure(made: Installation, report: Report, lives: Iterable[Life]) -> None:
    """Lead each life to its end, count, and print all of them in one table."""
    costs = {life.kind: await _measure(made, report, life) for life in lives}
    report.section("What one life costs in Temporal")
    heads = ("kind", "workflow tasks", "history events", "actions", "mail actions")
    report.table([heads, *((kind, *map(str, cost)) for kind, cost in costs.items())])


async def _measure(made: Installation, report: Report, life: Life) -> Cost:
    process = await life.lead(made)
    handle = made.client.get_workflow_handle(names.workflow_id(life.kind, process))
    if life.is_over:
        await handle.result()
    await made.mails_are_out()
    status = await _status(made, process)
    assert status == life.ends, status
    events = list((await handle.fetch_history()).events)
    kinds = Counter(event.event_type for event in events)
    actions = actions_of(events)
    cost = Cost(
        tasks=kinds[EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED],
        events=len(events),
        actions=sum(actions.values()),
        mails=await _mail_actions(made, process),
    )
    _tell(report, life, cost, actions)
    return cost


def _tell(report: Report, life: Life, cost: Cost, actions: dict[str, int]) -> None:
    report.section(life.title)
    report.figure(f"{life.kind}.workflow_tasks", cost.tasks, Target(life.tasks, is_count=True))
    report.figure(f"{life.kind}.history_events", cost.events, Target(life.events, is_count=True))
    report.figure(f"{life.kind}.actions", cost.actions)
    report.say("Actions by Temporal Cloud's price list, counted in the history: " + _said(actions))
    report.figure(f"{life.kind}.mail_actions", cost.mails)
    everything = cost.actions + cost.mails
    report.say(
        f"Each try of a mail job is one more, so {everything} in all; the fairness key adds a"
        f" tenth: {everything * 1.1:.1f}. Search attributes and summary set at start are free."
    )


def actions_of(events: list[HistoryEvent]) -> dict[str, int]:
    """Count the billed Actions of one run from its history.

    Local activities are billed once for each workflow task that ran some: their markers follow
    the completion of that task.
    """
    kinds = Counter(event.event_type for event in events)
    batches = {
        event.marker_recorded_event_attributes.workflow_task_completed_event_id
        for event in events
        if event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY
    }
    tries = sum(
        max(event.activity_task_started_event_attributes.attempt, 1)
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    )
    return {
        "start": kinds[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED],
        "timers": kinds[EventType.EVENT_TYPE_TIMER_STARTED],
        "signals": kinds[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED],
        "updates": kinds[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED],
        "local activity batches": len(batches),
        "activity tries": tries,
    }


async def _mail_actions(made: Installation, process: UUID) -> int:
    """Count the tries of the standalone mail jobs, which stand in no history."""
    tries = 0
    for version in await made.told_versions(process):
        job = made.client.get_activity_handle(names.mail_job_id(process, version))
        described = await job.describe()
        assert described.status in (
            ActivityExecutionStatus.RUNNING,  # the last mark may still be under way
            ActivityExecutionStatus.COMPLETED,
        )
        tries += described.attempt
    return tries


async def _status(made: Installation, process: UUID) -> str | None:
    state = await made.inbox.state(process)
    return None if state is None else str(state.status)


def _said(actions: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in actions.items() if count)
