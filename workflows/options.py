"""Time-outs and retries of what the processes call."""

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy


class LocalOptions(TypedDict):
    """Options of a local activity."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class RegularOptions(TypedDict):
    """Options of an activity on the task queue."""

    start_to_close_timeout: timedelta
    retry_policy: RetryPolicy


class RoundOptions(RegularOptions):
    """Options of an activity that tells again and again that it lives."""

    heartbeat_timeout: timedelta


# Bounded, for quick failures are not ended by schedule_to_close: six tries end after five seconds.
LOCAL: LocalOptions = {
    "start_to_close_timeout": timedelta(seconds=3),
    "schedule_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=0.2),
        maximum_interval=timedelta(seconds=2),
        maximum_attempts=6,
    ),
}
REGULAR: RegularOptions = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(seconds=30)),
}
# No end: the step itself gives up when its policy's patience does, and parks the process.
STEP: RegularOptions = {
    "start_to_close_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(seconds=60)),
}
# One round over all sites: it may be long, and tells that it lives with every site.
ROUND: RoundOptions = {
    "start_to_close_timeout": timedelta(hours=1),
    "heartbeat_timeout": timedelta(minutes=1),
    "retry_policy": RetryPolicy(maximum_interval=timedelta(minutes=1)),
}
SECOND = timedelta(seconds=1)  # an early tick waits at least this long, so it never spins
AT_THE_DOOR = 4  # messages of one process that may wait in commit at once
LIMIT = 64_000  # bytes of a message that are carried; commit refuses what is longer
