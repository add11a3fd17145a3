"""One request on a real database, led through the real door by a clock that stands still."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from temporalio.common import RawValue
from temporalio.contrib.pydantic import pydantic_data_converter

from approvals.canonical import canonical
from approvals.commands import Command
from approvals.delivery import Delivery, Outcome
from approvals.people import Person
from approvals.policy import Policies
from approvals.ports import MailQueue
from approvals.tenant_access.commands import Grant
from approvals.tenant_access.record import TenantAccess, shown_digest
from identity.signing import encoded
from store import tables as t
from store.engine import Engines
from store.trail import Trail
from tests.factories import (
    DAY,
    ELIZABETH,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    make_submit,
)
from tests.installation import CarriedClock, Installation, NoMailQueue
from tests.store.rows import rows_of

END = START + 30 * DAY


def raw(value: object) -> RawValue:
    """Return what Temporal hands to an activity that takes its argument raw."""
    (payload,) = pydantic_data_converter.payload_converter.to_payloads([value])
    return RawValue(payload)


class StoredLife:
    """What people say to one process, what the clock asks, and what the database holds then."""

    def __init__(
        self,
        installation: Installation,
        clock: CarriedClock,
        policies: Policies | None = None,
        mail: MailQueue | None = None,
        process: UUID = PROCESS,
    ) -> None:
        self.installation, self.clock, self.process = installation, clock, process
        self.mail = NoMailQueue()
        self.door = installation.door(mail or self.mail, policies)
        self.trail = Trail(installation.engines)

    @property
    def engines(self) -> Engines:
        """The database."""
        return self.installation.engines

    @property
    def now(self) -> Any:
        """The moment at which the clock stands."""
        return self.clock.fixed

    def waits(self, span: timedelta) -> None:
        """Let time go by; nothing else happens."""
        self.clock.fixed = self.now + span

    async def hears(
        self, said: bytes | None, *, process: UUID | None = None, by_signal: bool = False
    ) -> Outcome:
        """Deliver bytes, or None for a tick."""
        delivery = Delivery(
            process=process or self.process, said=said, at=self.now, by_signal=by_signal
        )
        return await self.door.commit(raw(delivery))

    async def signed(
        self, person: Person, command: Command, *, nonce: str | None = None, **more: Any
    ) -> bytes:
        """Sign a command now; a decision that says nothing else has seen what stands."""
        if command.needs_shown and command.shown is None:
            state = await self.installation.inbox.state(self.process)
            if isinstance(state, TenantAccess):
                command = command.model_copy(update={"shown": shown_digest(state)})
        at = more.pop("at", self.now)
        return self.installation.signed(person, self.process, command, nonce=nonce, at=at, **more)

    def resigned(self, person: Person, body: Mapping[str, Any]) -> bytes:
        """Return a message with a good signature of that person over whatever the body says."""
        content = {key: value for key, value in body.items() if key != "signature"}
        signature = self.installation.keys[person.id].private.sign(canonical(content))
        return json.dumps({**content, "signature": encoded(signature)}).encode()

    async def says(
        self, person: Person, command: Command, *, by_signal: bool = False, **more: Any
    ) -> Outcome:
        """Sign a command now and deliver it."""
        return await self.hears(await self.signed(person, command, **more), by_signal=by_signal)

    async def ticks(self) -> Outcome:
        """Let the clock ask once."""
        return await self.hears(None)

    async def submitted(self, tenant: Any = TOM_SAWYER) -> Outcome:
        """Let Elizabeth send the seed's request."""
        return await self.says(ELIZABETH, make_submit(tenant))

    async def granted(self, **end: Any) -> Outcome:
        """Let Elizabeth send it and Tom grant it: 30 days, or as said."""
        await self.submitted()
        return await self.says(TOM, Grant(**(end or {"ends_at": END})))

    async def request(self) -> TenantAccess:
        """Return the stored state."""
        return await self.installation.request(self.process)

    async def row(self) -> Mapping[str, Any]:
        """Return the row itself."""
        return next(
            one for one in await rows_of(self.engines, "process") if one["id"] == self.process
        )

    async def outbox(self) -> list[Mapping[str, Any]]:
        """Return all outbox rows."""
        return await rows_of(self.engines, "outbox")

    async def set(self, table: str, one: UUID, **values: Any) -> None:
        """Change one row behind the door's back, as the directory's owner may."""
        found = t.metadata.tables[table]
        async with self.engines.write.begin() as connection:
            await connection.execute(update(found).where(found.c.id == one).values(**values))

    async def disable(self, person: Person) -> None:
        """Take a person out of use."""
        await self.set("person", person.id, is_active=False)

    async def audit(self) -> list[tuple[int | None, str]]:
        """Return version and event of each entry of the chain."""
        return [(one.version, one.event) for one in await self.trail.entries(self.process)]


def code_of(outcome: Outcome) -> str | None:
    """Return the rule that said no, or None."""
    return None if outcome.refusal is None else outcome.refusal.code


async def kept(engines: Engines) -> None:
    """Check what must hold after anything at all: changes and audit entries one to one.

    Each row's version is the number of its entries with a version, every chain verifies, and no
    grant is open but under a granted request.
    """
    entries = await rows_of(engines, "audit")
    processes = await rows_of(engines, "process")
    for row in processes:
        versions = [one["version"] for one in entries if one["process_id"] == row["id"]]
        changes = [one for one in versions if one is not None]
        assert sorted(changes) == list(range(1, row["version"] + 1))
    async for process, _, found in Trail(engines).all_breaches():
        assert found == (), process
    granted = {row["id"] for row in processes if row["status"] == "granted"}
    for grant in await rows_of(engines, "access_grant"):
        assert grant["closed_at"] is not None or grant["process_id"] in granted
