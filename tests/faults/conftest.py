"""The fault suite's frame: seeds, tallies, and the report of a full run."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import report
from tests.faults.plan import FIRST_SEED, FULL, FaultPlan, keep, kept_seeds
from tests.installation import Installation
from tests.portal.conftest import settings, site
from tests.security.conftest import matter

__all__ = ["matter", "settings", "site"]
PLANS = pytest.StashKey[Any]()
TO = "GATEHOUSE_FAULTS_TO"  # the folder of the report


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what the tests tell."""
    config.stash[PLANS] = []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try the run's seed, and those with which a test once failed."""
    if "seed" in metafunc.fixturenames:
        seeds = dict.fromkeys([FIRST_SEED, *kept_seeds(metafunc.function.__name__)])
        metafunc.parametrize("seed", list(seeds), ids=[f"seed-{one}" for one in seeds])


@pytest.fixture
async def installation(installation: Installation) -> Installation:
    """Whoever gives a command here insists, and so need not wait long for each try."""
    installation.answer_seconds = 5
    return installation


@pytest.fixture
def plan(request: pytest.FixtureRequest, seed: int) -> Iterator[FaultPlan]:
    """What the test tries, under the number and words of its mark."""
    mark = request.node.get_closest_marker("fault")
    backend = request.node.callspec.params.get("database", "")
    about = f"{mark.args[1]} ({backend})" if backend else mark.args[1]
    made = FaultPlan(mark.args[0], about, seed)
    yield made
    made.seconds = time.monotonic() - made.begun
    request.config.stash[PLANS].append(made)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> "Iterator[None]":
    """Keep the seed of what failed, in a full run."""
    made: pytest.TestReport = yield  # type: ignore[assignment]
    plan = getattr(item, "funcargs", {}).get("plan")
    if FULL and made.failed and isinstance(plan, FaultPlan):
        if not plan.breaches:
            plan.breaches.append("the test failed")
        name = getattr(item, "originalname", item.name)
        keep(name, plan.seed, plan.breaches[0])
    return made  # type: ignore[return-value]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report where one is asked for."""
    if (folder := os.environ.get(TO)) and session.config.stash[PLANS]:
        report.write(Path(folder), session.config.stash[PLANS])
