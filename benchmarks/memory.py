"""What open requests cost the worker: its memory when empty, with a full cache, and far beyond."""

import asyncio
import os
import time

from benchmarks import children
from benchmarks.installation import Installation
from benchmarks.report import Report, Target
from starter.workers import CACHED

OPEN = int(os.environ.get("BENCH_OPEN", "10000"))
AT_ONCE = 24  # submissions under way at the same time
REST = 2.0  # seconds until caches and garbage have settled
GROWTH = Target(1.25)


async def measure(made: Installation, report: Report) -> None:
    """Send requests that nobody answers, and look at the worker's memory on the way."""
    begin = time.perf_counter()
    async with made.worker() as pid:
        sizes = {0: await _settled(made, pid)}
        for wanted in sorted({CACHED, 2 * CACHED, OPEN // 2, OPEN}):
            if max(sizes) < wanted <= OPEN:
                await _submit(made, wanted - max(sizes))
                sizes[wanted] = await _settled(made, pid)
    seconds = time.perf_counter() - begin

    report.section(f"Memory of the worker, {OPEN:,} open requests, a cache of {CACHED:,} workflows")
    report.table([("open", "MiB"), *((f"{one:,}", f"{mb:.0f}") for one, mb in sizes.items())])
    at_cache = sizes.get(CACHED, sizes[max(sizes)])
    report.figure("memory.cached_workflows", CACHED)
    report.figure("memory.open_requests", OPEN)
    report.figure("memory.empty_mb", sizes[0])
    report.figure("memory.full_cache_mb", at_cache)
    report.figure("memory.open_mb", sizes[max(sizes)])
    report.figure("memory.kb_per_cached_workflow", (at_cache - sizes[0]) * 1024 / min(CACHED, OPEN))
    report.figure("memory.ratio_to_full_cache", sizes[max(sizes)] / at_cache, GROWTH)
    report.say(f"Sent through the real client in {seconds:.0f} s; BENCH_OPEN sets how many.")


async def _submit(made: Installation, count: int) -> None:
    cases = iter([made.next_case() for _ in range(count)])

    async def some() -> None:
        for case in cases:
            await made.submit(case)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def _settled(made: Installation, pid: int) -> float:
    await made.mails_are_out()
    await asyncio.sleep(REST)
    return children.memory_mb(pid)
