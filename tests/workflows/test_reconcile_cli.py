"""`gatehouse reconcile`: what does not fit is watched for a minute, here a short one."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import URL
from temporalio.client import Client

from approvals.tenant_access.commands import Withdraw
from approvals.tenant_access.record import KIND
from tests.factories import ELIZABETH, HUNDRED_ACRE
from tests.starter.running import Ended, Place
from tests.workflows.stage import Stage, eventually, short_window, until

SECOND = timedelta(seconds=1)


@pytest.fixture
def place(
    tmp_path: Path,
    payload_keys: Path,
    database_url: URL,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """An operator's terminal at that installation, where a minute lasts a second."""
    monkeypatch.setattr("activities.reconcile.OVERDUE", SECOND)
    monkeypatch.setattr("activities.reconcile.PAUSE", 0.2)
    place = Place(
        tmp_path,
        GATEHOUSE_DATABASE_URL=database_url.render_as_string(hide_password=False),
        TEMPORAL_ADDRESS=client.service_client.config.target_host,
        TEMPORAL_NAMESPACE=client.namespace,
    )
    (place.home / "keys").mkdir(mode=0o700)
    (place.home / "keys" / "payload").symlink_to(payload_keys)
    return place


async def reconciled(place: Place, *words: str) -> Ended:
    """Run the command as a person does, in a thread, for the test has a loop of its own."""
    return await asyncio.to_thread(place.run, "", "reconcile", "--json", *words)


async def hanging(stage: Stage) -> None:
    """Leave one workflow whose row is closed, and one whose row is overdue."""
    installation = stage.installation
    async with installation.working(stage.client):
        closed = await stage.submitted(HUNDRED_ACRE)
        await stage.commit(closed, installation.signed(ELIZABETH, closed, Withdraw()))
    async with installation.working(stage.client, policies=short_window(SECOND / 2)):
        overdue = await stage.submitted()
        due_at = (await stage.request(overdue)).due_at
    await stage.sees(overdue, KIND)
    await stage.sees(closed, KIND)
    await until(due_at)


async def test_what_hangs_is_replaced_and_what_no_process_needs_is_ended_by_one_command(
    stage: Stage, place: Place
) -> None:
    await hanging(stage)

    ended = await reconciled(place)

    assert ended.code == 0, ended.err
    assert ended.json == {"open": 1, "started": 1, "replaced": 1, "ended": 1, "watched": 0}
    assert "2 do not fit their processes. Looking again for a minute" in ended.err


async def test_without_waiting_it_says_what_it_left(stage: Stage, place: Place) -> None:
    await hanging(stage)

    ended = await reconciled(place, "--no-wait")

    assert ended.code == 0, ended.err
    assert ended.json == {"open": 1, "started": 0, "replaced": 0, "ended": 0, "watched": 2}
    assert "2 do not fit their processes and were left" in ended.err
    assert "Looking again" not in ended.err


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(stage: Stage, place: Place) -> None:
    await hanging(stage)
    async with stage.installation.working(stage.client):
        lost = stage.handle(await stage.submitted())
        await lost.terminate()
    running = f"WorkflowId = '{lost.id}' AND ExecutionStatus = 'Running'"

    async def is_gone() -> bool:
        return (await stage.client.count_workflows(running)).count == 0

    await eventually(is_gone)

    ended = await reconciled(place, "--dry-run")

    assert ended.code == 0, ended.err
    assert ended.json == {
        "dry_run": True, "open": 2, "started": 1, "replaced": 0, "ended": 0, "watched": 2,
    }  # fmt: skip
    assert "Nothing was changed." in ended.err
    assert await is_gone()
