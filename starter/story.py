"""The story of the demo: Elizabeth asks two tenants for her account managers' access."""

import asyncio
import json
from time import monotonic
from typing import Any, Protocol

from approvals.errors import ApprovalError
from starter.console import print_text
from starter.directory import example_file
from starter.mailbox import StoredLetter

CLASSICS, FENCE, GALLERY = "classics", "tom-sawyer", "hundred-acre-wood"
PEOPLE = {
    "elizabeth": "elizabeth.bennet@classics.example.com",
    "caroline": "caroline.bingley@classics.example.com",
    "charlotte": "charlotte.lucas@classics.example.com",
    "lydia": "lydia.bennet@classics.example.com",
    "tom": "tom.sawyer@tom-sawyer.example.org",
    "christopher": "christopher.robin@hundred-acre-wood.example.net",
}
MESSAGE = "Caroline and Charlotte look after your account and need to see your settings."


class StoryError(ApprovalError):
    """A step of the story did not end as it should."""

    code = "demo_failed"


class Playing(Protocol):
    """What the story needs of its stage."""

    async def command(self, person: str, *words: str, ends: int = 0, quiet: bool = False) -> str:
        """Run one command as a person; raise unless it ends with the code *ends*."""
        ...

    async def sign_in(self, person: str, email: str) -> None: ...

    async def mail(self, to: str, about: str) -> StoredLetter:
        """Wait for a mail."""
        ...


class Story:
    """Each act is one step of the seed's example, and checks what it should have caused."""

    def __init__(self, stage: Playing) -> None:
        self._stage = stage
        self._requests: dict[str, str] = {}

    async def play(self) -> None:
        """Play all acts in order and print a summary. Raises when a step differs."""
        begun = monotonic()
        await self._people_arrive()
        await self._elizabeth_asks()
        await self._tenants_decide()
        await self._the_named_use_it()
        await self._it_ends_by_itself()
        await self._all_is_on_record()
        self._summary(monotonic() - begun)

    async def _people_arrive(self) -> None:
        _act("1. The directory is imported, and people sign in by mailed codes")
        file = str(example_file())
        await self._stage.command("operator", "directory", "import", file, quiet=True)
        await self._stage.command("operator", "directory", "list", "people")
        wanted = ("elizabeth", "caroline", "charlotte", "tom", "christopher")
        await asyncio.gather(*(self._stage.sign_in(one, PEOPLE[one]) for one in wanted))
        who = await self._stage.command("elizabeth", "whoami")
        _require(PEOPLE["elizabeth"] in who, "Elizabeth is signed in")

    async def _elizabeth_asks(self) -> None:
        _act("2. Elizabeth asks two tenants at once; each gets a request of its own")
        caroline, charlotte = PEOPLE["caroline"], PEOPLE["charlotte"]
        sent = await self._stage.command(
            "elizabeth", "request", "create", "--name", "SupportAccess", "--message", MESSAGE,
            "--associate", f"{caroline}={FENCE}",
            "--associate", f"{charlotte}={FENCE},{GALLERY}", "--json",
        )  # fmt: skip
        self._requests = {one["tenant"]: one["request"] for one in json.loads(sent)}
        _require(set(self._requests) == {FENCE, GALLERY}, "two requests were sent")
        letter = await self._stage.mail(PEOPLE["tom"], MESSAGE[:40])
        print_text(f"\n  Mail to {letter.to}: {letter.subject}")
        print_text("\n".join(f"  | {line}" for line in letter.text.strip().splitlines()[:14]))
        _require("Caroline Bingley" not in _beyond_message(letter), "the people stay concealed")
        await self._stage.mail(PEOPLE["christopher"], MESSAGE[:40])

    async def _tenants_decide(self) -> None:
        _act("3. Tom Sawyer grants with an end date, Hundred Acre Wood denies with a reason")
        fence, gallery = self._requests[FENCE], self._requests[GALLERY]
        await self._stage.command(
            "tom", "request", "grant", fence, "--for", "60s", "--message", "Mind the wet paint."
        )
        await self._stage.command(
            "christopher", "request", "deny", gallery, "--reason", "We are closed for the winter."
        )
        await self._stage.command(
            "christopher", "request", "grant", gallery, "--for", "60s", ends=1
        )

    async def _the_named_use_it(self) -> None:
        _act("4. Caroline opens the tenant, Charlotte sees her list, Lydia stays outside")
        token = await self._stage.command(
            "caroline", "session", "begin", FENCE, "--mode", "support", "--yes"
        )
        _require(token.count(".") == 2, "the session's assertion is a signed token")
        listed = json.loads(
            await self._stage.command("charlotte", "tenant", "list", "--json", quiet=True)
        )
        await self._stage.command("charlotte", "tenant", "list")
        statuses = {one["tenant"]: one["status"] for one in listed}
        _require(statuses == {FENCE: "granted", GALLERY: "denied"}, "Charlotte's list is right")
        await self._check("caroline", 0)
        await self._check("lydia", 1)

    async def _it_ends_by_itself(self) -> None:
        _act("5. The end date is moved, and access expires by itself")
        fence = self._requests[FENCE]
        await self._stage.command("tom", "request", "change-end", fence, "--for", "4s")
        await self._stage.command("elizabeth", "request", "watch", fence)
        view = await self._shown("elizabeth", fence)
        _require(view["status"] == "expired", "the access expired")
        await self._check("caroline", 1)
        await self._stage.mail(PEOPLE["caroline"], "ended")

    async def _all_is_on_record(self) -> None:
        _act("6. The audit chains verify")
        await self._stage.command("operator", "audit", "verify")

    async def _check(self, person: str, ends: int) -> None:
        await self._stage.command("operator", "access", "check", PEOPLE[person], FENCE, ends=ends)

    async def _shown(self, person: str, request: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            await self._stage.command(person, "request", "show", request, "--json", quiet=True)
        )
        return found

    def _summary(self, seconds: float) -> None:
        _act("What happened")
        for line in (
            "Elizabeth asked Tom Sawyer for two people, and Hundred Acre Wood for one of them.",
            "Tom granted, Christopher denied; a second decision was refused with who was first.",
            "Caroline opened a session; Lydia, whom nobody named, was kept out.",
            "The end date was moved, and the access ended on time by itself.",
            f"Every step was as expected, in {seconds:.0f} seconds.",
        ):
            print_text(f"  {line}")


def _beyond_message(letter: StoredLetter) -> str:
    return letter.text.replace("Caroline and Charlotte", "")


def _act(title: str) -> None:
    print_text(f"\n=== {title}")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise StoryError(f"The demo failed: it is not so that {what}.")
