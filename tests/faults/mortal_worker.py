"""A worker for tests, which is killed at the awaits that it makes of its adapters, and born again.

DIES is a list: after so many points the first life ends, after so many the second, and the last one
never does. With the word "everywhere" each life ends at the first place where none has ended yet;
what is read in a transaction is one place with its commit, for all of it is rolled back. Every
death is a line in the file DEATHS: its place.
"""

import asyncio
import inspect
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import UUID

from temporalio.client import (
    ActivityHandle,
    Client,
    Interceptor,
    OutboundInterceptor,
    StartActivityInput,
)
from temporalio.common import RetryPolicy

from activities.commit import CommitActivities
from activities.onboarding import OnboardingActivities
from activities.send_notices import MailActivities, TemporalMailQueue
from approvals.policy import OnboardingLimits, Policies, Policy
from config import temporal
from config.settings import load
from identity.signing import Ed25519Signatures
from mail.links import Links
from mail.render import TemplateRenderer
from starter import wiring
from starter.workers import mail_worker, process_worker
from store import outbox
from store.engine import connect
from store.ledger import SqlLedger
from workflows import options

EVERYWHERE, READING = "everywhere", " SqlRow."
QUICK = Policies(
    default=Policy(shortest_access=timedelta(seconds=1)),
    onboarding=OnboardingLimits(look_every=timedelta(milliseconds=50)),
)
SOON = timedelta(seconds=2)  # after which work counts as lost that its worker took to the grave


class Life:
    """One life of the worker: it ends after *points*, or at the first of all new places."""

    def __init__(self, points: int | None, deaths: Path) -> None:
        self._left, self._deaths = points, deaths
        self._known = frozenset(deaths.read_text().splitlines()) if deaths.exists() else frozenset()
        self._is_everywhere = points is None

    def point(self, place: str) -> None:
        """Go past one point, or die at it."""
        if self._left is not None:
            self._left -= 1
        is_new = place not in self._known and READING not in place
        if self._left == 0 or (self._is_everywhere and is_new):
            with self._deaths.open("a") as deaths:
                deaths.write(f"{place}\n")
            os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Stands for an adapter: there is a point before and after each of its awaits."""

    def __init__(self, adapter: Any, life: Life) -> None:
        self._adapter, self._life = adapter, life
        self._name = type(adapter).__name__.strip("_")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if not inspect.iscoroutinefunction(found):
            return found
        place = f"{self._name}.{name}"

        async def between_two_points(*given: Any, **named: Any) -> Any:
            self._life.point(f"before {place}")
            result = await found(*given, **named)
            self._life.point(f"after {place}")
            return result

        return between_two_points

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[Any]:
        """As the ledger's: points before the lock, and around the commit of each kind of change."""
        self._life.point("before the lock")
        async with self._adapter.locked(process, at) as row:
            yield Mortal(row, self._life)
            change = row.written
            what = "nothing" if change is None else f"{change.after.kind} {change.event}"
            self._life.point("before the commit")
        self._life.point(f"after the commit of {what}")


class QuickMail(Interceptor):
    """Queues mail jobs that are soon taken up when their worker has died."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _QuickMail(next)


class _QuickMail(OutboundInterceptor):
    async def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        input.heartbeat_timeout = SOON
        input.retry_policy = RetryPolicy(initial_interval=SOON / 4, maximum_interval=SOON)
        return await super().start_activity(input)


async def live(points: int | None) -> None:
    """Work until death."""
    options.STEP["start_to_close_timeout"] = SOON
    options.STEP["retry_policy"] = RetryPolicy(maximum_interval=SOON / 2)
    outbox.LEASE = SOON  # type: ignore[attr-defined]
    settings = load()
    life = Life(points, Path(os.environ["DEATHS"]))
    engines = connect(settings.database)
    client = await temporal.connect(settings, identity="mortal-worker")
    config = client.config()
    config["interceptors"] = [QuickMail()]
    client = Client(**config)

    def mortal(adapter: object) -> Any:
        return Mortal(adapter, life)

    queue, ledger = mortal(TemporalMailQueue(client)), mortal(SqlLedger(engines))
    codes = wiring.codes_of(settings)
    door = CommitActivities(ledger, Ed25519Signatures(), codes, queue, QUICK)
    renderer = TemplateRenderer(Links(None), "gatehouse.example")
    posted, mailer = mortal(outbox.SqlOutbox(engines)), mortal(wiring.mailer(settings))
    post = MailActivities(posted, mailer, renderer, codes)
    steps = OnboardingActivities(ledger, mortal(wiring.platform(settings)), queue)
    async with process_worker(client, door, onboarding=steps), mail_worker(client, post):
        while os.getppid() == PARENT:  # noqa: ASYNC110  # nobody tells of a parent's death
            await asyncio.sleep(0.5)


def born(points: int | None) -> int:
    """Begin a life in a process of its own, which need not import everything again."""
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(live(points))
    os._exit(1)


def main() -> None:
    """Bear one after the other until the last is told to end."""
    said = os.environ["DIES"]
    ends = [] if said == EVERYWHERE else [int(one) for one in said.split(",") if one]

    def end(number: int, frame: FrameType | None) -> None:
        os.kill(child, signal.SIGKILL)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        child = born(None if said == EVERYWHERE else (ends.pop(0) if ends else -1))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit("A life ended otherwise than by death.")


if __name__ == "__main__":
    PARENT = os.getpid()
    main()
