"""docs/changing-a-workflow.md, tried: one change of the shell, without a guard and with one."""

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from starter.workers import SANDBOX
from tests.replay.changed import Guarded, Unguarded

RECORDED = Path(__file__).with_name("histories") / "tenant_access"
FILES = sorted(RECORDED.glob("*/*.json"))
SLEPT_WITHOUT_A_TIMER = [one for one in FILES if one.stem == "refused_without_an_end"]


def history_of(file: Path) -> WorkflowHistory:
    """Read one recorded history."""
    return WorkflowHistory.from_json(file.stem, file.read_text())


async def failure_of(changed: type, file: Path) -> Exception | None:
    """Replay one recorded history with a changed workflow; return what went wrong."""
    replayer = Replayer(
        workflows=[changed], workflow_runner=SANDBOX, data_converter=pydantic_data_converter
    )
    result = await replayer.replay_workflow(history_of(file), raise_on_replay_failure=False)
    return result.replay_failure


@pytest.mark.parametrize("file", SLEPT_WITHOUT_A_TIMER, ids=lambda file: file.parts[-2])
async def test_an_unguarded_change_breaks_a_run_that_is_under_way(file: Path) -> None:
    assert isinstance(await failure_of(Unguarded, file), workflow.NondeterminismError)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-2]}-{file.stem}")
async def test_the_same_change_under_a_patch_breaks_none(file: Path) -> None:
    assert await failure_of(Guarded, file) is None


def test_the_change_is_tried_on_a_history_that_it_concerns() -> None:
    assert SLEPT_WITHOUT_A_TIMER
