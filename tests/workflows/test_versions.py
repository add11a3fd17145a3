"""GATEHOUSE_BUILD_ID: workers that are versions of one deployment, and processes that move on."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.engine import URL
from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from activities import names
from approvals.errors import AlreadyDecidedError
from config.settings import load
from starter.temporal_server import TemporalServer, free_port, temporal_binary
from tests.conftest import NAMESPACES
from tests.installation import home_of
from tests.workflows.programs import environment, running
from tests.workflows.stage import Stage, eventually

WORKER = "worker.py"
COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


@pytest.fixture(scope="session")
async def temporal_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[TemporalServer]:
    """A server of these tests alone: deployments are kept by workers that others do without."""
    names_of_it = [word for name in NAMESPACES[:20] for word in ("--namespace", name)]
    folder = tmp_path_factory.mktemp("versions")
    server = TemporalServer(folder / "temporal.db", free_port(), extra=tuple(names_of_it))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def free_namespaces() -> list[str]:
    """Namespaces of this server that no test has used yet."""
    return NAMESPACES[:20]


@pytest.fixture
def variables(
    stage: Stage, database_url: URL, payload_keys: Path, tmp_path: Path
) -> dict[str, str]:
    """The environment of a worker of its own process."""
    home = home_of(tmp_path)
    shutil.copytree(payload_keys, home / "keys" / "payload")
    return environment(home, database_url, stage.client, 1)


async def deployment(client: Client, act: str, build_id: str, *more: str) -> bool:
    """Run the plain `temporal` program on a version of ours; return whether it took it."""
    where = ["--address", client.service_client.config.target_host, "--namespace", client.namespace]
    version = ["--deployment-name", "gatehouse", "--build-id", build_id]
    program = await asyncio.create_subprocess_exec(
        temporal_binary(), "worker", "deployment", act, *where, *version, *more,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await program.wait() == 0


async def made_current(client: Client, build_id: str) -> None:
    """Make a version current, once its worker polls."""

    async def is_made() -> bool:
        return await deployment(client, "set-current-version", build_id, "--yes")

    await eventually(is_made, within=60, every=0.3)


async def registered(client: Client, build_id: str) -> None:
    """Wait until the server knows a version's worker."""

    async def is_known() -> bool:
        return await deployment(client, "describe-version", build_id)

    await eventually(is_known, within=60, every=0.3)


async def polling(client: Client) -> None:
    """Wait until a worker asks for work."""
    ask = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=names.PROCESSES),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )

    async def polls() -> bool:
        return bool((await client.workflow_service.describe_task_queue(ask)).pollers)

    await eventually(polls, within=60, every=0.1)


async def builds_of(stage: Stage, process: UUID) -> list[str]:
    """Return the build that completed each workflow task, "" for a worker without one."""
    events = (await stage.handle(process).fetch_history()).events
    done = [one.workflow_task_completed_event_attributes for one in events
            if one.event_type == COMPLETED]  # fmt: skip
    return [one.deployment_version.build_id for one in done]


async def test_a_process_that_is_under_way_moves_to_the_version_that_is_made_current(
    stage: Stage, variables: dict[str, str]
) -> None:
    async with running(WORKER, {**variables, "GATEHOUSE_BUILD_ID": "0.1.0"}):
        await made_current(stage.client, "0.1.0")
        process = await stage.submitted()
    async with running(WORKER, {**variables, "GATEHOUSE_BUILD_ID": "0.2.0"}):
        await made_current(stage.client, "0.2.0")
        await stage.send(await stage.deny(process))
        outcome = await stage.ended(process)
        with pytest.raises(AlreadyDecidedError):  # the door without a workflow
            await stage.send(await stage.deny(process))

    assert outcome.status == "denied"
    builds = await builds_of(stage, process)
    assert (builds[0], builds[-1]) == ("0.1.0", "0.2.0")


async def test_a_version_that_is_not_current_gets_nothing_to_do(
    stage: Stage, variables: dict[str, str]
) -> None:
    async with running(WORKER, {**variables, "GATEHOUSE_BUILD_ID": "0.1.0"}):
        await made_current(stage.client, "0.1.0")
        async with running(WORKER, {**variables, "GATEHOUSE_BUILD_ID": "0.2.0"}):
            await registered(stage.client, "0.2.0")
            process = await stage.submitted()
            await stage.send(await stage.deny(process))
            await stage.ended(process)

    assert set(await builds_of(stage, process)) == {"0.1.0"}


async def test_a_process_of_a_worker_without_a_version_moves_to_the_first_one(
    stage: Stage, variables: dict[str, str]
) -> None:
    async with running(WORKER, variables):
        await polling(stage.client)
        process = await stage.submitted()
    async with running(WORKER, {**variables, "GATEHOUSE_BUILD_ID": "0.1.0"}):
        await made_current(stage.client, "0.1.0")
        await stage.send(await stage.deny(process))
        await stage.ended(process)

    builds = await builds_of(stage, process)
    assert (builds[0], builds[-1]) == ("", "0.1.0")


def test_the_build_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_BUILD_ID", "0.1.0")

    assert load().build_id == "0.1.0"
