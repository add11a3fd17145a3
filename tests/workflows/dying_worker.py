"""A worker for tests: it dies when some changes are committed and nobody has heard of any."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from activities.commit import CommitActivities
from activities.send_notices import TemporalMailQueue
from approvals.ports import LockedRow
from config import temporal
from config.settings import load
from identity.signing import Ed25519Signatures
from starter import wiring
from starter.workers import process_worker
from store.engine import Engines, connect
from store.ledger import SqlLedger


class DyingLedger(SqlLedger):
    """Commits *changes*, keeps every answer to itself, and dies with the last one."""

    def __init__(self, engines: Engines, changes: int) -> None:
        super().__init__(engines)
        self._left = changes

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[LockedRow]:
        async with super().locked(process, at) as row:
            yield row
        if row.written is None:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()


async def main() -> None:
    settings = load()
    engines = connect(settings.database)
    client = await temporal.connect(settings, identity="dying-worker")
    door = CommitActivities(
        DyingLedger(engines, int(os.environ["DIES_AFTER"])),
        Ed25519Signatures(),
        wiring.codes_of(settings),
        TemporalMailQueue(client),
        settings.policies(),
    )
    async with process_worker(client, door):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
