"""The database away for longer than the quick tries: the answer comes in the end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.engine import URL

from activities.commit import CommitActivities
from approvals.access import Reason
from approvals.policy import Policies, Policy
from approvals.tenant_access.record import KIND
from identity.signing import Ed25519Signatures
from starter.workers import process_worker
from tests.factories import CAROLINE, HUNDRED_ACRE, TOM_SAWYER
from tests.installation import CODES, NoMailQueue
from tests.workflows.faults import AwayLedger
from tests.workflows.stage import Stage, as_json, eventually

SOON = Policies(tenants={HUNDRED_ACRE.slug: Policy(decision_window=timedelta(seconds=1))})


@pytest.fixture
async def ledger(stage: Stage) -> AsyncIterator[AwayLedger]:
    """The ledger of a running worker."""
    ledger = AwayLedger(stage.installation.engines)
    door = CommitActivities(ledger, Ed25519Signatures(), CODES, NoMailQueue(), SOON)
    async with process_worker(stage.client, door):
        yield ledger


async def test_what_was_asked_meanwhile_is_answered_after_the_quick_tries_have_ended(
    stage: Stage, ledger: AwayLedger
) -> None:
    begun, submission = stage.submission()
    decided, lapsing = await stage.submitted(), await stage.submitted(HUNDRED_ACRE)
    grant = as_json(await stage.grant(decided))

    ledger.is_away = True
    await stage.gatehouse.submit(KIND, submission, TOM_SAWYER.id, wait=False)
    granting = asyncio.create_task(stage.handle(decided).execute_update("grant", grant, id="one"))
    await stage.signal(decided, "deny", b"junk")
    for process in (begun, decided, lapsing):
        await eventually(partial(is_scheduled, stage, process), within=30)
    assert not granting.done()
    ledger.is_away = False

    assert await asyncio.wait_for(granting, 30) == str(decided)
    assert (await stage.recorded(submission)).status == "pending"
    assert (await stage.ended(lapsing)).status == "lapsed"
    await eventually(lambda: has_refused(stage, decided))
    for process in (begun, decided, lapsing):
        assert await stage.broken_tasks(process) == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_postgresql_that_takes_no_connections_delays_and_closes_the_gate(
    stage: Stage, database_url: URL, postgres_folder: Path
) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        grant = as_json(await stage.grant(process))
        handle = stage.handle(process)

        await allow_connections(postgres_folder, database_url, "false")
        granting = asyncio.create_task(handle.execute_update("grant", grant, id="one"))
        decision = await stage.gate.check(CAROLINE.id, TOM_SAWYER.id)
        await eventually(lambda: is_scheduled(stage, process), within=15)
        await allow_connections(postgres_folder, database_url, "true")

        assert (decision.is_open, decision.reason) == (False, Reason.UNREADABLE)
        assert await asyncio.wait_for(granting, 15) == str(process)
        assert await stage.audited(process) == ["submitted", "granted"]
        assert await stage.is_open()


async def allow_connections(folder: Path, url: URL, answer: str) -> None:
    """Open or shut a database; shutting it cuts every connection."""
    connection = await asyncpg.connect(user="postgres", database="postgres", host=str(folder))
    try:
        await connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS {answer}")
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        await connection.execute(cut, url.database)
    finally:
        await connection.close()


async def is_scheduled(stage: Stage, process: UUID) -> bool:
    """Whether the door was handed on as an activity that never gives up."""
    return (await stage.counted(process))["ACTIVITY_TASK_SCHEDULED"] > 0


async def has_refused(stage: Stage, process: UUID) -> bool:
    return await stage.refusals(process) == 1
