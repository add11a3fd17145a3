"""The one call that starts a process's workflow: new, opened again, or lost."""

from datetime import timedelta
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    Priority,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)

from activities import names
from approvals.delivery import Outcome, Start

CALL = timedelta(seconds=5)


async def start_process(
    client: Client,
    kind: str,
    start: Start,
    tenant: UUID | str | None,
    *,
    rpc_timeout: timedelta = CALL,
) -> WorkflowHandle[object, Outcome]:
    """Start the workflow of a process, or return the one that runs already.

    The id proves nothing and may be used again after a close: what is true stands in the row.
    """
    group = str(tenant or start.process)
    return await client.start_workflow(
        kind,
        start,
        id=names.workflow_id(kind, start.process),
        task_queue=names.PROCESSES,
        result_type=Outcome,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(names.TENANT, group),
                SearchAttributePair(names.KIND, kind),
            ]
        ),
        static_summary=f"{kind.replace('_', ' ')} {start.process}",
        priority=Priority(priority_key=3, fairness_key=group[:64]),
        rpc_timeout=rpc_timeout,
    )
