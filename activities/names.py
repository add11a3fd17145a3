"""Names that Temporal sees: task queues, ids, search attributes. No personal data in any."""

from uuid import UUID

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue, SearchAttributeKey

PROCESSES = "gatehouse"  # task queue of the processes and of commit
MAIL = "gatehouse-mail"  # task queue of the mail jobs
TENANT = SearchAttributeKey.for_keyword("GatehouseTenant")
REVIEWS = "reviews"  # the workflow of one round over the sites whose review is due
REVIEWS_SCHEDULE = "gatehouse/reviews"
KIND = SearchAttributeKey.for_keyword("GatehouseKind")

# What a caller without an argument gives. The hint of an activity must be RawValue alone: anything
# else is decoded before our code runs, and nonsense would be retried.
NOTHING = RawValue(Payload())


def workflow_id(kind: str, process: UUID) -> str:
    """Return a process's workflow id, ``kind/uuid``."""
    return f"{kind}/{process}"


def process_of(workflow: str) -> UUID | None:
    """Return the process of a workflow id, or None for an id that is not ours."""
    try:
        return UUID(workflow.partition("/")[2])
    except ValueError:
        return None


def mail_job_id(process: UUID, version: int) -> str:
    """Return the id of the job that sends one transition's notices."""
    return f"notices/{process}/{version}"


def commit_id(nonce: str) -> str:
    """Return the id of a commit that runs without a workflow."""
    return f"commit/{nonce}"
