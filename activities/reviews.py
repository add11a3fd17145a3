"""The monthly reviews of sites: a Schedule wakes them, the rows say which are due."""

import logging
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

log = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
CATCH_UP = timedelta(days=365)  # an outage of less than that loses no round; the rows lose no month


class ReviewActivities:
    """Ticks the contacts whose review is due, each through the one door."""

    def __init__(self, door: CommitActivities) -> None:
        self._door = door

    @activity.defn
    async def wake_reviews(self) -> int:
        """Ask every site that is due; return how many were. A second round finds nothing to do.

        A row that cannot be judged stays due, for the next round, and keeps nobody else waiting.
        """
        asked = 0
        for process in await self._door.due_processes(KIND):
            activity.heartbeat()
            try:
                await self._door.tick(process, datetime.now(UTC))
            except Exception:
                log.exception("the review of the contacts %s could not be asked for", process)
            else:
                asked += 1
        return asked


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
