"""The monthly reviews of sites: a Schedule wakes them, the rows say which are due."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from activities import names
from activities.commit import CommitActivities
from approvals.contacts.record import KIND

HOUR = timedelta(hours=1)
CATCH_UP = timedelta(days=365)  # an outage of less than that loses no round; the rows lose no month


class ReviewActivities:
    """Ticks the contacts whose review is due, each through the one door."""

    def __init__(self, door: CommitActivities) -> None:
        self._door = door

    @activity.defn
    async def wake_reviews(self) -> int:
        """Ask every site that is due; return how many. A second round finds nothing left to do."""
        due = await self._door.due_processes(KIND)
        for process in due:
            activity.heartbeat()
            await self._door.tick(process, datetime.now(UTC))
        return len(due)


async def ensure_reviews(client: Client) -> None:
    """Make the installation's one Schedule, unless it is there; whoever paused it keeps it so."""
    with suppress(ScheduleAlreadyRunningError):
        await client.create_schedule(
            names.REVIEWS_SCHEDULE,
            Schedule(
                action=ScheduleActionStartWorkflow(
                    names.REVIEWS, id=names.REVIEWS, task_queue=names.PROCESSES
                ),
                spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=HOUR)]),
                policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
            ),
            rpc_timeout=timedelta(seconds=5),
        )
