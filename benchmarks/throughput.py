"""Lives a second, ours and bare ones: with more and more at once, until that is no faster."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from benchmarks import bare, children
from benchmarks.bare import BareWorkflow
from benchmarks.installation import Installation
from benchmarks.people import MAILS_OF_A_LIFE
from benchmarks.report import Report, Target
from starter.client import UnreachableError

AT_ONCE = (1, 4, 16, 64, 256)
AHEAD = 16  # bare workflows that wait, beside those that are being answered
SECONDS = 8.0  # for which new lives are begun at each step
GAIN, ENOUGH = 1.05, 16  # from so many at once, a step that gains less is the last one
BUSY = 0.85  # cores from which one Python process, or each core of the machine, counts as busy
RATIO = Target(0.3, is_floor=True)


@dataclass(frozen=True)
class Rate:
    """What one step found. *cost* is the processor time of each process, in ms a life."""

    at_once: int
    finished: int
    failed: int
    seconds: float
    cost: Mapping[str, float]

    @property
    def per_second(self) -> float:
        return self.finished / self.seconds

    @property
    def cores(self) -> Mapping[str, float]:
        """How many cores each process kept busy."""
        return {name: ms / 1000 * self.per_second for name, ms in self.cost.items()}


@dataclass
class Contest:
    """One kind of life, and the rates that it has reached."""

    life: Callable[[], Awaitable[None]]
    rest: Callable[[], Awaitable[None]]  # what must still happen before the clock stops
    pids: Mapping[str, int]
    rates: list[Rate]
    is_flat: bool = False

    @property
    def best(self) -> Rate:
        return max(self.rates, key=lambda rate: rate.per_second)

    async def step(self, at_once: int) -> None:
        """Run this many at once for a while, and see whether that was still faster."""
        before = self.best.per_second if self.rates else 0.0
        self.rates.append(await _rate(self, at_once))
        self.is_flat = at_once >= ENOUGH and self.rates[-1].per_second < GAIN * before


class Waiting:
    """Bare workflows that wait for their update.

    Each life starts one and answers one that was started well before. An update sent right after
    the start would often arrive with the first task, and then nothing has ever waited.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._handles: deque[WorkflowHandle[BareWorkflow, str]] = deque()

    async def fill(self, count: int) -> None:
        """Start this many ahead."""
        for _ in range(count):
            self._handles.append(await bare.started(self._client))

    async def life(self) -> None:
        """Start one, and answer the oldest."""
        oldest = self._handles.popleft()
        self._handles.append(await bare.started(self._client))
        await bare.answered(oldest)


async def measure(made: Installation, report: Report, bare_worker: int) -> None:
    """Raise the concurrency of both, step by step and in turn, until both are flat."""
    shared = {name: made.pids[name] for name in ("server", "client")}
    waiting = Waiting(made.client)
    ours = Contest(lambda: _life(made), made.mails_are_out, made.pids, [])
    theirs = Contest(waiting.life, _nothing, {**shared, "worker": bare_worker}, [])
    await waiting.fill(AHEAD + max(AT_ONCE))
    for at_once in AT_ONCE:
        for contest in (theirs, ours):
            if not contest.is_flat:
                await contest.step(at_once)
    _tell(report, ours, theirs)


async def _rate(contest: Contest, at_once: int) -> Rate:
    finished = failed = 0
    before = {name: children.processor_seconds(pid) for name, pid in contest.pids.items()}
    begin = time.perf_counter()

    async def lives() -> None:
        nonlocal finished, failed
        while time.perf_counter() < begin + SECONDS:
            try:
                await contest.life()
                finished += 1
            except (UnreachableError, RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                failed += 1

    await asyncio.gather(*(lives() for _ in range(at_once)))
    await contest.rest()
    seconds = time.perf_counter() - begin
    cost = {
        name: (children.processor_seconds(pid) - before[name]) * 1000 / max(finished, 1)
        for name, pid in contest.pids.items()
    }
    return Rate(at_once, finished, failed, seconds, cost)


async def _life(made: Installation) -> None:
    """Send, look at, grant, look at and revoke one request, as three people's programs would."""
    case = made.next_case()
    await made.submit(case)
    await made.grant(case, await made.shown(case))
    await made.revoke(case)


async def _nothing() -> None:
    return None


def _tell(report: Report, ours: Contest, theirs: Contest) -> None:
    report.section("Throughput: request sent, granted, revoked and its mails delivered")
    report.say(
        f"Ours: three signed commands, three commits, three mail jobs, {MAILS_OF_A_LIFE} mails."
        " Bare: one workflow, one update."
    )
    report.table([HEADING, *_rows("bare", theirs), *_rows("ours", ours)])
    report.figure("throughput.lives_per_second", ours.best.per_second)
    report.figure("throughput.bare_per_second", theirs.best.per_second)
    ratio = ours.best.per_second / theirs.best.per_second
    report.figure("throughput.ratio_to_bare", ratio, RATIO)
    cost = sum(ours.best.cost.values()) / sum(theirs.best.cost.values())
    report.figure("throughput.processor_time_to_bare", cost)
    report.figure("throughput.failed", sum(rate.failed for rate in ours.rates))
    report.figure("throughput.bare_failed", sum(rate.failed for rate in theirs.rates))
    report.say(f"Ours is bounded by {_bound(ours.best)}.")
    report.say(f"Bare is bounded by {_bound(theirs.best)}.")
    report.say(
        "A mail job is an execution of its own in Temporal, as costly to the server as a bare"
        " life: with three of them the server does at least four times the bare work."
    )


PARTS = ("worker", "server", "client", "mail server")
HEADING = ("", "at once", "lives", "failed", "lives/s", "cores busy", "ms a life", *PARTS)


def _rows(name: str, contest: Contest) -> list[tuple[str, ...]]:
    return [
        (
            name,
            str(rate.at_once),
            str(rate.finished),
            str(rate.failed),
            f"{rate.per_second:.1f}",
            f"{sum(rate.cores.values()):.2f}",
            f"{sum(rate.cost.values()):.1f}",
            *(f"{rate.cost[part]:.1f}" if part in rate.cost else "-" for part in PARTS),
        )
        for rate in contest.rates
    ]


def _bound(rate: Rate) -> str:
    """Say what was busy at the best step."""
    used, there = sum(rate.cores.values()), os.cpu_count() or 1
    share = ", ".join(f"{name} {cores:.2f}" for name, cores in rate.cores.items())
    busy = f"{used:.2f} of {there} cores busy with it: {share}"
    if rate.cores["worker"] >= BUSY:
        return f"the worker, one Python process on one core ({busy})"
    if used >= BUSY * there:
        return f"the machine's processors ({busy})"
    return f"waiting, or by other work on this machine ({busy})"
