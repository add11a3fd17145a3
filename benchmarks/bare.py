"""What Gatehouse is compared with: a workflow that waits for one update and does nothing else."""

import asyncio
from datetime import timedelta
from typing import cast
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

with workflow.unsafe.imports_passed_through():
    from activities.commit import CommitActivities
    from starter.workers import SANDBOX, process_worker

QUEUE = "bare"
CALL = timedelta(seconds=10)


@workflow.defn(name="bare")
class BareWorkflow:
    """Waits for one update, and completes."""

    def __init__(self) -> None:
        self._is_answered = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self._is_answered)
        return "done"

    @workflow.update
    async def answer(self, said: str) -> str:
        """Let the workflow end."""
        self._is_answered = True
        return said


async def started(client: Client) -> WorkflowHandle[BareWorkflow, str]:
    """Start one of them."""
    return await client.start_workflow(
        BareWorkflow.run, id=f"bare/{uuid4()}", task_queue=QUEUE, rpc_timeout=CALL
    )


async def answered(handle: WorkflowHandle[BareWorkflow, str]) -> str:
    """Send the update, and wait for its answer."""
    return await handle.execute_update(BareWorkflow.answer, "yes", rpc_timeout=CALL)


async def serve(address: str) -> None:
    """Run a worker with exactly the settings of Gatehouse's until the process is ended."""
    client = await Client.connect(address)
    settings = process_worker(client, cast(CommitActivities, _NoDoor())).config()
    settings["task_queue"], settings["workflows"], settings["activities"] = (
        QUEUE,
        [BareWorkflow],
        [],
    )
    settings["workflow_runner"] = SandboxedWorkflowRunner(
        restrictions=SANDBOX.restrictions.with_passthrough_modules("benchmarks")
    )
    async with Worker(**settings):
        await asyncio.Event().wait()


class _NoDoor:
    """Stands where the settings are made; it is never called."""

    @activity.defn
    async def commit(self) -> None:
        return None
