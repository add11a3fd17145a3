"""The report of a full run: the faults, by what each was judged, and how late access ended."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.faults.plan import FaultPlan

WIDTH, BARS = 60, 12  # characters of the longest bar, and how many bars
HEAD = """# Faults

A fault that touches a database ends with a check of what must always hold (I1 to I17,
docs/security.md), as far as its test has evidence for it; "Judged by" says how far that is. What is
tried against the rules alone is judged by its test. R stands for a fault, T for a threat of
docs/security.md. How often each was tried is what two cores do in an hour or so, and no proof that
a rarer accident holds too.
"""


def write(folder: Path, plans: Sequence[FaultPlan]) -> Path:
    """Write ``faults.md``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [HEAD, *_table(plans), "", "## Judged by", "", *_judges(plans)]
    for one in plans:
        if one.lags:
            lines += ["", f"## How late access ended: {one.about}", "", *_plot(one.lags)]
    file = folder / "faults.md"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _table(plans: Sequence[FaultPlan]) -> list[str]:
    """Return one row a fault and what of it was tried, over all its tests and seeds."""
    rows = [
        f"| {fault} | {about} | {_tried(group)} | {_broken(group)}"
        f" | {', '.join(sorted({str(one.seed) for one in group}))}"
        f" | {sum(one.seconds for one in group):.0f} |"
        for (fault, about), group in _groups(plans)
    ]
    heading = "| fault | what | times tried | breaches | seeds | seconds |"
    total = f"| | all | {_tried(plans)} | {_broken(plans)} | | |"
    return [heading, "|---|---|---:|---:|---|---:|", *rows, total]


def _groups(plans: Sequence[FaultPlan]) -> list[tuple[tuple[str, str], list[FaultPlan]]]:
    found: dict[tuple[str, str], list[FaultPlan]] = {}
    for one in sorted(plans, key=lambda one: (one.fault[0], int(one.fault[1:]), one.about)):
        found.setdefault((one.fault, one.about), []).append(one)
    return list(found.items())


def _judges(plans: Sequence[FaultPlan]) -> list[str]:
    """Return a row a fault: what was checked in each of its tests, and what in some was not."""
    rows, why = [], dict[int, set[str]]()
    for (fault, about), group in _groups(plans):
        missing = {one for plan in group for one in plan.not_judged_by}
        checked = set.intersection(*(plan.judged_by for plan in group)) - missing
        by = _named(checked) if checked or missing else "its own test alone"
        rows.append(f"| {fault} | {about} | {by} | {_named(missing)} |")
        for plan in group:
            for one, reason in plan.not_judged_by.items():
                why.setdefault(one, set()).add(reason)
    reasons = [f"- I{one}: {'; or '.join(sorted(why[one]))}." for one in sorted(why)]
    return ["| fault | what | checked | not checked |", "|---|---|---|---|", *rows, "", *reasons]


def _named(numbers: Iterable[int]) -> str:
    return ", ".join(f"I{one}" for one in sorted(numbers)) or "none"


def _tried(plans: Sequence[FaultPlan]) -> int:
    return sum(one.tried for one in plans)


def _broken(plans: Sequence[FaultPlan]) -> int:
    return sum(len(one.breaches) for one in plans)


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
