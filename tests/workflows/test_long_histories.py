"""Continuing as new, and replay on every task: no message is lost, no answer missing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from activities import names
from approvals.errors import NotFoundError
from approvals.tenant_access.commands import Withdraw
from approvals.tenant_access.record import KIND
from starter.temporal_server import TemporalServer, free_port
from tests.factories import TOM_SAWYER, WICKHAM
from tests.installation import Installation
from tests.workflows.stage import QUICK, Stage, as_json, connected, counted
from tests.workflows.strangers import raw, updated

SUGGESTED_AT = 30
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
async def short_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    """A server that finds thirty events long."""
    limit = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AT}"
    server = TemporalServer(
        tmp_path_factory.mktemp("short") / "temporal.db",
        free_port(),
        extra=("--dynamic-config-value", limit),
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def short(
    installation: Installation, short_server: TemporalServer, payload_keys: Path
) -> Stage:
    """The stage on that server."""
    return Stage(installation, await connected(short_server.address, payload_keys))


async def test_a_burst_that_makes_the_process_continue_as_new_is_answered_whole(
    short: Stage,
) -> None:
    async with short.installation.working(short.client, policies=QUICK):
        process = await short.submitted()
        grant = await short.grant(process)
        for burst in range(4):
            await asyncio.gather(
                *(refused(short, process) for _ in range(8)),
                *(short.signal(process, "x", b"{}") for _ in range(8)),
                *([short.signal(process, "approve", grant)] if burst == 2 else []),
            )
        outcome = await short.recorded(grant)
        again = await short.handle(process).execute_update("grant", as_json(grant), result_type=str)
        await short.send(await short.change_end(process, SECOND))
        result = await short.ended(process)
        runs = await runs_of(short, process)

    assert (outcome.status, again) == ("granted", str(process))
    assert result.status == "expired"
    assert len(runs) > 2
    assert sum(one["WORKFLOW_EXECUTION_SIGNALED"] for one in runs) == 33
    assert await short.refusals(process) >= 64
    changes = [one.event for one in await short.audit(process) if one.version is not None]
    assert changes == ["submitted", "granted", "end_changed", "expired"]


async def refused(stage: Stage, process: UUID) -> None:
    """Give a command that is somebody else's to give, and hear so."""
    said = stage.installation.signed(WICKHAM, process, Withdraw())
    with pytest.raises(NotFoundError):
        await stage.send(said)


async def test_a_process_that_continued_as_new_keeps_its_search_attributes_and_priority(
    short: Stage,
) -> None:
    async with short.installation.working(short.client):
        process = await short.submitted()
        first = await short.handle(process).describe()
        for _ in range(8):
            await updated(short.client, first.id, "x", raw(b"{}"))

        later = await short.handle(process).describe()

    assert later.run_id != first.run_id
    assert later.typed_search_attributes.get(names.TENANT) == str(TOM_SAWYER.id)
    assert later.typed_search_attributes.get(names.KIND) == KIND
    assert later.raw_description.workflow_execution_info.priority.fairness_key == str(TOM_SAWYER.id)


async def test_a_life_without_any_cache_is_replayed_on_every_task(stage: Stage) -> None:
    async with stage.installation.working(stage.client, policies=QUICK, cached=0):
        process = await stage.submitted()
        junk = await updated(stage.client, stage.handle(process).id, "x", raw(b"{}"))
        await stage.signal(
            process, "grant", grant := await stage.grant(process, lasting=2 * SECOND)
        )
        await stage.recorded(grant)
        assert await stage.send(grant) == str(process)

        result = await stage.ended(process)

    assert (junk, result.status) == ("invalid_decision", "expired")
    assert await stage.broken_tasks(process) == 0
    assert await stage.audited(process) == [
        "submitted", "refused.invalid_decision", "granted", "expired",
    ]  # fmt: skip


async def runs_of(stage: Stage, process: UUID) -> list[Counter[str]]:
    """Count the events of every run of a process, oldest run first."""
    found, run = [], (await stage.handle(process).describe()).run_id
    while run:
        handle = stage.client.get_workflow_handle(stage.handle(process).id, run_id=run)
        events = (await handle.fetch_history()).events
        found.append(counted(events))
        run = events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return found[::-1]
