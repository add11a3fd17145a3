"""What the pairing commands do: look up, judge as the door will, send, and show."""

import getpass
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer

from approvals.addresses import address
from approvals.commands import Command
from approvals.facts import Kin, Needed
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.record import Pairing
from approvals.pairing.rules import RULES
from approvals.pairing.views import PairingView, pairing_view, people_of
from approvals.people import Directory, PersonId
from config.settings import secret
from starter.console import UsageError, is_at_terminal, prompted
from starter.desk import Desk, desk
from starter.giving import How, HowSent, give
from starter.process_desk import ProcessDesk
from starter.typed import checked, id_of

_TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")
PairingId = Annotated[
    UUID, typer.Argument(metavar="PAIRING", parser=id_of, help="The pairing's id.")
]
ForPerson = Annotated[
    str | None,
    typer.Option("--person", metavar="ADDRESS", help="One person of the group, not all of it."),
]
Build = Callable[[Pairing, PairingView], Command]


class PairingDesk(ProcessDesk):
    """The pairing commands of one person at a desk."""

    noun = "pairing"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    async def viewed(self, process: UUID) -> tuple[Pairing, PairingView]:
        """Return a pairing as the viewer may see it. Raises NotFoundError."""
        state, _ = await self.seen(process)
        return state, pairing_view(state, await self._directory_of(state))

    async def views(self, states: Sequence[Pairing]) -> list[PairingView]:
        """Return those of the pairings that the viewer may see, as they look to both sides."""
        views = []
        for state in states:
            directory = await self._directory_of(state)
            if self.kind.may_see(state, self.viewer, directory):
                views.append(pairing_view(state, directory))
        return views

    async def kin(self, needed: Needed) -> Kin:
        """Return which pairing of the same group and tenant is open."""
        return await self.desk.pairings.kin(needed.subject or "")

    def stands(self, view: PairingView, _zone: ZoneInfo) -> str:
        """Say how a pairing stands, to whoever watches it."""
        return f"{view.tenant_name}: {view.status}"

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


async def give_seen(pairing: UUID, build: Build, how: How | HowSent) -> None:
    """Look at the pairing, build the command on what is seen, and judge, print or send it."""
    async with desk() as at:
        pairings = PairingDesk(at)
        state, view = await pairings.viewed(pairing)
        command = build(state, view)
        await give(pairings, pairing, command, how, group=state.tenant)


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
