"""The fault suite's own report and its kept seeds."""

from pathlib import Path

import pytest

from tests.faults import plan as plans
from tests.faults import report
from tests.faults.plan import FaultPlan


def made(fault: str, tried: int, breaches: int = 0, seed: int = 1) -> FaultPlan:
    """Return what a test found."""
    found = FaultPlan(fault, "somebody away", seed)
    found.tries(tried)
    found.breaches += ["it broke"] * breaches
    return found


def test_the_report_adds_up_what_was_tried_and_what_broke(tmp_path: Path) -> None:
    late = made("R11", 5)
    late.lags += [0.1, 0.2, 0.2, 0.9]

    text = report.write(tmp_path, [late, made("R2", 3), made("R2", 4, breaches=1, seed=7)])

    lines = text.read_text().splitlines()
    assert "| R2 | somebody away | 7 | 1 | 1, 7 | 0 |" in lines
    assert "| | all | 12 | 1 | | |" in lines
    assert lines.index("| | all | 12 | 1 | | |") > lines.index(
        "| R11 | somebody away | 5 | 0 | 1 | 0 |"
    )
    assert "4 ends: median 0.200 s, p99 0.900 s, last 0.900 s" in lines


def test_a_seed_that_failed_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "seeds.yaml"
    file.write_text("# What these are.\n\n{}\n")
    monkeypatch.setattr(plans, "SEEDS", file)

    for _ in range(2):
        plans.keep("test_one", 77, "it broke")

    assert plans.kept_seeds("test_one") == [77]
    assert plans.kept_seeds("test_two") == []
    assert file.read_text().startswith("# What these are.\n\n")
