"""The platform killed with SIGKILL in every step of an onboarding: complete once, or undone.

It is the reference platform in a process of its own, which starts again on its SQLite file.
"""

import asyncio
import multiprocessing
import signal
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.common import RetryPolicy

from activities.onboarding import OnboardingActivities
from approvals.onboarding import steps
from approvals.onboarding.commands import Abandon
from approvals.platform import PlatformAway
from examples.reference_platform.__main__ import main
from examples.reference_platform.server import HOST
from identity.files import write_secret
from starter.temporal_server import free_port
from store.engine import Engines
from tests.customer_platform.running import CLIENT_SECRET, MovedClock, RunningPlatform
from tests.onboardings import PEW
from tests.store.rows import rows_of
from tests.stored_onboarding import vendors
from tests.workflows.onboarding_stage import OnboardingStage
from tests.workflows.stage import eventually
from workflows import options

ARRIVED, ANSWERED = "stall", "stall_after"  # nothing is done yet; all is, and nobody heard of it
MAKING = (
    steps.CreateCustomer, steps.WatchImport, steps.LookUp, steps.EnsureAdmin, steps.EnsureUser,
)  # fmt: skip
UNDOING = (steps.RemoveRoles, steps.DeleteUser, steps.DeleteCustomer)
READING = (steps.WatchImport, steps.LookUp)
READS, WRITES, UNDO_STEPS = 5, 5, 5  # steps that ask the platform something
NEVER = 600  # seconds of a stall that the platform does not live to see the end of
ANY = r"(?!POST /oauth).*"
Steps = type[OnboardingActivities]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step that failed come back soon."""
    soon = timedelta(seconds=0.05)
    quick = RetryPolicy(initial_interval=soon, maximum_interval=2 * soon)
    monkeypatch.setitem(options.STEP, "retry_policy", quick)


class MortalPlatform:
    """The program, on one port and one file for all its lives."""

    def __init__(self, folder: Path) -> None:
        self.file, self._port = folder / "platform.db", free_port()
        write_secret(folder / "account", CLIENT_SECRET.encode())
        self._words = [
            *("--port", str(self._port), "--file", str(self.file), "--import-seconds", "0"),
            *("--client-secret-file", str(folder / "account"), "--faults"),
        ]
        self._processes = multiprocessing.get_context("forkserver")  # it has read the code already
        self._processes.set_forkserver_preload([main.__module__])
        self._life: ForkServerProcess | None = None
        self.deaths = 0
        self.address = f"http://{HOST}:{self._port}"
        self.seen = RunningPlatform(self.address, MovedClock())

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self._life = self._processes.Process(target=main, args=(self._words,), daemon=True)
        self._life.start()
        async with asyncio.timeout(20):
            while not await self._answers():  # noqa: ASYNC110  # it happens elsewhere
                await asyncio.sleep(0.01)
        self.seen = RunningPlatform(self.address, MovedClock())

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._life is not None
        self.seen.close()
        self._life.kill()
        self._life.join(10)
        assert self._life.exitcode == -signal.SIGKILL
        self.deaths += 1

    def deadly(self, *dies_in: type[steps.Task], is_last_held: bool = False) -> Steps:
        """Return the steps of a worker; in each of these kinds it dies early, and then late.

        What only reads has no late: nothing is done by then that was not done before.
        """
        mortal, died = self, set[tuple[str, str]]()

        class DeadlySteps(OnboardingActivities):
            async def _answer(self, task: steps.Task) -> steps.Answer:
                if is_last_held and isinstance(task, steps.EnterDirectory):
                    return PlatformAway("It waits for somebody to abandon it.")
                points = (ARRIVED,) if isinstance(task, READING) else (ARRIVED, ANSWERED)
                places = {(str(task), point) for point in points} - died
                if not isinstance(task, dies_in) or not places:
                    died.difference_update({(str(task), point) for point in points})
                    return await super()._answer(task)
                died.add(place := min(places))
                return await mortal.killed_in(super()._answer(task), task, place[1])

        return DeadlySteps

    async def killed_in(
        self, call: Coroutine[Any, Any, steps.Answer], task: steps.Task, point: str
    ) -> steps.Answer:
        """Die while the platform is busy with a step's call; return what the worker makes of it."""
        self.seen.fault(point, ANY if point == ARRIVED else last_call(task), seconds=NEVER)
        asked = asyncio.create_task(call)
        while self.seen.faults_left():  # noqa: ASYNC110  # it happens elsewhere
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # what it does before it stalls is done by then
        self.kill()
        answer = await asked
        assert isinstance(answer, PlatformAway)
        await self.start()
        return answer

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self._port)
        except OSError:
            return False
        writer.close()
        return True


def last_call(task: steps.Task) -> str:
    """Return the call of a step that changes something, if one does; it is the last."""
    match task:
        case steps.EnsureAdmin(user=user) if user.email == PEW:
            return r"POST .*/users"
        case steps.EnsureAdmin() | steps.EnsureUser() | steps.RemoveRoles():
            return "PATCH .*"
        case steps.DeleteUser() | steps.DeleteCustomer():
            return "DELETE .*"
        case _:
            return ANY


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[MortalPlatform]:
    """The platform, started for the first time."""
    one = MortalPlatform(tmp_path)
    await one.start()
    yield one
    one.kill()


@pytest.fixture
async def stage(engines: Engines, client: Client, mortal: MortalPlatform) -> OnboardingStage:
    """Who onboards customers there."""
    return OnboardingStage(await vendors(engines), client, mortal.seen)


def customers(file: Path) -> list[bool]:
    """Return of each customer that the platform ever had whether it is there."""
    with sqlite3.connect(file) as platform:
        rows = platform.execute("SELECT deleted_at FROM customer").fetchall()
    platform.close()
    return [deleted_at is None for (deleted_at,) in rows]


async def test_a_platform_killed_in_every_step_has_the_customer_complete_exactly_once(
    stage: OnboardingStage, mortal: MortalPlatform
) -> None:
    async with stage.working(steps_of=mortal.deadly(*MAKING)):
        process = await stage.started()
        outcome = await stage.ended(process)

    stage.platform = mortal.seen
    assert (outcome.status, mortal.deaths) == ("ready", READS + 2 * WRITES)
    assert customers(mortal.file) == [True]
    stage.assert_complete()
    state = await stage.state(process)
    tenants = await rows_of(stage.installation.engines, "tenant")
    assert [one["id"] for one in tenants if one["slug"] == state.slug] == [state.customer]
    done = [one for one in await stage.audited(process) if one not in ("troubled", "importing")]
    assert len(done) == READS + WRITES + 2


async def test_a_platform_killed_in_every_step_of_undoing_has_nothing_of_the_customer(
    stage: OnboardingStage, mortal: MortalPlatform
) -> None:
    async with stage.working(steps_of=mortal.deadly(*UNDOING, is_last_held=True)):
        process = await stage.started()

        async def is_made() -> bool:
            state = await stage.state(process)
            return state.next_account is None and state.trouble is not None

        await eventually(is_made, within=60)
        await stage.leaves(process, Abandon(reason="They moved."))
        outcome = await stage.ended(process)

    stage.platform = mortal.seen
    assert (outcome.status, mortal.deaths) == ("abandoned", 2 * UNDO_STEPS)
    assert customers(mortal.file) == [False]
    stage.assert_gone()
