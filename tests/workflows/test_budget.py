"""What a life costs in Temporal, and what its start says about it."""

from datetime import timedelta
from uuid import UUID

from temporalio.client import Client

from approvals.policy import Policies, Policy
from tests.factories import EVERYBODY, MESSAGE, NAME, TOM_SAWYER
from tests.workflows.stage import Stage, eventually, short_window

MILLISECOND, SECOND = timedelta(milliseconds=1), timedelta(seconds=1)
NO_REMINDERS = Policies(default=Policy(shortest_access=MILLISECOND))


async def test_a_granted_and_expired_request_takes_20_events_and_3_workflow_tasks(
    stage: Stage,
) -> None:
    async with stage.installation.working(stage.client, policies=NO_REMINDERS):
        process = await stage.submitted()
        await stage.send(await stage.grant(process, lasting=SECOND))
        assert (await stage.ended(process)).status == "expired"

    counts = await stage.counted(process)
    assert counts.total() == 20
    assert counts == {
        "WORKFLOW_EXECUTION_STARTED": 1,
        "WORKFLOW_TASK_SCHEDULED": 3,
        "WORKFLOW_TASK_STARTED": 3,
        "WORKFLOW_TASK_COMPLETED": 3,
        "MARKER_RECORDED": 3,  # one commit each: submission, grant, tick
        "TIMER_STARTED": 2,
        "WORKFLOW_EXECUTION_UPDATE_ACCEPTED": 1,
        "WORKFLOW_EXECUTION_UPDATE_COMPLETED": 1,
        "TIMER_CANCELED": 1,
        "TIMER_FIRED": 1,
        "WORKFLOW_EXECUTION_COMPLETED": 1,
    }


async def test_a_lapsed_request_takes_12_events_and_2_workflow_tasks(stage: Stage) -> None:
    async with stage.installation.working(stage.client, policies=short_window(SECOND / 2)):
        process = await stage.submitted()
        assert (await stage.ended(process)).status == "lapsed"

    counts = await stage.counted(process)
    assert (counts.total(), counts["WORKFLOW_TASK_COMPLETED"]) == (12, 2)


async def test_a_denied_request_takes_14_events_and_2_workflow_tasks(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        await stage.send(await stage.deny(process))
        await stage.ended(process)

    counts = await stage.counted(process)
    assert (counts.total(), counts["WORKFLOW_TASK_COMPLETED"]) == (14, 2)


async def test_a_start_says_tenant_and_kind_and_nothing_about_people(played: Stage) -> None:
    process = await played.submitted()

    told = await played.handle(process).describe()

    tenant = str(TOM_SAWYER.id)
    assert told.id == f"tenant_access/{process}"
    said = {pair.key.name: pair.value for pair in told.typed_search_attributes}
    said.pop("BuildIds", None)  # the server's own, which comes a moment later
    assert said == {"GatehouseTenant": tenant, "GatehouseKind": "tenant_access"}
    assert await told.static_summary() == f"tenant access {process}"
    priority = told.raw_description.workflow_execution_info.priority
    assert (priority.priority_key, priority.fairness_key) == (3, tenant)
    visible = str(told.raw_description)
    assert not [one for one in private() if one in visible]


def private() -> list[str]:
    """Return what must not be readable beside the payloads."""
    return [NAME, MESSAGE, *(one.email for one in EVERYBODY), *(one.name for one in EVERYBODY)]


async def test_no_id_or_attribute_of_anything_that_runs_holds_personal_data(
    played: Stage,
) -> None:
    process = await played.submitted()
    await played.send(await played.grant(process))
    await eventually(lambda: has_jobs(played.client, process))

    ids = [one.id async for one in played.client.list_workflows("")]
    ids += [one.activity_id async for one in played.client.list_activities("")]

    assert sorted(ids) == [
        f"notices/{process}/1", f"notices/{process}/2", f"tenant_access/{process}",
    ]  # fmt: skip


async def has_jobs(client: Client, process: UUID) -> bool:
    return len([one async for one in client.list_activities("")]) == 2
