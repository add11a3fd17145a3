"""What a test needs to know of a kind of process that waits for a decision."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Table, insert, select

from approvals.commands import Command
from approvals.pairing.record import Pairing
from approvals.people import Directory, Person, RoleAssignment
from approvals.site_access.record import SiteAccess
from approvals.tenant_access.record import TenantAccess
from identity.signing import SigningKey
from store import tables as t
from tests.installation import write_directory
from tests.portal.site import Browser, Site
from tests.security.ways import posted

Stored = TenantAccess | SiteAccess | Pairing


class Matter(ABC):
    """One kind of process that waits for a decision."""

    kind: ClassVar[str]
    folder: ClassVar[str]  # of its pages
    open: ClassVar[str]  # the status in which it waits
    ends: ClassVar[Mapping[str, str]]  # the status after each decision
    events: ClassVar[Mapping[str, str]]  # what the record calls each decision
    late: ClassVar[Mapping[str, str]] = {}  # and one after the window, if not "too_late"
    deciders: ClassVar[tuple[Person, Person]]
    directory: ClassVar[Directory]
    fixed: ClassVar[set[str]]  # what no decision changes in the state

    def __init__(self, site: Site) -> None:
        self.site = site

    async def furnished(self) -> None:
        """Write the directory that it needs, and everybody's key."""
        installation = self.site.installation
        people = {one.id: one for one in self.directory.people}
        fresh = [one for number, one in people.items() if number not in installation.keys]
        installation.keys |= {one.id: SigningKey.fresh() for one in fresh}
        async with installation.engines.write.begin() as connection:
            await write_directory(connection, self.directory)
            if fresh:
                now = datetime.now(UTC)
                rows = [installation.key_row(one, now) for one in fresh]
                await connection.execute(insert(t.key), rows)

    @abstractmethod
    async def begun(self) -> UUID:
        """Let a further process begin, and return it when it waits."""

    @abstractmethod
    async def of_their_own(self) -> list[tuple[Person, UUID]]:
        """Begin a process for each who may decide although it is theirs or lets them in."""

    @abstractmethod
    def asked_for(self, process: UUID) -> set[Any]:
        """Return all that `let_in` may find once it is decided."""

    @abstractmethod
    async def let_in(self, process: UUID) -> set[Any]:
        """Return whom the tables that the gate reads let in where, with what."""

    @abstractmethod
    def command(self, decision: str, process: UUID) -> Command:
        """Return a decision that has seen nothing yet."""

    @abstractmethod
    def shown_in(self, state: Any) -> str:
        """Return the digest of what a decider sees."""

    def fields(self, decision: str) -> Mapping[str, str]:
        """Return what a form says besides its marks."""
        return {"reason": "No."} if decision in ("deny", "decline") else {}

    async def state(self, process: UUID) -> Stored:
        """Return the stored state."""
        state = await self.site.installation.inbox.state(process)
        assert isinstance(state, Stored)
        return state

    async def shown(self, process: UUID) -> str:
        """Return the digest of what a decider sees now."""
        return self.shown_in(await self.state(process))

    async def signed(self, who: Person, process: UUID, decision: str, **more: Any) -> bytes:
        """Sign a decision on what stands."""
        command = self.command(decision, process)
        command = command.model_copy(update={"shown": await self.shown(process)})
        return self.site.installation.signed(who, process, command, **more)

    async def sent_as_form(
        self, browser: Browser, process: UUID, decision: str, /, **more: str
    ) -> int:
        """Send the form that a decider would have, with good marks; return the status."""
        fields = {**self.fields(decision), **more}
        address = f"/{self.folder}/{process}/{decision}"
        return await posted(self.site, browser, address, shown=await self.shown(process), **fields)

    async def _rows(self, table: Table, process: UUID) -> Sequence[Row[Any]]:
        query = select(table).where(table.c.process_id == process)
        async with self.site.installation.engines.read.connect() as connection:
            return (await connection.execute(query)).all()

    async def _given(self, *roles: RoleAssignment) -> None:
        more = Directory(organizations=(), tenants=(), people=(), roles=roles)
        async with self.site.installation.engines.write.begin() as connection:
            await write_directory(connection, more)

    async def _submits(self, who: Person, process: UUID, command: Command, group: UUID) -> None:
        assert self.site.parts.temporal is not None
        said = self.site.installation.signed(who, process, command)
        gatehouse = self.site.installation.gatehouse(self.site.parts.temporal)
        await gatehouse.submit(self.kind, said, group)
