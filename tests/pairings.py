"""Builders for tests of pairings: the vendor's people, the customers' trust admins, one life."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from approvals import rules
from approvals.commands import Command, Tick
from approvals.errors import ApprovalError
from approvals.facts import Facts, FreshSecret, Kin
from approvals.pairing.commands import Accept, AssignRoles, Offer
from approvals.pairing.record import Pairing, process_id_of, shown_digest
from approvals.people import Directory, Group, GroupId, Person, Role
from approvals.policy import Policies
from approvals.transition import Transition
from tests.factories import (
    ART_GALLERY,
    BECKY,
    CHRISTOPHER,
    DIRECTORY,
    FENCE_PAINTING,
    HOUR,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    make_id,
    make_key,
    make_person,
    make_signed,
    role,
    with_roles,
)

CHARLES = make_person("Charles Bingley", NETHERFIELD)  # support agent, of the group
LOUISA = make_person("Louisa Hurst", NETHERFIELD)  # support agent too, of the group
GEORGIANA = make_person("Georgiana Darcy", NETHERFIELD)  # of the group, no agent
FITZWILLIAM = make_person("Richard Fitzwilliam", NETHERFIELD)  # support agent, not of the group
VENDOR_PEOPLE = (CHARLES, LOUISA, GEORGIANA, FITZWILLIAM)
CARE = Group(
    id=GroupId(make_id("group.customer-care")),
    slug="customer-care",
    name="Customer Care",
    organization=NETHERFIELD.id,
    members=(CHARLES.id, LOUISA.id, GEORGIANA.id),
)
_WITH_PEOPLE = DIRECTORY.model_copy(
    update={
        "people": (*DIRECTORY.people, *VENDOR_PEOPLE),
        "groups": (CARE,),
        "serves": (
            *DIRECTORY.serves,
            (NETHERFIELD.id, FENCE_PAINTING.id),
            (NETHERFIELD.id, ART_GALLERY.id),
        ),
    }
)
PAIRED_DIRECTORY = with_roles(
    _WITH_PEOPLE,
    role(CHARLES, Role.SUPPORT_AGENT, NETHERFIELD.id),
    role(LOUISA, Role.SUPPORT_AGENT, NETHERFIELD.id),
    role(FITZWILLIAM, Role.SUPPORT_AGENT, NETHERFIELD.id),
    role(TOM, Role.TRUST_ADMIN, FENCE_PAINTING.id),
    role(BECKY, Role.TRUST_ADMIN, FENCE_PAINTING.id),
    role(CHRISTOPHER, Role.TRUST_ADMIN, ART_GALLERY.id),
)
BATCH = UUID("6f1f3f5e-0000-4000-8000-000000000002")
PAIRING = process_id_of(BATCH, TOM_SAWYER.slug)
MESSAGE = "We look at why the fence queue drops calls."
WRONG = "0" * 64


def make_offer(**fields: object) -> Offer:
    """Return Charles's offer to Tom Sawyer."""
    said = {"batch": BATCH, "tenant": TOM_SAWYER.slug, "group": CARE.slug, "message": MESSAGE}
    return Offer.model_validate({**said, **fields})


def link_of(number: int) -> FreshSecret:
    """Return the secret that the door draws for the link of that number."""
    return FreshSecret(check=f"{number:064x}", sealed=f"sealed {number}")


class Step(NamedTuple):
    """One row of a scenario: who does what, how long after START, and what becomes of it."""

    act: Command | Tick
    by: Person | None
    after: timedelta
    then: str | type[ApprovalError]


class PairingLife:
    """One pairing under the rules, as the door would lead it: judged, ticked and remembered.

    The proof of the link of number N fits the check of `link_of(N)`: N as 64 hex digits.
    """

    def __init__(self, directory: Directory = PAIRED_DIRECTORY) -> None:
        self.directory = directory
        self.policies = Policies()
        self.kin = Kin()
        self.state: Pairing | None = None
        self.links = 0
        self.transitions: list[tuple[datetime, Transition]] = []

    @property
    def pairing(self) -> Pairing:
        """The state as it stands."""
        assert self.state is not None
        return self.state

    @property
    def last(self) -> Transition:
        """The latest transition."""
        return self.transitions[-1][1]

    @property
    def mail(self) -> list[str]:
        """The kinds of notices of the latest transition."""
        return [one.kind for one in self.last.notices]

    @property
    def proof(self) -> str:
        """What proves the newest link."""
        return f"{self.links:064x}"

    def says(self, command: Command, by: Person, at: datetime) -> Transition:
        """Judge one signed command; a decision that says nothing else has seen what stands."""
        if command.needs_shown and command.shown is None and self.state is not None:
            command = command.model_copy(update={"shown": shown_digest(self.state)})
        process = self.state.process_id if self.state else PAIRING
        signed = make_signed(command, by, at, process)
        needed = rules.needed(self.state, signed)
        facts = Facts(
            directory=self.directory,
            policies=self.policies,
            key=make_key(by, at),
            subject=needed.subject or "",
            kin=self.kin,
            secret=link_of(self.links + 1) if needed.draws == "link" else None,
            proof_check=needed.proof,
        )
        transition = rules.judge(self.state, signed, facts, at)
        self.links += needed.draws == "link"
        return self._follow(transition, at)

    def ticks(self, at: datetime) -> Transition | None:
        """Let the clock ask once."""
        transition = rules.ticked(self.pairing, at)
        return None if transition is None else self._follow(transition, at)

    def takes(self, step: Step) -> None:
        """Do one row of a scenario; an acceptance proves the newest link unless it says else."""
        at = START + step.after
        act = step.act
        if isinstance(act, Tick):
            self.ticks(at)
            return
        assert step.by is not None
        if isinstance(act, Accept) and act.proof == NEWEST:
            act = act.model_copy(update={"proof": self.proof})
        self.says(act, step.by, at)

    def _follow(self, transition: Transition, at: datetime) -> Transition:
        assert isinstance(transition.after, Pairing)
        self.state = transition.after
        self.transitions.append((at, transition))
        return transition


NEWEST = "f" * 64  # stands in a scenario for the proof of the newest link
ACCEPT = Accept(proof=NEWEST)
ASSIGN = AssignRoles(roles=("support",))


def make_pairing_life(
    status: str = "active", directory: Directory = PAIRED_DIRECTORY
) -> PairingLife:
    """Return a life that Charles began at START and that stands at *status* within the hour."""
    life = PairingLife(directory)
    life.says(make_offer(), CHARLES, START)
    if status in ("paired", "active"):
        life.says(Accept(proof=life.proof), TOM, START + HOUR / 2)
    if status == "active":
        life.says(ASSIGN, TOM, START + HOUR)
    assert life.pairing.status == status
    return life


def ask_id(life: PairingLife) -> UUID:
    """Return the id of what the latest transition made."""
    return UUID(life.last.receipt)


def pass_of(holder: UUID) -> UUID:
    """Return the id of a holder's pass."""
    return uuid5(PAIRING, str(holder))
