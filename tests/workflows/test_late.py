"""Decisions that arrive while nobody works: too late, or before anything else."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateFailedError

from activities.names import workflow_id
from activities.starting import start_process
from approvals.delivery import Start
from approvals.tenant_access.commands import Deny, Withdraw
from approvals.tenant_access.record import KIND
from tests.factories import BECKY, ELIZABETH, TOM, TOM_SAWYER
from tests.workflows.stage import (
    QUICK,
    Stage,
    as_json,
    eventually,
    is_admitted,
    on_both_databases,
    short_window,
    until,
)
from tests.workflows.strangers import code_of


async def refusal_of(update: asyncio.Task[str]) -> str | None:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await asyncio.wait_for(update, 15)
    return code_of(caught.value)


@on_both_databases
async def test_a_decision_after_the_window_is_refused_and_the_request_lapses(stage: Stage) -> None:
    policies = short_window(timedelta(seconds=1.5))
    async with stage.installation.working(stage.client, policies=policies):
        process = await stage.submitted()
    granting, denying = await stage.grant(process), await stage.deny(process)
    await stage.signal(process, "grant", granting)
    late = await stage.grant(process, by=BECKY)

    async with stage.shut_gate():
        await until((await stage.request(process)).due_at)
        update = asyncio.create_task(
            stage.handle(process).execute_update("grant", as_json(late), id="late", result_type=str)
        )
        await eventually(lambda: is_admitted(stage.client, workflow_id(KIND, process), "late"))
        await stage.signal(process, "deny", denying)
        async with stage.installation.working(stage.client, policies=policies):
            code = await refusal_of(update)
            result = await stage.ended(process)

    assert code in {"too_late", "already_decided"}
    assert (result.status, result.version) == ("lapsed", 2)
    changes = [one.event for one in await stage.audit(process) if one.version is not None]
    assert changes == ["submitted", "lapsed"]
    assert await stage.refusals(process) == 3
    assert not {"request_granted", "request_denied"} & {
        one.kind for one in await stage.mails(process)
    }


async def test_access_ends_on_time_at_the_gate_while_no_worker_is_up(stage: Stage) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        process = await stage.submitted()
        await stage.send(await stage.grant(process, timedelta(seconds=1)))
        assert await stage.is_open()
    state = await stage.request(process)
    assert state.ends_at is not None

    await until(state.ends_at)
    was_open, status = await stage.is_open(), (await stage.request(process)).status
    async with stage.installation.working(stage.client, policies=QUICK):
        result = await stage.ended(process)

    assert (was_open, status) == (False, "granted")
    assert result.status == "expired"


async def test_messages_that_come_with_the_first_task_are_judged_after_the_submission(
    stage: Stage,
) -> None:
    process, submission = stage.submission()
    start = Start(process=process, submission=submission)
    await start_process(stage.client, KIND, start, TOM_SAWYER.id)
    handle = stage.handle(process)
    blind = stage.installation.signed(TOM, process, Deny(reason="No.", shown="0" * 64))
    await handle.signal("withdraw", as_json(b"{}"))
    update = asyncio.create_task(
        handle.execute_update("deny", as_json(blind), id="first", result_type=str)
    )
    await eventually(lambda: is_admitted(stage.client, handle.id, "first"))

    async with stage.installation.working(stage.client):
        code = await refusal_of(update)
        withdrawal = stage.installation.signed(ELIZABETH, process, Withdraw())
        await stage.send(withdrawal)
        await stage.ended(process)

    first_task = [EventType.Name(one.event_type) for one in await stage.events(process)][:6]
    assert first_task.count("EVENT_TYPE_WORKFLOW_TASK_STARTED") == 1
    assert "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED" in first_task
    assert code == "stale"  # of a request that was there already, though nobody could have seen it
    assert await stage.audited(process) == [
        "submitted", "refused.invalid_decision", "refused.stale", "withdrawn",
    ]  # fmt: skip
