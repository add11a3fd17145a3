"""The worker killed with SIGKILL between the database's commit and the answer: nothing doubles."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.engine import URL

from activities.send_notices import TemporalMailQueue, sweep
from activities.starting import start_process
from approvals.access_request import KIND
from approvals.people import Tenant
from approvals.ports import Start
from starter.mailbox import Mailbox, letters
from store.engine import connect
from store.outbox import SqlOutbox
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    ELIZABETH,
    HUNDRED_ACRE,
    TOM,
    TOM_SAWYER,
)
from tests.installation import CarriedClock, home_of
from tests.workflows.programs import environment, running
from tests.workflows.stage import Stage, as_json, eventually, on_both_databases

DYING, NORMAL = "tests/workflows/dying_worker.py", "worker.py"
ADMINS, ASKERS = (TOM, BECKY), (ELIZABETH, CAROLINE, CHARLOTTE)


async def killed(variables: dict[str, str]) -> None:
    async with running(DYING, variables) as worker:
        assert await asyncio.wait_for(worker.wait(), 30) == -signal.SIGKILL


async def sweep_as_if_a_minute_later(stage: Stage, database_url: URL) -> None:
    """Queue the mails that the dead worker did not; the worker's own sweep waits 45 seconds."""
    clock = CarriedClock()
    clock.fixed = datetime.now(UTC) + timedelta(minutes=1)
    engines = connect(database_url, clock)
    await sweep(SqlOutbox(engines), TemporalMailQueue(stage.client))
    await engines.close()


async def begun(stage: Stage, variables: dict[str, str], tenant: Tenant) -> UUID:
    """Send a request whose worker dies as soon as it is stored."""
    process, submission = stage.submission(tenant)
    start = Start(process=process, submission=submission)
    await start_process(stage.client, KIND, start, tenant.id)
    await killed(variables)
    assert (await stage.recorded(submission)).receipt == str(process)
    return process


@on_both_databases
async def test_a_worker_that_dies_after_the_commit_of_a_grant_doubles_nothing(
    stage: Stage, database_url: URL, tmp_path: Path
) -> None:
    async with Mailbox(tmp_path / "mail") as mailbox:
        variables = environment(home_of(tmp_path), database_url, stage.client, mailbox.port)
        process = await begun(stage, variables, TOM_SAWYER)
        said = await stage.grant(process)
        update = stage.handle(process).execute_update("grant", as_json(said), id="the grant")
        granting = asyncio.create_task(update)
        await killed(variables)

        async with running(NORMAL, variables):
            receipt = await asyncio.wait_for(granting, 30)
            await sweep_as_if_a_minute_later(stage, database_url)
            await eventually(lambda: are_sent(stage, process), within=30)
        found = letters(tmp_path / "mail")

    assert receipt == str(process)
    assert await stage.audited(process) == ["submitted", "granted"]
    assert sorted(one.to for one in found) == sorted(one.email for one in (*ADMINS, *ASKERS))
    assert len({one.message_id for one in found}) == len(found)


async def test_a_worker_that_dies_after_the_commit_of_a_tick_doubles_nothing(
    stage: Stage, database_url: URL, tmp_path: Path
) -> None:
    async with Mailbox(tmp_path / "mail") as mailbox:
        variables = environment(home_of(tmp_path), database_url, stage.client, mailbox.port)
        process = await begun(stage, variables, HUNDRED_ACRE)
        await killed(variables)

        async with running(NORMAL, variables):
            result = await asyncio.wait_for(stage.handle(process).result(), 30)
            await sweep_as_if_a_minute_later(stage, database_url)
            await eventually(lambda: are_sent(stage, process), within=30)
        found = letters(tmp_path / "mail")

    assert (result.status, result.version) == ("lapsed", 2)
    assert await stage.audited(process) == ["submitted", "lapsed"]
    told = (CHRISTOPHER, ELIZABETH, CHARLOTTE)
    assert sorted(one.to for one in found) == sorted(one.email for one in told)


async def are_sent(stage: Stage, process: UUID) -> bool:
    return {one.status for one in await stage.mails(process)} == {"sent"}
