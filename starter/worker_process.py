"""The worker as a part of the embedded stack: a process of its own that takes work or says why."""

import asyncio
import sys
from asyncio.subprocess import Process
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from activities import names
from config import temporal
from config.settings import load
from starter.children import Starting, stopped
from starter.temporal_server import StackError

START_SECONDS, STOP_SECONDS = 30.0, 20.0


class WorkerProcess:
    """One worker; it reads run.json for everything."""

    name = "The worker"

    def __init__(self, folder: Path) -> None:
        self.log = folder / "worker.log"
        self.process: Process | None = None

    async def start(self, starting: Starting) -> None:
        """Start it, and do not wait: without Temporal it ends again."""
        self.process = await starting(self.log, [sys.executable, "-m", "worker"])

    async def polls(self) -> None:
        """Wait until the worker takes work, so that no first command must. Raises StackError."""
        try:
            client = await temporal.connect(load(), identity="gatehouse-up", is_quiet=True)
        except temporal.AwayError as away:  # TEMPORAL_ADDRESS may name another one
            raise StackError(f"{away}. The worker does not reach it either.") from away
        ask = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=names.PROCESSES),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        end = asyncio.get_running_loop().time() + START_SECONDS
        while not (await client.workflow_service.describe_task_queue(ask)).pollers:
            has_ended = self.process is None or self.process.returncode is not None
            if has_ended or asyncio.get_running_loop().time() > end:
                raise StackError(f"The worker does not start; see {self.log}.")
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Let it finish what is under way, and end it."""
        if self.process is not None:
            await stopped(self.process, STOP_SECONDS)
