"""How the Workers are made: queues, slots, sandbox; and what a worker looks after each minute."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities import names
from activities.commit import CommitActivities
from activities.onboarding import OnboardingActivities
from activities.reconcile import Reconciler
from activities.reviews import ReviewActivities
from activities.send_notices import MailActivities, TemporalMailQueue, sweep
from approvals.ports import Outbox
from workflows.contacts import ContactsWorkflow
from workflows.customer_access import CustomerAccessWorkflow
from workflows.onboarding import OnboardingWorkflow
from workflows.pairing import PairingWorkflow
from workflows.reviews import ReviewsWorkflow
from workflows.sign_in import SignInWorkflow
from workflows.site_access import SiteAccessWorkflow
from workflows.tenant_access import TenantAccessWorkflow

log = logging.getLogger(__name__)
WORKFLOWS = [
    TenantAccessWorkflow,
    SignInWorkflow,
    CustomerAccessWorkflow,
    PairingWorkflow,
    OnboardingWorkflow,
    SiteAccessWorkflow,
    ContactsWorkflow,
    ReviewsWorkflow,
]
CACHED = 1000  # workflows that stay in memory between their tasks; the others are replayed
POLLS, FOR_NEW = 20, 0.5  # half of them fetch new workflows; by default it is one alone
STICKY = timedelta(seconds=2)  # how long a task waits for a worker that may have died
GRACE = timedelta(seconds=15)
LETTERS_AT_ONCE = 8  # mail jobs that one worker runs; each sends its letters one by one
EVERY = 60  # seconds between two rounds of upkeep

SANDBOX = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules("approvals", "workflows")
)


def process_worker(
    client: Client,
    door: CommitActivities,
    build_id: str | None = None,
    cached: int = CACHED,
    onboarding: OnboardingActivities | None = None,
) -> Worker:
    """Return the worker of the processes, of commit, and of the steps of onboardings.

    With a build id it is versioned.
    """
    return Worker(
        client,
        task_queue=names.PROCESSES,
        workflows=WORKFLOWS,
        activities=[
            door.commit,
            ReviewActivities(door).wake_reviews,
            *([onboarding.step] if onboarding else []),
        ],
        workflow_runner=SANDBOX,
        max_cached_workflows=cached,
        max_concurrent_workflow_task_polls=POLLS,
        nonsticky_to_sticky_poll_ratio=FOR_NEW,
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
        deployment_config=_deployment(build_id),
    )


def mail_worker(client: Client, post: MailActivities) -> Worker:
    """Return the worker of the mail jobs."""
    return Worker(
        client,
        task_queue=names.MAIL,
        activities=[post.send_notices],
        max_concurrent_activities=LETTERS_AT_ONCE,
        graceful_shutdown_timeout=GRACE,
    )


@asynccontextmanager
async def upkeep(
    reconciler: Reconciler, outbox: Outbox, queue: TemporalMailQueue, every: float = EVERY
) -> AsyncIterator[None]:
    """Reconcile and sweep now and then each minute, until the block ends."""
    task = asyncio.create_task(_rounds(reconciler, outbox, queue, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rounds(
    reconciler: Reconciler, outbox: Outbox, queue: TemporalMailQueue, every: float
) -> None:
    while True:
        try:
            done = await reconciler.run_once()
            if done.started or done.ended:
                said = "reconciled: %d open, %d started, %d ended"
                log.info(said, done.open, done.started, done.ended)
            await sweep(outbox, queue)
        except (RPCError, OSError, RuntimeError) as trouble:  # the next round tries again
            log.warning("upkeep: %s", type(trouble).__name__)
        except Exception:
            log.exception("upkeep failed")
        await asyncio.sleep(every)


def _deployment(build_id: str | None) -> WorkerDeploymentConfig | None:
    if build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name="gatehouse", build_id=build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )
