"""The worker killed with SIGKILL between the database's commit and the answer: nothing doubles."""

import asyncio
import shutil
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.engine import URL
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)

from activities.send_notices import TemporalMailQueue, sweep
from activities.starting import start_process
from approvals.delivery import Start
from approvals.policy import Policies, Policy
from approvals.tenant_access.record import KIND
from starter.letters import letters
from starter.mailbox import Mailbox
from store.engine import connect
from store.outbox import SqlOutbox
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    ELIZABETH,
    HUNDRED_ACRE,
    TOM,
    TOM_SAWYER,
)
from tests.installation import CarriedClock, home_of
from tests.workflows.programs import environment, running
from tests.workflows.stage import Stage, as_json, eventually, on_both_databases, until

DYING, NORMAL = "tests/workflows/dying_worker.py", "worker.py"
SOON = Policies(tenants={HUNDRED_ACRE.slug: Policy(decision_window=timedelta(seconds=1))})
ADMINS, ASKERS = (TOM, BECKY), (ELIZABETH, CAROLINE, CHARLOTTE)


class QuickTasks(Interceptor):
    """Starts workflows whose tasks count as lost after two seconds instead of ten."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _QuickTasks(next)


class _QuickTasks(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        input.task_timeout = timedelta(seconds=2)
        return await super().start_workflow(input)


@pytest.fixture
def client(client: Client) -> Client:
    """A client whose processes are soon taken up by another worker."""
    config = client.config()
    config["interceptors"] = [QuickTasks()]
    return Client(**config)


async def sweep_as_if_a_minute_later(stage: Stage, database_url: URL) -> None:
    """Queue the mails that the dead worker did not; the worker's own sweep waits 45 seconds."""
    clock = CarriedClock()
    clock.fixed = datetime.now(UTC) + timedelta(minutes=1)
    engines = connect(database_url, clock)
    await sweep(SqlOutbox(engines), TemporalMailQueue(stage.client))
    await engines.close()


@on_both_databases
async def test_a_worker_that_dies_between_commit_and_answer_doubles_nothing(
    stage: Stage, database_url: URL, payload_keys: Path, tmp_path: Path
) -> None:
    shutil.copytree(payload_keys, home_of(tmp_path) / "keys" / "payload")
    async with stage.installation.working(stage.client, policies=SOON):
        decided, lapsed = await stage.submitted(), await stage.submitted(HUNDRED_ACRE)
        await eventually(lambda: are_sent(stage, decided))
        await eventually(lambda: are_sent(stage, lapsed))
    begun, submission = stage.submission()
    await start_process(
        stage.client, KIND, Start(process=begun, submission=submission), TOM_SAWYER.id
    )
    grant = as_json(await stage.grant(decided))
    granting = asyncio.create_task(
        stage.handle(decided).execute_update("grant", grant, id="the grant", result_type=str)
    )
    await until((await stage.request(lapsed)).due_at)

    async with Mailbox(tmp_path / "mail") as mailbox:
        variables = environment(home_of(tmp_path), database_url, stage.client, mailbox.port)
        async with running(DYING, {**variables, "DIES_AFTER": "3"}) as worker:
            ended = await asyncio.wait_for(worker.wait(), 60)
        async with running(NORMAL, variables):
            receipt = await asyncio.wait_for(granting, 60)
            result = await asyncio.wait_for(stage.handle(lapsed).result(), 60)
            await stage.recorded(submission)
            await sweep_as_if_a_minute_later(stage, database_url)
            for process in (begun, decided, lapsed):
                await eventually(partial(are_sent, stage, process), within=30)
        found = letters(tmp_path / "mail")

    assert ended == -signal.SIGKILL
    assert receipt == str(decided)
    assert (result.status, result.version) == ("lapsed", 2)
    assert await stage.audited(begun) == ["submitted"]
    assert await stage.audited(decided) == ["submitted", "granted"]
    assert await stage.audited(lapsed) == ["submitted", "lapsed"]
    told = (*ADMINS, *ASKERS, ELIZABETH, CHARLOTTE)  # begun, decided, lapsed
    assert sorted(one.to for one in found) == sorted(one.email for one in told)
    assert len({one.message_id for one in found}) == len(found)


async def are_sent(stage: Stage, process: UUID) -> bool:
    return {one.status for one in await stage.mails(process)} == {"sent"}
