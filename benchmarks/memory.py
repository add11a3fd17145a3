"""What open requests cost the worker: its memory when empty, with a full cache, and far beyond.

They are opened as `reconcile` opens them: the row is there, and its workflow is started from it.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import insert

from activities import names
from activities.starting import start_process
from approvals.delivery import Start
from approvals.people import OrganizationId, TenantId
from approvals.policy import Policy
from approvals.tenant_access.life import submitted
from approvals.tenant_access.record import KIND
from benchmarks import children
from benchmarks.installation import Installation
from benchmarks.people import CUSTOMERS, Case
from benchmarks.report import Report, Target
from starter.workers import CACHED
from store import tables as t

OPEN = int(os.environ.get("BENCH_OPEN", "10000"))
AT_ONCE = 16  # starts under way at the same time
PIECE = 500  # requests that are opened between two looks at the clock
LIMIT = 210.0  # seconds after which no more are opened, so that the whole run stays short
REST = 3.0  # seconds until garbage is collected
GROWTH = Target(1.25)


async def measure(made: Installation, report: Report) -> None:
    """Open requests that nobody answers, and look at the worker's memory on the way."""
    async with made.worker() as pid:
        sizes = {0: await _settled(pid)}
        begin = time.perf_counter()
        while max(sizes) < OPEN and time.perf_counter() < begin + LIMIT:
            piece = min(PIECE, OPEN - max(sizes))
            await _open(made, piece)
            sizes[max(sizes) + piece] = children.memory_mb(pid)
        seconds = time.perf_counter() - begin
        reached = max(sizes)
        sizes[reached] = await _settled(pid)
    _tell(report, sizes, seconds)


def _tell(report: Report, sizes: dict[int, float], seconds: float) -> None:
    reached = max(sizes)
    at_cache = sizes[min(one for one in sizes if one >= min(CACHED, reached))]
    report.section(f"Memory of the worker, whose cache holds {CACHED:,} workflows")
    looks = [one for one in sizes if one in (0, CACHED) or one % (5 * PIECE) == 0 or one == reached]
    report.table([("open", "MiB"), *((f"{one:,}", f"{sizes[one]:.0f}") for one in looks)])
    report.figure("memory.cached_workflows", CACHED)
    report.figure("memory.open_requests", reached)
    report.figure("memory.empty_mb", sizes[0])
    report.figure("memory.full_cache_mb", at_cache)
    report.figure("memory.open_mb", sizes[reached])
    kept = min(CACHED, reached)
    report.figure("memory.kb_per_cached_workflow", (at_cache - sizes[0]) * 1024 / max(kept, 1))
    report.figure("memory.ratio_to_full_cache", sizes[reached] / at_cache, GROWTH)
    report.say(f"{reached:,} workflows were started from their rows in {seconds:.0f} s.")
    if reached < OPEN:
        report.say(
            f"That was all in {LIMIT:.0f} s: {OPEN:,} would take this machine"
            f" {seconds / reached * OPEN:.0f} s. BENCH_OPEN sets how many."
        )


async def _open(made: Installation, count: int) -> None:
    cases = [made.next_case() for _ in range(count)]
    async with made.engines.write.begin() as connection:
        await connection.execute(insert(t.process), list(open_rows(cases, datetime.now(UTC))))
    left = iter(cases)

    async def some() -> None:
        for case in left:
            start = Start(process=case.process)
            await start_process(made.client, KIND, start, case.tenant_id)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    for case in cases[-CUSTOMERS:]:  # the last of each tenant, for their queues are fair
        await _sleeps(made, case)


async def _sleeps(made: Installation, case: Case) -> None:
    """Wait until the worker has had a workflow, which then sleeps until its row is due."""
    handle = made.client.get_workflow_handle(names.workflow_id(KIND, case.process))
    while (await handle.describe()).raw_description.HasField("pending_workflow_task"):  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def open_rows(cases: Sequence[Case], now: datetime) -> Iterator[dict[str, object]]:
    """Make the rows of requests that were sent at *now* and nobody has answered."""
    for case in cases:
        place = OrganizationId(case.organization_id), TenantId(case.tenant_id)
        after = submitted(
            case.process, case.submission, case.requester.id, place, Policy(), now
        ).after
        yield {
            "id": case.process,
            "kind": KIND,
            "version": after.version,
            "status": after.status,
            "state": after.model_dump_json(),
            "is_closed": False,
            "due": after.due,
            "tenant_id": case.tenant_id,
            "organization_id": case.organization_id,
            "requester_id": case.requester.id,
            "batch": case.batch,
            "begun_at": now,
        }


async def _settled(pid: int) -> float:
    await asyncio.sleep(REST)
    return children.memory_mb(pid)
