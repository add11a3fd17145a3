"""The report of a full run: a table of the faults, and how late access ended."""

from collections.abc import Sequence
from pathlib import Path

from tests.faults.plan import FaultPlan

WIDTH, BARS = 60, 12  # characters of the longest bar, and how many bars


def write(folder: Path, plans: Sequence[FaultPlan]) -> Path:
    """Write ``faults.md``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Faults", "", "Every fault ends with a check of all invariants.", "", *_table(plans)]
    for one in plans:
        if one.lags:
            lines += ["", f"## How late access ended: {one.about}", "", *_plot(one.lags)]
    file = folder / "faults.md"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _table(plans: Sequence[FaultPlan]) -> list[str]:
    """Return one row a fault and what of it was tried, over all its tests and seeds."""
    groups: dict[tuple[int, str], list[FaultPlan]] = {}
    for one in plans:
        groups.setdefault((_number(one.fault), one.about), []).append(one)
    rows = [
        f"| R{number} | {about} | {_tried(group)} | {_broken(group)}"
        f" | {', '.join(sorted({str(one.seed) for one in group}))}"
        f" | {sum(one.seconds for one in group):.0f} |"
        for (number, about), group in sorted(groups.items())
    ]
    heading = "| fault | what | times tried | breaches | seeds | seconds |"
    total = f"| | all | {_tried(plans)} | {_broken(plans)} | | |"
    return [heading, "|---|---|---:|---:|---|---:|", *rows, total]


def _tried(plans: Sequence[FaultPlan]) -> int:
    return sum(one.tried for one in plans)


def _broken(plans: Sequence[FaultPlan]) -> int:
    return sum(len(one.breaches) for one in plans)


def _number(fault: str) -> int:
    return int(fault.removeprefix("R"))


def _plot(lags: Sequence[float]) -> list[str]:
    """Draw a histogram of seconds in text; the rows' closing, for the gate shuts on the instant."""
    ordered = sorted(lags)
    step = max(ordered[-1], 0.001) / BARS
    counts = [sum(at * step <= one < (at + 1) * step for one in ordered) for at in range(BARS)]
    counts[-1] += sum(one >= BARS * step for one in ordered)
    most = max(counts)
    bars = [
        f"{at * step:8.3f} s  {'#' * round(WIDTH * count / most):{WIDTH}}  {count}"
        for at, count in enumerate(counts)
    ]
    middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    figures = (
        f"{len(ordered)} ends: median {middle:.3f} s, p99 {late:.3f} s, last {ordered[-1]:.3f} s"
    )
    return ["```", *bars, "```", "", figures]
