"""`gatehouse worker verify` and what it asks: the server's histories, replayed before a release."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.engine import URL
from temporalio.client import Client
from temporalio.worker import Worker

from activities import names
from activities.starting import start_process
from approvals.delivery import Start
from approvals.errors import ApprovalError
from approvals.tenant_access.commands import Grant
from approvals.tenant_access.record import KIND
from config.payloads import KeyRing, encrypting
from starter.replaying import RUNNING, Looked, Verdict, replayed
from starter.workers import SANDBOX
from tests.factories import TOM
from tests.installation import home_of
from tests.replay.changed import PATCH, Guarded, Unguarded
from tests.workflows.programs import ROOT, environment
from tests.workflows.stage import Stage, eventually


@asynccontextmanager
async def working(stage: Stage, changed: type) -> AsyncIterator[None]:
    """Run a worker of a changed workflow while the block lasts."""
    async with Worker(
        stage.client,
        task_queue=names.PROCESSES,
        workflows=[changed],
        activities=[stage.installation.door().commit],
        workflow_runner=SANDBOX,
    ):
        yield


async def without_an_end(stage: Stage) -> UUID:
    """Send a request and grant it without an end; a second grant is refused."""
    process = await stage.submitted()
    command = Grant(no_end=True, shown=await stage.installation.shown(process))
    await stage.send(stage.installation.signed(TOM, process, command))
    with suppress(ApprovalError):
        await stage.send(await stage.grant(process))
    return process


async def listed(stage: Stage, count: int, query: str = "") -> None:
    """Wait until the server lists so many workflows; its lists follow what happens."""

    async def are_there() -> bool:
        return (await stage.client.count_workflows(query)).count == count

    await eventually(are_there)


def looked_of(verdict: Verdict, kind: str = KIND) -> Looked:
    """Return what was looked at of one kind."""
    return next(one for one in verdict.looked if one.kind == kind)


async def verify(
    stage: Stage, database_url: URL, keys: Path, tmp_path: Path, **more: str
) -> tuple[int, Any, str]:
    """Run the command in a process of its own; return its exit code, its JSON, what it said."""
    home = home_of(tmp_path)
    shutil.copytree(keys, home / "keys" / "payload", dirs_exist_ok=True)
    variables = {**environment(home, database_url, stage.client, 1), **more}
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "starter", "worker", "verify", "--json",
        env=variables, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await program.communicate()
    assert program.returncode is not None
    return program.returncode, json.loads(out) if out else None, err.decode()


async def test_every_state_of_a_run_replays_with_the_code_that_made_it(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        await stage.submitted()
        await without_an_end(stage)
        denied = await stage.submitted()
        await stage.send(await stage.deny(denied))
        await stage.ended(denied)
        killed = await stage.submitted()
        await stage.handle(killed).terminate()
    process, submission = stage.submission()  # no worker has seen this one
    start = Start(process=process, submission=submission)
    await start_process(stage.client, KIND, start, None)
    await listed(stage, 5)
    await listed(stage, 3, RUNNING)

    verdict = await replayed(stage.client, 10)

    assert verdict.broken == ()
    assert looked_of(verdict) == Looked(kind=KIND, open=3, closed=2)


async def test_a_changed_workflow_breaks_the_runs_that_it_concerns_and_no_others(
    stage: Stage,
) -> None:
    async with stage.installation.working(stage.client):
        await stage.submitted()
        endless = await without_an_end(stage)
    await listed(stage, 2)

    unguarded = await replayed(stage.client, 10, [Unguarded])
    guarded = await replayed(stage.client, 10, [Guarded])

    (broken,) = unguarded.broken
    assert broken.workflow == names.workflow_id(KIND, endless)
    assert "Nondeterminism" in broken.why
    assert guarded.broken == ()


async def test_a_patched_run_goes_the_new_way_and_no_way_back(stage: Stage) -> None:
    async with working(stage, Guarded):
        process = await without_an_end(stage)
    await listed(stage, 1, f"TemporalChangeVersion = '{PATCH}'")

    events = await stage.counted(process)
    forward, back = await replayed(stage.client, 10, [Guarded]), await replayed(stage.client, 10)

    assert events["TIMER_STARTED"] == 2  # for the decision window, and for the month
    assert forward.broken == ()
    assert len(back.broken) == 1


async def test_what_is_beyond_the_limit_is_said(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        for _ in range(3):
            await stage.submitted()
    await listed(stage, 3)

    verdict = await replayed(stage.client, 2)

    assert looked_of(verdict) == Looked(kind=KIND, open=2, closed=0, open_left_out=1)


async def test_a_workflow_of_an_unknown_type_would_never_go_on(stage: Stage) -> None:
    await stage.client.start_workflow("impersonation", id="old/1", task_queue=names.PROCESSES)
    await stage.client.start_workflow("impersonation", id="foreign/1", task_queue="elsewhere")
    await listed(stage, 2)

    (broken,) = (await replayed(stage.client, 10)).broken

    assert (broken.workflow, broken.kind) == ("old/1", "impersonation")
    assert broken.why == "this code has no workflow of the type impersonation"


async def test_a_history_under_a_key_that_is_not_here_is_told_apart(
    stage: Stage, tmp_path: Path
) -> None:
    async with stage.installation.working(stage.client):
        await stage.submitted()
    await listed(stage, 1)
    keyless = await Client.connect(
        stage.client.service_client.config.target_host,
        namespace=stage.client.namespace,
        data_converter=encrypting(KeyRing(tmp_path / "empty")),
    )

    (broken,) = (await replayed(keyless, 10)).broken

    assert broken.why == "its payloads are encrypted with a key that is not here"


async def test_the_command_counts_what_goes_on(
    stage: Stage, database_url: URL, payload_keys: Path, tmp_path: Path
) -> None:
    async with stage.installation.working(stage.client):
        await stage.submitted()
    await listed(stage, 1)

    code, found, said = await verify(stage, database_url, payload_keys, tmp_path)

    assert code == 0
    assert {"kind": KIND, "open": 1, "closed": 0, "open_left_out": 0} in found["looked"]
    assert said == "1 histories were replayed; every one goes on with this code.\n"


async def test_the_command_names_what_would_break(
    stage: Stage, database_url: URL, payload_keys: Path, tmp_path: Path
) -> None:
    async with working(stage, Guarded):  # a newer version, to be taken back now
        process = await without_an_end(stage)
    await listed(stage, 1)

    code, found, said = await verify(stage, database_url, payload_keys, tmp_path)

    (broken,) = found["broken"]
    assert code == 1
    assert broken["workflow"] == names.workflow_id(KIND, process)
    assert broken["workflow"] in said
    assert "Do not deploy this: 1 workflows would break." in said
    assert "Traceback" not in said


@pytest.mark.parametrize("away", ["127.0.0.1:1"])
async def test_the_command_says_that_temporal_is_away(
    stage: Stage, database_url: URL, payload_keys: Path, tmp_path: Path, away: str
) -> None:
    code, found, said = await verify(
        stage, database_url, payload_keys, tmp_path, TEMPORAL_ADDRESS=away
    )

    assert (code, found) == (3, None)
    assert said == f"Cannot reach Temporal at {away}. Nothing was verified.\n"
