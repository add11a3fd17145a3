"""Several workers on one database, and a clock that goes on while they race."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import connect
from tests.factories import START
from tests.installation import CarriedClock, Installation


class Creeping(CarriedClock):
    """A clock that stands at START, and goes on by *step* whenever somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self.fixed = START
        self.step = timedelta(0)

    async def now(
        self, connection: AsyncConnection | None, carried: datetime | None = None
    ) -> datetime:
        assert self.fixed is not None
        self.fixed += self.step
        return self.fixed


@asynccontextmanager
async def beside(
    installation: Installation, clock: CarriedClock, url: URL, count: int
) -> AsyncIterator[list[Installation]]:
    """Yield an installation and as many others as make *count*, with connections of their own."""
    async with AsyncExitStack() as ends:
        found = [installation]
        for _ in range(count - 1):
            engines = connect(url, clock)
            ends.push_async_callback(engines.close)
            other = Installation(engines)
            other.keys = installation.keys
            found.append(other)
        yield found
