"""The replay gate: every history that a release left behind fits the workflows of today."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.common import RawValue
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from activities.names import NOTHING
from approvals.delivery import Outcome
from approvals.rules import KINDS
from starter.replaying import TYPES
from starter.workers import SANDBOX, WORKFLOWS
from tests.replay import onboarding_lives
from tests.replay.lives import BY_HAND, PLAYED
from tests.replay.record import LONG_LIFE, LONG_LIVED
from workflows.process import Process

HISTORIES = Path(__file__).with_name("histories")
FILES = sorted(HISTORIES.glob("*/*/*.json"))
EVERY_LIFE = [(kind, play.__name__) for kind, played in PLAYED.items() for play in played]
EVERY_LIFE += [("onboarding", play.__name__) for play in onboarding_lives.LIVES]
EVERY_LIFE += [("tenant_access", play.__name__) for play in BY_HAND]
EVERY_LIFE += [(kind, f"{LONG_LIFE}{run}") for kind in LONG_LIVED for run in ("", "_last")]


def history_of(file: Path) -> WorkflowHistory:
    """Read one recorded history."""
    return WorkflowHistory.from_json(str(file.relative_to(HISTORIES)), file.read_text())


def name_of(file: Path) -> str:
    return "-".join(file.relative_to(HISTORIES).with_suffix("").parts)


@pytest.mark.parametrize("file", FILES, ids=name_of)
async def test_a_recorded_history_replays(file: Path) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS, workflow_runner=SANDBOX, data_converter=pydantic_data_converter
    )

    result = await replayer.replay_workflow(history_of(file), raise_on_replay_failure=False)

    assert result.replay_failure is None


@pytest.mark.parametrize("workflow_type", TYPES)
def test_every_workflow_has_a_recorded_life(workflow_type: str) -> None:
    assert {type_of(file) for file in FILES if file.parts[-3] == workflow_type} == {workflow_type}


def test_no_workflow_is_left_out() -> None:
    assert len(TYPES) == len(WORKFLOWS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_end_of_a_process_is_recorded(kind: str) -> None:
    ends = {end_of(file) for file in FILES if file.parts[-3] == kind}

    assert ends >= KINDS[kind].closed


@pytest.mark.parametrize(("kind", "life"), EVERY_LIFE)
def test_every_life_that_can_be_played_is_recorded(kind: str, life: str) -> None:
    assert list(HISTORIES.glob(f"{kind}/*/{life}.json")), "python -m tests.replay.record VERSION"


async def test_a_change_that_breaks_running_processes_is_noticed() -> None:
    replayer = Replayer(
        workflows=[Impatient],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
    )
    histories = [history_of(file) for file in FILES if file.parts[-3] == "tenant_access"]

    async def each() -> Any:
        for one in histories:
            yield one

    results = await replayer.replay_workflows(each(), raise_on_replay_failure=False)

    broken = list(results.replay_failures.values())
    assert len(broken) == len(histories)
    assert {type(one) for one in broken} == {workflow.NondeterminismError}


@workflow.defn(name="tenant_access")
class Impatient(Process):
    """What nobody may release: it waits before it does what it did before."""

    closed = frozenset(KINDS["tenant_access"].closed)

    @workflow.run
    async def run(self, start: RawValue = NOTHING) -> Outcome:
        await asyncio.sleep(1)
        return await self.live(start)


def type_of(file: Path) -> str:
    """Return the workflow type of which a history was recorded."""
    begun = json.loads(file.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    name: str = begun["workflowType"]["name"]
    return name


def end_of(file: Path) -> str | None:
    """Return the status with which a recorded run ended, or None for another end."""
    last = json.loads(file.read_text())["events"][-1]
    completed = last.get("workflowExecutionCompletedEventAttributes")
    if completed is None:
        return None
    (payload,) = completed["result"]["payloads"]
    status: str = json.loads(base64.b64decode(payload["data"]))["status"]
    return status
