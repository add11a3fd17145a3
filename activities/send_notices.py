"""Mail jobs: one a transition, on a queue of their own, so that no process waits for SMTP."""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from temporalio import activity
from temporalio.client import Client
from temporalio.common import (
    ActivityIDConflictPolicy,
    ActivityIDReusePolicy,
    Priority,
    RawValue,
    RetryPolicy,
)
from temporalio.exceptions import ActivityAlreadyStartedError, ApplicationError
from temporalio.service import RPCError

from activities.names import MAIL, NOTHING, mail_job_id
from approvals.ports import (
    Codes,
    Fate,
    Mailer,
    MailQueue,
    NoticesOf,
    Outbox,
    OutboxItem,
    Posting,
    Renderer,
)

log = logging.getLogger(__name__)
SIGN_EVERY = 10  # seconds between heartbeats, each a call; with a letter's 60 s still within 75 s
SWEEP_AGE = 45  # seconds after which an unsent notice's job counts as lost


class TemporalMailQueue(MailQueue):
    """Temporal's job queue: one Standalone Activity a transition, started at most once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._under_way: set[asyncio.Task[None]] = set()

    async def enqueue(self, notices: NoticesOf, fairness_key: str) -> None:
        """Begin to queue a job: whoever waits for a receipt does not wait for this as well.

        What is lost when the worker dies meanwhile is found by the sweep.
        """
        task = asyncio.create_task(self._start(notices, fairness_key))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Wait until everything is queued."""
        await asyncio.gather(*self._under_way)

    async def _start(self, notices: NoticesOf, fairness_key: str) -> None:
        try:
            await self._client.start_activity(
                "send_notices",
                notices,
                id=mail_job_id(notices.process, notices.version),
                task_queue=MAIL,
                heartbeat_timeout=timedelta(seconds=75),  # one letter may take 60 s
                schedule_to_close_timeout=timedelta(hours=24),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=2), maximum_interval=timedelta(minutes=5)
                ),
                id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=ActivityIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                priority=Priority(fairness_key=fairness_key),
                rpc_timeout=timedelta(seconds=2),
            )
        except ActivityAlreadyStartedError:
            return  # it ran and was done
        except RPCError as trouble:  # the rows stay pending, and the sweep finds them
            log.warning("mail job not queued: %s", trouble.status.name)


class MailActivities:
    """Sends the notices of one transition, one by one, and marks each."""

    def __init__(self, outbox: Outbox, mailer: Mailer, renderer: Renderer, codes: Codes) -> None:
        self._outbox, self._mailer = outbox, mailer
        self._renderer, self._codes = renderer, codes

    @activity.defn
    async def send_notices(self, given: RawValue = NOTHING) -> int:
        """Try every notice that waits once; return how many were tried.

        Raises a retryable error while some are left, so that Temporal's back-off brings the job
        back; a refused recipient neither blocks nor repeats the others.
        """
        notices = _notices(given)
        tried: set[UUID] = set()
        settled, sign = None, asyncio.get_running_loop().time()  # the start is a sign of life
        while item := await self._outbox.next(notices, frozenset(tried), settled):
            if (moment := asyncio.get_running_loop().time()) > sign + SIGN_EVERY:
                sign = moment
                activity.heartbeat()
            tried.add(item.id)
            settled = (item, await self._post(item))
        if not await self._outbox.is_done(notices):
            raise ApplicationError("Some notices are still to be sent.", type="mail_left")
        return len(tried)

    async def _post(self, item: OutboxItem) -> Posting:
        secret = None if item.sealed is None else self._codes.opened(item.sealed)
        posting = await self._mailer.send(self._renderer.letter(item, secret))
        if posting.fate is not Fate.SENT:  # the operator reads this; ids alone
            log.warning("mail %s of %s: %s", item.id, item.process, posting.fate.value)
        return posting


def _notices(given: RawValue) -> NoticesOf:
    try:
        return NoticesOf.model_validate_json(given.payload.data)
    except ValueError:
        raise ApplicationError(
            "send_notices takes a process and a version.", type="invalid_input", non_retryable=True
        ) from None


async def sweep(outbox: Outbox, queue: MailQueue) -> int:
    """Queue again what waits although its job should have run; return how many transitions."""
    left = await outbox.left_over(SWEEP_AGE)
    for notices, fairness_key in left:
        await queue.enqueue(notices, fairness_key)
    return len(left)
