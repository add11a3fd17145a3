"""What a command has at hand: settings, the database to read, Temporal, and the person's key."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client

from approvals.commands import Command
from config import temporal
from config.settings import Settings, load
from identity.signing import fresh_nonce
from starter import profiles
from starter.client import Gatehouse, UnreachableError, after_sending
from starter.profiles import Profile
from store.customers import Customers
from store.engine import Engines, connect
from store.gate import SqlGate
from store.inbox import Inbox
from store.onboardings import Onboardings
from store.pairings import Pairings
from store.sites import Sites
from store.trail import Trail


class Desk:
    """One command's means. Temporal is reached only when something is sent."""

    def __init__(self, settings: Settings, engines: Engines, profile_name: str | None) -> None:
        self.settings, self.engines = settings, engines
        self.inbox, self.gate, self.trail = Inbox(engines), SqlGate(engines), Trail(engines)
        self.customers, self.pairings = Customers(engines), Pairings(engines)
        self.sites = Sites(engines)
        self.onboardings = Onboardings(engines)
        self.may_have_sent = False
        self._profile_name = profile_name
        self._client: Client | None = None

    @property
    def profile(self) -> Profile:
        """The signed-in person's profile. Raises UsageError when there is none."""
        return profiles.current(self._profile_name)

    async def client(self) -> Client:
        """Connect to Temporal. Raises UnreachableError within a few seconds."""
        if self._client is None:
            try:
                self._client = await temporal.connect(
                    self.settings, identity="gatehouse-cli", is_quiet=True
                )
            except temporal.AwayError as away:
                raise UnreachableError(
                    f"Cannot reach Temporal at {away.address}; is `gatehouse up` running?"
                    " Nothing was changed."
                ) from away
        return self._client

    async def gatehouse(self) -> Gatehouse:
        """Return the facade that carries commands."""
        await self.client()
        self.may_have_sent = True
        return Gatehouse(await self.client(), self.inbox.outcome, self.settings.answer_seconds)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """See to it that nobody is told that nothing was changed once something may be sent.

        Raises UnreachableError where the database is away after that.
        """
        try:
            yield
        except (SQLAlchemyError, OSError):
            if not self.may_have_sent:
                raise
            with after_sending():
                raise

    def signed(self, process: UUID, command: Command) -> bytes:
        """Sign a command with the profile's key."""
        profile = self.profile
        return profile.key.signed(
            process,
            command,
            actor=profile.person,
            key_id=profile.key_id,
            issued_at=datetime.now(UTC),
            nonce=fresh_nonce(),
        )


def _require_file(settings: Settings) -> None:
    url = settings.database
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise UnreachableError(
            f"There is no database at {url.database}. Run `gatehouse up`, or `gatehouse migrate`."
            " Nothing was changed."
        )


@asynccontextmanager
async def desk(profile: str | None = None) -> AsyncIterator[Desk]:
    """Open the means of one command, and close the database after it."""
    settings = load()
    _require_file(settings)
    engines = connect(settings.database)
    found = Desk(settings, engines, profile)
    try:
        with found.at_work():
            yield found
    finally:
        await engines.close()
