"""The figures: printed with their targets as they come, and written as one flat JSON object."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Target:
    """The limit that a figure must keep. Only counts fail the run: time depends on the machine."""

    limit: float
    is_floor: bool = False
    is_count: bool = False

    def is_met(self, value: float) -> bool:
        """Whether the figure keeps the limit."""
        return value >= self.limit if self.is_floor else value <= self.limit

    def __str__(self) -> str:
        return f"{'at least' if self.is_floor else 'at most'} {self.limit:g}"


class Report:
    """Everything that one run found."""

    def __init__(self) -> None:
        self._figures: dict[str, float] = {}
        self._missed: list[tuple[str, Target]] = []

    def section(self, title: str) -> None:
        """Begin a part of the report."""
        print(f"\n{title}", flush=True)

    def say(self, text: str) -> None:
        """Print a remark."""
        print(f"  {text}", flush=True)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows in columns; the first row is the heading."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self.say("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))

    def figure(self, key: str, value: float, target: Target | None = None) -> None:
        """Record a figure and print it, with its target and whether that is met."""
        self._figures[key] = round(value, 3)
        verdict = ""
        if target is not None:
            is_met = target.is_met(value)
            verdict = f"   {'met' if is_met else 'MISSED'} (target: {target})"
            if not is_met:
                self._missed.append((key, target))
        digits = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
        self.say(f"{key} = {digits}{verdict}")

    def close(self) -> int:
        """Print what was missed, write BENCH_JSON, and return the exit code: 1 for a count."""
        self.section("Summary")
        for key, target in self._missed:
            kind = "" if target.is_count else " (does not fail the run: it depends on the machine)"
            self.say(f"MISSED: {key} = {self._figures[key]:g}, target {target}{kind}")
        if not self._missed:
            self.say("Every target is met.")
        if file := os.environ.get("BENCH_JSON"):
            Path(file).write_text(json.dumps(self._figures, indent=2) + "\n", encoding="utf-8")
            self.say(f"The figures are in {file}.")
        return 1 if any(target.is_count for _, target in self._missed) else 0


def machine() -> str:
    """Describe what the figures were measured on."""
    model = platform.processor() or platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        found = [line for line in facts.read_text().splitlines() if line.startswith("model name")]
        model = found[0].partition(":")[2].strip() if found else model
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.release()},"
        f" Python {sys.version.split()[0]}, load before the run {load}"
    )
