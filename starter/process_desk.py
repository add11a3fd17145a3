"""What the commands of every kind of process do: look up, judge as the door will, sign, send."""

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from activities import names
from approvals.audit import AuditEntry
from approvals.commands import ALSO, CLOCK, PLATFORM, Command, parsed
from approvals.errors import ApprovalError, NotFoundError, restored
from approvals.facts import Facts, FreshSecret, Kin, Needed
from approvals.kind import Kind
from approvals.people import Directory, PersonId
from approvals.timeline import Line, Mail, timeline
from approvals.transition import Transition
from starter.console import print_json, print_text, status
from starter.desk import Desk
from starter.times import now

SIGNALS = {kind: word for word, kind in ALSO.items()}  # printed as people say them
BLANK = FreshSecret(check="", sealed="")  # a judgement before sending draws no secret


class CommandDesk:
    """The commands of one person on processes of one kind: judged as the door will, and sent."""

    def __init__(self, desk: Desk, kind: Kind) -> None:
        self.desk, self.kind = desk, kind
        self.viewer = PersonId(desk.profile.person)

    async def seen(self, process: UUID) -> tuple[Any, Directory]:
        """Return a process's state and its part of the directory. Raises NotFoundError."""
        state = await self.desk.inbox.state(process)
        if not isinstance(state, self.kind.state):
            raise NotFoundError
        directory = await self.directory(self.kind.needed(state, None))
        if not self.kind.may_see(state, self.viewer, directory):
            raise NotFoundError
        return state, directory

    async def directory(self, needed: Needed) -> Directory:
        """Read a part of the directory, the viewer always among its people."""
        people = (self.viewer, *needed.people)
        return await self.desk.inbox.directory(needed.model_copy(update={"people": people}))

    async def zone(self) -> ZoneInfo:
        """Return the viewer's time zone."""
        person = (await self.directory(Needed())).person(self.viewer)
        return ZoneInfo(person.time_zone if person else "UTC")

    async def judged(self, process: UUID, command: Command) -> Transition:
        """Return what a command would cause now. Raises the refusal of the door."""
        state = await self.desk.inbox.state(process)
        if state is not None and not isinstance(state, self.kind.state):
            raise NotFoundError
        signed = parsed(self.desk.signed(process, command), self.kind.commands)
        needed = self.kind.needed(state, signed)
        memberships = await self.desk.sites.memberships(needed)
        directory = await self.directory(needed)
        facts = Facts(
            directory=directory,
            policies=self.desk.settings.policies(),
            secret=BLANK,
            subject=needed.subject or "",
            kin=await self.kin(needed),
            proof_check=getattr(state, "check", None),  # counts as right: only the door has keys
            memberships=memberships,
        )
        try:
            return self.kind.judge(state, signed, self.viewer, facts, now())
        except ApprovalError as refusal:
            sentence = refusal.sentence(lambda one: self.name_of(one, state, directory))
            raise restored(refusal.code, sentence) from None

    async def give(
        self, process: UUID, command: Command, *, group: UUID | None = None, wait: bool = True
    ) -> str:
        """Sign and send one command; return the receipt ("" without waiting).

        A command that may open a process starts its workflow, unless one runs. *group* is the
        tenant, customer or site under which Temporal queues it fairly.

        Raises the refusal, or UnreachableError.
        """
        is_opening = command.kind in self.kind.opening and await self._is_over(process)
        said = self.desk.signed(process, command)
        gatehouse = await self.desk.gatehouse()
        if is_opening:
            return await gatehouse.submit(self.kind.name, said, group, wait=wait)
        if wait:
            return await gatehouse.send(self.kind.name, said)
        await gatehouse.signal(self.kind.name, said)
        return ""

    async def _is_over(self, process: UUID) -> bool:
        state = await self.desk.inbox.state(process)
        return state is None or state.is_closed

    def print_signed(self, process: UUID, command: Command, *, as_json: bool) -> None:
        """Print the signed command and the plain Temporal line that sends it as a signal."""
        said = self.desk.signed(process, command).decode()
        address = self.desk.settings.temporal_address  # what TEMPORAL_ADDRESS says it reads itself
        where = [] if address is None else ["--address", address]
        workflow = names.workflow_id(self.kind.name, process)
        signal = SIGNALS.get(command.kind, command.kind)
        line = shlex.join(
            [
                "temporal", "workflow", "signal", *where,
                "--workflow-id", workflow, "--name", signal, "--input", said,
            ]
        )  # fmt: skip
        if as_json:
            print_json({"payload": json.loads(said), "command": line})
        else:
            print_text(said)
            print_text(line)
        status("Valid for five minutes, once. Its outcome will stand on the timeline.")

    async def kin(self, _needed: Needed) -> Kin:
        """Return what is known of the processes of a judgement's subject: nothing by default."""
        return Kin()

    def name_of(self, person: UUID, _state: Any, directory: Directory) -> str:
        """Return how a refusal calls somebody."""
        return directory.name_of(person)


class ProcessDesk(CommandDesk, ABC):
    """A desk that also shows the processes.

    A kind's own desk says in `viewed` how its processes look, and in the methods at the end what
    else differs. *noun* is what people call such a process.
    """

    noun = "process"

    @abstractmethod
    async def viewed(self, process: UUID) -> tuple[Any, Any]:
        """Return a process's state, and how it looks to the viewer. Raises NotFoundError."""

    async def timeline(self, process: UUID) -> tuple[Line, ...]:
        """Return what happened to a process that the viewer may see."""
        state, _ = await self.seen(process)
        entries = await self.desk.trail.entries(process)
        mails = await self.desk.inbox.mails(process)
        acted = {PersonId(one.actor) for one in entries if one.actor is not None}
        needed = self.kind.needed(state, None)
        people: Sequence[PersonId] = (*needed.people, *acted, *(one.to for one in mails if one.to))
        directory = await self.directory(needed.model_copy(update={"people": tuple(people)}))
        return self.lines(state, entries, mails, directory)

    async def zone_of(self, _state: Any) -> ZoneInfo:
        """Return the time zone in which a process is shown: the viewer's."""
        return await self.zone()

    def lines(
        self,
        _state: Any,
        entries: Sequence[AuditEntry],
        mails: Sequence[Mail],
        directory: Directory,
    ) -> tuple[Line, ...]:
        """Return a timeline, of which the viewer may see everything."""
        return timeline(entries, mails, lambda one: name_shown(one, directory))

    def word(self, status: str) -> str:
        """Return a status as people read it."""
        return status

    def done(self, view: Any) -> str:
        """Say how a process stands after a command, as the end of a sentence after "Done: "."""
        return f"the {self.noun} is {self.word(view.status)}."

    def stands(self, view: Any, _zone: ZoneInfo) -> str:
        """Say how a process stands, to whoever watches it."""
        return self.done(view)


def name_shown(person: UUID | None, directory: Directory) -> str:
    """Return the name of somebody who acted, as a timeline says it."""
    if person is None:
        return "unknown"
    if person == PLATFORM:
        return "the platform"
    return "the clock" if person == CLOCK else directory.name_of(person)
