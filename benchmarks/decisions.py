"""How long a decision takes on an idle system, from the update to the receipt in hand."""

import asyncio
import statistics
import time
from collections.abc import Awaitable

from benchmarks import bare
from benchmarks.installation import Installation
from benchmarks.report import Report, Target

ROUNDS = 50
REST = 0.1  # seconds in which the first workflow task ends and the system falls idle
RATIO = Target(3.0)


async def measure(made: Installation, report: Report) -> None:
    """Time a grant and a bare update in turn, so that both meet the same machine."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        handle = await bare.started(made.client)
        await asyncio.sleep(REST)
        theirs.append(await _timed(bare.answered(handle)))
        case = made.next_case()
        await made.submit(case)
        shown = await made.shown(case)
        await made.mails_are_out()
        await asyncio.sleep(REST)
        ours.append(await _timed(made.grant(case, shown)))
        await made.mails_are_out()

    report.section(f"Latency of a decision on an idle system, {ROUNDS} of each")
    report.figure("decision.p50_ms", quantile(ours, 50))
    report.figure("decision.p95_ms", quantile(ours, 95))
    report.figure("decision.bare_p50_ms", quantile(theirs, 50))
    report.figure("decision.bare_p95_ms", quantile(theirs, 95))
    report.figure("decision.p50_ratio_to_bare", quantile(ours, 50) / quantile(theirs, 50), RATIO)
    report.say(
        "Both wait for one workflow task; ours also for the database's commit and the start of the"
        " mail job, one more call to Temporal."
    )


def quantile(found: list[float], percent: int) -> float:
    """Return a percentile (1 to 99) of at least two values."""
    return statistics.quantiles(found, n=100, method="inclusive")[percent - 1]


async def _timed(work: Awaitable[object]) -> float:
    """Return the milliseconds that *work* took."""
    begin = time.perf_counter()
    await work
    return (time.perf_counter() - begin) * 1000
