"""Customers' access to the platform for tests: who switches, who accepts, and one switch's life."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select

from approvals import rules
from approvals.commands import Command
from approvals.customer_access.commands import AcceptTerms, Enable
from approvals.customer_access.record import CustomerAccess, process_id_of, shown_digest
from approvals.facts import Facts
from approvals.people import Directory, Organization, Person, Role
from approvals.policy import Policies, Terms
from approvals.transition import Transition
from store import tables as t
from store.engine import Engines
from tests.factories import (
    BECKY,
    CLASSICS,
    DIRECTORY,
    FENCE_PAINTING,
    JANE,
    MERYTON,
    WICKHAM,
    make_key,
    make_person,
    make_signed,
    role,
    with_roles,
)

HUCK = make_person("Huckleberry Finn", FENCE_PAINTING)  # no role at all
ROLES = (
    role(JANE, Role.PARTNER_ADMIN, CLASSICS.id),
    role(WICKHAM, Role.PARTNER_ADMIN, MERYTON.id),
    role(BECKY, Role.TRUST_ADMIN, FENCE_PAINTING.id),
)
SERVES = (MERYTON.id, FENCE_PAINTING.id)
SWITCHING: Directory = with_roles(DIRECTORY, *ROLES).model_copy(
    update={"people": (*DIRECTORY.people, HUCK), "serves": (*DIRECTORY.serves, SERVES)}
)
SWITCH = process_id_of(CLASSICS.id, FENCE_PAINTING.id)
OTHER_SWITCH = process_id_of(MERYTON.id, FENCE_PAINTING.id)
ON = Enable(customer=FENCE_PAINTING.slug)
NEWER = Policies(terms=Terms(version="2"))


def accepting(terms: str = "1", partner: Organization = CLASSICS) -> AcceptTerms:
    """Return the acceptance of a version of the terms."""
    return AcceptTerms(shown=shown_digest(partner.id, FENCE_PAINTING.id, terms))


class SwitchLife:
    """One switch under the rules, as the door would lead it."""

    def __init__(self, directory: Directory = SWITCHING, process: UUID = SWITCH) -> None:
        self.directory, self.process = directory, process
        self.policies = Policies()
        self.state: CustomerAccess | None = None
        self.last: Transition | None = None

    @property
    def switch(self) -> CustomerAccess:
        """The state as it stands."""
        assert self.state is not None
        return self.state

    def says(self, command: Command, by: Person, at: datetime) -> Transition:
        """Judge one signed command."""
        facts = Facts(directory=self.directory, policies=self.policies, key=make_key(by, at))
        signed = make_signed(command, by, at, self.process)
        return self._follow(rules.judge(self.state, signed, facts, at))

    def ticks(self, at: datetime) -> Transition | None:
        """Let the clock ask once."""
        transition = rules.ticked(self.switch, at)
        return None if transition is None else self._follow(transition)

    def _follow(self, transition: Transition) -> Transition:
        assert isinstance(transition.after, CustomerAccess)
        self.state, self.last = transition.after, transition
        return transition


async def fill(engines: Engines) -> None:
    """Add to the example directory who switches whom, once."""
    async with engines.write.begin() as connection:
        held = select(t.role_assignment.c.role).where(t.role_assignment.c.person_id == JANE.id)
        if Role.PARTNER_ADMIN in (await connection.execute(held)).scalars().all():
            return
        rows = [{"person_id": one.person, "role": one.role, "scope_id": one.scope} for one in ROLES]
        await connection.execute(insert(t.role_assignment), rows)
        pair = {"server_id": SERVES[0], "customer_id": SERVES[1]}
        await connection.execute(insert(t.serves).values(pair))
