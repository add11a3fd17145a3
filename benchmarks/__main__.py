"""`python -m benchmarks`: measure everything once, report, and fail when a count is missed.

`python -m benchmarks counts` measures only what each life costs in Temporal, `... authzen` only the
gate over HTTP, and `... pages` only the portal's list of 10,000 requests.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import authzen, bare, children, counts, decisions, gate, memory, pages, throughput
from benchmarks.installation import installation, serve_mail
from benchmarks.lives import LIVES
from benchmarks.report import Report, machine


async def measure() -> int:
    """Run every measurement on one installation, and return the exit code."""
    report, begin = Report(), time.perf_counter()
    report.section("The machine")
    report.say(machine())
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name:
        home = Path(name)
        async with installation(home) as made:
            address = made.environment["GATEHOUSE_TEMPORAL_ADDRESS"]
            async with (
                children.running(
                    "-m", "benchmarks", "bare-worker", address,
                    environment={}, log=home / "bare-worker.log",
                ) as bare_worker,
                made.worker(),
            ):  # fmt: skip
                await counts.measure(made, report, LIVES)
                await decisions.measure(made, report)
                await throughput.measure(made, report, bare_worker)
            await memory.measure(made, report)
        await gate.measure(home, report)
        await authzen.measure(home, report)
        await pages.measure(home, report)
    report.say(f"All of it took {time.perf_counter() - begin:.0f} s.")
    return report.close()


async def measure_counts() -> int:
    """Count alone what each life costs in Temporal, and return the exit code."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name:
        async with installation(Path(name)) as made, made.worker():
            await counts.measure(made, report, LIVES)
    return report.close()


async def measure_alone(part: Callable[[Path, Report], Awaitable[None]]) -> int:
    """Run one measurement that needs an empty folder alone, and return the exit code."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as name:
        await part(Path(name), report)
    return report.close()


def main(arguments: list[str]) -> int:
    """Measure, or be one of the programs that the measurement runs beside itself."""
    # What is measured is a stack of our own, never one that the shell points to.
    for name in [one for one in os.environ if one.startswith(("GATEHOUSE_", "TEMPORAL_"))]:
        del os.environ[name]
    os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull
    match arguments:
        case []:
            return asyncio.run(measure())
        case ["counts"]:
            return asyncio.run(measure_counts())
        case ["authzen"]:
            return asyncio.run(measure_alone(authzen.measure))
        case ["pages"]:
            return asyncio.run(measure_alone(pages.measure))
        case ["bare-route", port]:
            authzen.serve_bare(int(port))
        case ["bare-worker", address]:
            asyncio.run(bare.serve(address))
        case ["mail-server", maildir, port]:
            asyncio.run(serve_mail(maildir, port))
        case _:
            print(
                "`python -m benchmarks` takes nothing, counts, authzen or pages.", file=sys.stderr
            )
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
