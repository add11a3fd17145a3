"""The Schedule of the monthly reviews, as a worker makes it on a real server."""

import json
from datetime import timedelta

from temporalio.client import Client, ScheduleActionExecutionStartWorkflow

from activities import names
from config.payloads import KeyRing, encrypting
from tests.starter.running import Running
from tests.workflows.stage import eventually


async def test_the_schedule_wakes_the_reviews_each_hour_and_a_round_ends(stack: Running) -> None:
    run_file = json.loads((stack.home / "run.json").read_text())
    keys = KeyRing(stack.home / "keys" / "payload")
    client = await Client.connect(run_file["temporal_address"], data_converter=encrypting(keys))
    schedule = client.get_schedule_handle(names.REVIEWS_SCHEDULE)
    before = (await schedule.describe()).info.num_actions

    await schedule.trigger()

    async def has_begun() -> bool:
        return (await schedule.describe()).info.num_actions > before

    await eventually(has_begun, within=30)
    described = await schedule.describe()
    latest = described.info.recent_actions[-1].action
    assert isinstance(latest, ScheduleActionExecutionStartWorkflow)
    assert await client.get_workflow_handle(latest.workflow_id).result() == 0
    assert [one.every for one in described.schedule.spec.intervals] == [timedelta(hours=1)]
    assert not described.schedule.state.paused
