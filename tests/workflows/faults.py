"""Neighbours that fail on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from approvals.ports import LockedRow
from store.ledger import SqlLedger


class AwayLedger(SqlLedger):
    """The ledger of a database that cannot be reached while *is_away*."""

    is_away = False

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[LockedRow]:
        if self.is_away:
            raise ConnectionRefusedError("the database is away")
        async with super().locked(process, at) as row:
            yield row
