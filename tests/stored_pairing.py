"""One pairing on a real database, led through the real door by a clock that stands still."""

from typing import Any

from approvals.commands import Command
from approvals.delivery import Outcome
from approvals.pairing.commands import Accept
from approvals.pairing.record import Pairing, shown_digest
from approvals.people import Person
from approvals.policy import Policies
from identity.enrolment import proof_of_link
from identity.signing import SigningKey
from tests.factories import TOM
from tests.installation import CODES, CarriedClock, Installation
from tests.pairings import ASSIGN, CHARLES, PAIRED_DIRECTORY, PAIRING, VENDOR_PEOPLE, make_offer
from tests.store.rows import rows_of
from tests.stored_life import StoredLife


async def fill_paired(installation: Installation) -> Installation:
    """Write the directory with the vendor's people, and everybody's key."""
    installation.keys |= {one.id: SigningKey.fresh() for one in VENDOR_PEOPLE}
    await installation.fill(PAIRED_DIRECTORY)
    return installation


class StoredPairing(StoredLife):
    """What people say to one pairing, what the clock asks, and what the database holds then."""

    def __init__(
        self, installation: Installation, clock: CarriedClock, policies: Policies | None = None
    ) -> None:
        super().__init__(installation, clock, policies, process=PAIRING)

    async def signed(
        self, person: Person, command: Command, *, nonce: str | None = None, **more: Any
    ) -> bytes:
        if command.needs_shown and command.shown is None:
            command = command.model_copy(update={"shown": shown_digest(await self.pairing())})
        return await super().signed(person, command, nonce=nonce, **more)

    async def pairing(self) -> Pairing:
        """Return the stored state."""
        state = await self.installation.inbox.state(self.process)
        assert isinstance(state, Pairing)
        return state

    async def tokens(self) -> list[str]:
        """Return the tokens of all links, oldest first, as their mails show them."""
        rows = [one for one in await self.outbox() if one["sealed"]]
        rows.sort(key=lambda one: (one["version"], str(one["person_id"])))
        found = {one["version"]: CODES.opened(one["sealed"]) for one in rows}
        return list(found.values())

    async def accept(self, token: str | None = None) -> Accept:
        """Return the acceptance by a token, or by the newest."""
        proof = proof_of_link(self.process, token or (await self.tokens())[-1])
        return Accept(proof=proof, shown=shown_digest(await self.pairing()))

    async def offered(self) -> Outcome:
        """Let Charles offer it."""
        return await self.says(CHARLES, make_offer())

    async def paired(self) -> Outcome:
        """Let Charles offer it and Tom accept it."""
        await self.offered()
        return await self.says(TOM, await self.accept())

    async def active(self) -> Outcome:
        """Let Charles offer it, and Tom accept it and give the group the role support."""
        await self.paired()
        return await self.says(TOM, ASSIGN)

    async def open_rows(self, table: str, column: str) -> list[Any]:
        """Return the rows of a table of which *column*, the end, is not set."""
        return [one for one in await rows_of(self.engines, table) if one[column] is None]
