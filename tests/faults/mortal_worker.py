"""A worker for tests: it dies before or after one of all the awaits that it makes of its adapters.

DIES_AT is the number of that point, 0 for never; every point is counted in the file COUNTS.
"""

import asyncio
import inspect
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

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
from store.engine import connect
from store.ledger import SqlLedger
from store.outbox import SqlOutbox
from workflows import options

QUICK = Policies(
    default=Policy(shortest_access=timedelta(seconds=1)),
    onboarding=OnboardingLimits(look_every=timedelta(milliseconds=50)),
)


class Life:
    """Counts the points, and ends the process at one of them."""

    def __init__(self, dies_at: int, counts: Path) -> None:
        self._dies_at, self._counts, self.passed = dies_at, counts, 0

    def point(self) -> None:
        """Go past one point, or die at it."""
        self.passed += 1
        self._counts.write_text(str(self.passed))
        if self.passed == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Stands for an adapter: there is a point before and after each of its awaits."""

    def __init__(self, adapter: Any, life: Life) -> None:
        self._adapter, self._life = adapter, life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def between_two_points(*given: Any, **named: Any) -> Any:
            self._life.point()
            result = await found(*given, **named)
            self._life.point()
            return result

        return between_two_points

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[Any]:
        """As the ledger's: points before the lock, in the transaction, and around its commit."""
        self._life.point()
        async with self._adapter.locked(process, at) as row:
            yield Mortal(row, self._life)
            self._life.point()
        self._life.point()


async def main() -> None:
    options.STEP["start_to_close_timeout"] = timedelta(seconds=1)
    settings = load()
    life = Life(int(os.environ["DIES_AT"]), Path(os.environ["COUNTS"]))
    engines = connect(settings.database)
    client = await temporal.connect(settings, identity="mortal-worker")

    def mortal(adapter: object) -> Any:
        return Mortal(adapter, life)

    queue, ledger = mortal(TemporalMailQueue(client)), mortal(SqlLedger(engines))
    codes = wiring.codes_of(settings)
    door = CommitActivities(ledger, Ed25519Signatures(), codes, queue, QUICK)
    renderer = TemplateRenderer(Links(None), "gatehouse.example")
    outbox, mailer = mortal(SqlOutbox(engines)), mortal(wiring.mailer(settings))
    post = MailActivities(outbox, mailer, renderer, codes)
    steps = OnboardingActivities(ledger, mortal(wiring.platform(settings)), queue)
    async with process_worker(client, door, onboarding=steps), mail_worker(client, post):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
