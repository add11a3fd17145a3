"""The fault suite's own report and its kept seeds."""

from pathlib import Path

import pytest

from store.engine import Engines
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


async def test_the_report_says_by_what_a_fault_was_judged_and_by_what_not(
    engines: Engines, tmp_path: Path
) -> None:
    plans = [made("R2", 1), made("R2", 1, seed=7), made("T5", 1)]
    await plans[0].holds(engines)
    await plans[1].holds(engines, calls=(), besides=frozenset({3}))

    text = report.write(tmp_path, plans).read_text()

    assert (
        "| R2 | somebody away | I1, I2, I5, I7, I8, I11, I12, I13, I14"
        " | I3, I4, I6, I9, I10, I15, I16, I17 |"
    ) in text
    assert "| T5 | somebody away | its own test alone | none |" in text
    assert "- I3: the test looks at it itself." in text
    assert "- I6: nobody sends mail there." in text
    assert "- I9: Temporal does not answer." in text


async def test_what_a_fault_leaves_behind_is_a_breach(engines: Engines) -> None:
    plan = made("R2", 1)
    plan.before = {"open files": 0, "threads": 0}

    with pytest.raises(AssertionError, match="I17 everywhere: threads grew from 0 to"):
        await plan.holds(engines)

    assert 17 in plan.judged_by


def test_a_seed_that_failed_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "seeds.yaml"
    file.write_text("# What these are.\n\n{}\n")
    monkeypatch.setattr(plans, "SEEDS", file)

    for _ in range(2):
        plans.keep("test_one", 77, "it broke")

    assert plans.kept_seeds("test_one") == [77]
    assert plans.kept_seeds("test_two") == []
    assert file.read_text().startswith("# What these are.\n\n")
