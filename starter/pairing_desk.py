"""What the pairing commands do: look up, judge as the door will, sign, send, and show."""

import asyncio
import getpass
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import typer

from approvals.addresses import address
from approvals.commands import Command, parsed
from approvals.errors import ApprovalError, NotFoundError, restored
from approvals.facts import Facts, Needed
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.record import Pairing
from approvals.pairing.rules import RULES
from approvals.pairing.views import PairingView, pairing_view, people_of
from approvals.people import Directory, PersonId
from approvals.transition import Transition
from config.settings import secret
from starter import screens
from starter.console import UsageError, is_at_terminal, print_json, print_text, prompted, status
from starter.desk import Desk, desk
from starter.process_desk import BLANK, ProcessDesk
from starter.times import now
from starter.typed import checked, id_of

PAUSE = 0.3  # seconds between two looks into the database
_TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")
PairingId = Annotated[
    UUID, typer.Argument(metavar="PAIRING", parser=id_of, help="The pairing's id.")
]
ForPerson = Annotated[
    str | None,
    typer.Option("--person", metavar="ADDRESS", help="One person of the group, not all of it."),
]


class How(NamedTuple):
    """How a command is given."""

    dry_run: bool = False
    sign_only: bool = False
    wait: bool = True
    as_json: bool = False


Build = Callable[[Pairing, PairingView], Command]


class PairingDesk(ProcessDesk):
    """The pairing commands of one person at a desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    async def viewed(self, process: UUID) -> tuple[Pairing, PairingView]:
        """Return a pairing as the viewer may see it. Raises NotFoundError."""
        state, _ = await self.seen(process)
        if not isinstance(state, Pairing):
            raise NotFoundError
        return state, pairing_view(state, await self._directory_of(state))

    async def views(self, states: Sequence[Pairing]) -> list[PairingView]:
        """Return those of the pairings that the viewer may see, as they look to both sides."""
        views = []
        for state in states:
            directory = await self._directory_of(state)
            if self.kind.may_see(state, self.viewer, directory):
                views.append(pairing_view(state, directory))
        return views

    async def judged(self, process: UUID, command: Command) -> Transition:
        """Return what a command would cause now. Raises the refusal of the door.

        The link's proof counts as right: only the door has the key to check it.
        """
        state = await self.desk.inbox.state(process)
        if state is not None and not isinstance(state, Pairing):
            raise NotFoundError
        signed = parsed(self.desk.signed(process, command), self.kind.commands)
        needed = self.kind.needed(state, signed)
        directory = await self.directory(needed)
        facts = Facts(
            directory=directory,
            policies=self.desk.settings.policies(),
            secret=BLANK,
            subject=needed.subject or "",
            kin=await self.desk.pairings.kin(needed.subject or ""),
            proof_check=None if state is None else state.check,
        )
        try:
            return self.kind.judge(state, signed, self.viewer, facts, now())
        except ApprovalError as refusal:
            raise restored(refusal.code, refusal.sentence(directory.name_of)) from None

    async def person(self, email: str | None) -> PersonId | None:
        """Return the person of an address, or None without one. Raises UsageError."""
        if email is None:
            return None
        wanted = checked("--person", address, email)
        found = (await self.directory(Needed(emails=(wanted,)))).person_of(wanted)
        if found is None:
            raise UsageError(f"--person: nobody here has the address {wanted}.")
        return found.id

    async def _directory_of(self, state: Pairing) -> Directory:
        needed = self.kind.needed(state, None)
        people = (*needed.people, *people_of(state))
        return await self.directory(needed.model_copy(update={"people": people}))


async def give(pairing: UUID, build: Build, how: How) -> None:
    """Look at the pairing, build the command on what is seen, and judge, print or send it."""
    async with desk() as at:
        pairings = PairingDesk(at)
        state, view = await pairings.viewed(pairing)
        await give_built(pairings, pairing, build(state, view), how)


async def give_built(pairings: PairingDesk, pairing: UUID, command: Command, how: How) -> None:
    """Judge, print or send one command, and say how the pairing stands then."""
    if how.dry_run and how.sign_only:
        raise UsageError("Give --dry-run or --sign-only, not both.")
    if how.dry_run:
        after = (await pairings.judged(pairing, command)).after
        if how.as_json:
            print_json({"dry_run": True, "status": after.status})
        status(f"Nothing was changed. With this command the pairing would be {after.status}.")
        return
    if how.sign_only:
        pairings.print_signed(pairing, command, as_json=how.as_json)
        return
    state, _ = await pairings.viewed(pairing)
    receipt = await pairings.give(pairing, command, group=state.tenant, wait=how.wait)
    await say_given(pairings, pairing, receipt, how)


async def say_given(pairings: PairingDesk, pairing: UUID, receipt: str, how: How) -> None:
    """Say what became of a command that was sent. The receipt is the id of what it made."""
    _, view = await pairings.viewed(pairing)
    made = {} if receipt in ("", str(pairing)) else {"made": receipt}
    if how.as_json:
        print_json({**view.model_dump(mode="json"), "waited": how.wait, **made})
    elif made:
        print_text(receipt)
    if how.wait:
        status(f"Done: the pairing is {view.status}.")
    else:
        status("Left with Temporal; its outcome will stand on the timeline.")


def token_from(file: Path | None) -> str:
    """Read a link's token from a file or the prompt: never from an argument.

    The whole address of the link may be pasted too. Raises LinkInvalidError.
    """
    if file is not None:
        text = secret(file).get_secret_value()
    elif is_at_terminal():
        text = prompted(lambda: getpass.getpass("The link's token (not shown): "))
    else:
        text = prompted(sys.stdin.readline)
    return token_in(text)


def token_in(text: str) -> str:
    """Return the token of a link, exactly as it was mailed. Raises LinkInvalidError."""
    token = text.strip(" \t\r\n").rpartition("/")[2]
    if not _TOKEN.fullmatch(token):
        raise LinkInvalidError
    return token


async def watched(pairings: PairingDesk, pairing: UUID) -> None:
    """Print each new line of the timeline until the pairing is closed and its mails settled."""
    zone, seen, last = await pairings.zone(), set[tuple[Any, ...]](), ""
    while True:
        lines = await pairings.timeline(pairing)
        for line in lines:
            mark = (line.at, line.event, line.who, line.text)
            if mark not in seen and line.event not in ("mail.pending", "mail.sending"):
                seen.add(mark)
                print_text(screens.line_text(line, zone))
        state, view = await pairings.viewed(pairing)
        if view.status != last:
            last = view.status
            status(f"{view.tenant_name}: {last}")
        waiting = any(line.event in ("mail.pending", "mail.sending") for line in lines)
        if state.is_closed and not waiting:
            return
        await asyncio.sleep(PAUSE)
