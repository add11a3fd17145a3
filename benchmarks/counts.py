"""What one life costs in Temporal: workflow tasks, history events, Actions of Temporal Cloud."""

from collections import Counter
from datetime import timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import ActivityExecutionStatus, Client

from activities import names
from approvals.tenant_access.record import KIND
from benchmarks.installation import Installation
from benchmarks.people import Case
from benchmarks.report import Report, Target

LASTS = timedelta(seconds=2)
TASKS, EVENTS = Target(3, is_count=True), Target(22, is_count=True)
LOCAL_ACTIVITY = "core_local_activity"  # the marker in which a local activity's result is kept
MAIL_JOBS = (1, 2, 3)  # versions of the row that are told by mail: sent, granted, expired


async def measure(made: Installation, report: Report) -> None:
    """Count over one request that is granted and expires, in which no reminder falls due."""
    case = made.next_case()
    await made.submit(case)
    await made.grant(case, await made.shown(case), LASTS)
    handle = made.client.get_workflow_handle(names.workflow_id(KIND, case.process))
    await handle.result()
    await made.mails_are_out()
    assert await _status(made, case) == "expired"
    events = list((await handle.fetch_history()).events)
    kinds = Counter(event.event_type for event in events)
    actions = actions_of(events)
    jobs = await _mail_actions(made.client, case)

    report.section("One request, granted and expired, no reminder due")
    tasks = kinds[EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED]
    report.figure("tenant_access.workflow_tasks", tasks, TASKS)
    report.figure("tenant_access.history_events", len(events), EVENTS)
    report.figure("tenant_access.actions", sum(actions.values()))
    report.say("Actions by Temporal Cloud's price list, counted in the history: " + _said(actions))
    report.figure("tenant_access.mail_actions", jobs)
    everything = sum(actions.values()) + jobs
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


async def _mail_actions(client: Client, case: Case) -> int:
    """Count the tries of the standalone mail jobs, which stand in no history."""
    tries = 0
    for version in MAIL_JOBS:
        job = client.get_activity_handle(names.mail_job_id(case.process, version))
        described = await job.describe()
        assert described.status in (
            ActivityExecutionStatus.RUNNING,  # the last mark may still be under way
            ActivityExecutionStatus.COMPLETED,
        )
        tries += described.attempt
    return tries


async def _status(made: Installation, case: Case) -> str | None:
    state = await made.inbox.state(case.process)
    return None if state is None else str(state.status)


def _said(actions: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in actions.items() if count)
