"""The lives of a pairing whose histories are kept: every end, and an offer that opened again."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import insert, select
from temporalio.client import WorkflowHandle

from activities import names
from approvals.commands import Command
from approvals.errors import ApprovalError
from approvals.pairing.commands import (
    Accept,
    AddClone,
    AssignRoles,
    BeginSession,
    Decline,
    Reissue,
    Revoke,
    Suspend,
    Withdraw,
)
from approvals.pairing.record import KIND, Pairing, process_id_of, shown_digest
from approvals.people import Person
from approvals.sessions import Mode
from identity.enrolment import proof_of_link
from identity.signing import SigningKey
from store import tables as t
from tests.factories import TOM, TOM_SAWYER
from tests.installation import Installation, write_directory
from tests.pairings import CHARLES, PAIRED_DIRECTORY, VENDOR_PEOPLE, make_offer
from tests.workflows.stage import Stage, eventually

if TYPE_CHECKING:
    from tests.replay.lives import Theatre

TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")
Handle = WorkflowHandle[object, object]


async def filled(installation: Installation) -> None:
    """Add the vendor's people to the directory, and their keys, unless they are there."""
    engines = installation.engines
    async with engines.write.begin() as connection:
        people = select(t.person.c.id).where(t.person.c.id == CHARLES.id)
        if (await connection.execute(people)).first() is not None:
            return
        installation.keys |= {one.id: SigningKey.fresh() for one in VENDOR_PEOPLE}
        await write_directory(connection, PAIRED_DIRECTORY)
        rows = [installation.key_row(one, datetime.now(UTC)) for one in VENDOR_PEOPLE]
        await connection.execute(insert(t.key), rows)


class Offering:
    """One pairing on a stage: Charles offers, Tom decides."""

    def __init__(self, at: "Theatre", stage: Stage | None = None) -> None:
        self.at, self.stage = at, stage or at.stage
        self.batch = uuid4()
        self.process = process_id_of(self.batch, TOM_SAWYER.slug)

    @property
    def handle(self) -> Handle:
        """The handle of whatever run is the latest."""
        return self.stage.client.get_workflow_handle(names.workflow_id(KIND, self.process))

    async def offered(self) -> "Offering":
        """Offer it."""
        await filled(self.stage.installation)
        await self.opens(make_offer(batch=self.batch))
        return self

    async def opens(self, command: Command) -> None:
        """Give a command that starts a workflow."""
        said = self.stage.installation.signed(CHARLES, self.process, command)
        await self.stage.gatehouse.submit(KIND, said, TOM_SAWYER.id)

    async def gives(self, by: Person, command: Command) -> str:
        """Let a person give a command on what they see."""
        if command.needs_shown:
            state = await self.stage.installation.inbox.state(self.process)
            assert isinstance(state, Pairing)
            command = command.model_copy(update={"shown": shown_digest(state)})
        said = self.stage.installation.signed(by, self.process, command)
        return await self.stage.gatehouse.send(KIND, said)

    async def accept(self) -> Accept:
        """Return the acceptance by the token that the mail brought."""
        found: list[str] = []

        async def is_there() -> bool:
            texts = [one.text for one in self.at.mailer.letters if str(self.process) in one.text]
            found.extend(token for text in texts for token in TOKEN.findall(text))
            return bool(found)

        await eventually(is_there)
        return Accept(proof=proof_of_link(self.process, found[-1]))

    async def over(self) -> Handle:
        """Wait for the end of the run."""
        await self.handle.result()
        return self.handle


async def revoked(at: "Theatre") -> Handle:
    pairing = await Offering(at).offered()
    with suppress(ApprovalError):
        await pairing.gives(TOM, Accept(proof="0" * 64))
    await pairing.gives(TOM, await pairing.accept())
    await pairing.gives(TOM, AssignRoles(roles=("support",)))
    await pairing.gives(CHARLES, AddClone())
    await pairing.gives(CHARLES, BeginSession(mode=Mode.SUPPORT, as_clone=True))
    await pairing.gives(TOM, Suspend())
    await pairing.gives(TOM, Revoke(reason="The case is solved."))
    return await pairing.over()


async def declined(at: "Theatre") -> Handle:
    pairing = await Offering(at).offered()
    await pairing.gives(TOM, Decline(reason="We help ourselves."))
    return await pairing.over()


async def withdrawn(at: "Theatre") -> Handle:
    pairing = await Offering(at).offered()
    await pairing.gives(CHARLES, Reissue())
    await pairing.gives(CHARLES, Withdraw())
    return await pairing.over()


async def lapsed(at: "Theatre") -> Handle:
    skipping = Stage(at.stage.installation, at.skipper.client)
    return await (await Offering(at, skipping).offered()).over()


async def opened_again(at: "Theatre") -> Handle:
    skipping = Stage(at.stage.installation, at.skipper.client)
    pairing = await Offering(at, skipping).offered()
    await pairing.over()
    again = Offering(at)
    again.process = pairing.process
    await again.opens(Reissue())
    await again.gives(TOM, Decline(reason="Still not."))
    return await again.over()


LIVES = (revoked, declined, withdrawn, lapsed, opened_again)
