"""A site of the example for tests: its contacts, its people, and their access under the rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from approvals import rules
from approvals.commands import Command
from approvals.contacts.commands import ContactForm, SaveContacts
from approvals.contacts.record import Contacts
from approvals.contacts.record import process_id_of as contacts_of
from approvals.contacts.record import shown_digest as contacts_shown
from approvals.facts import Facts, LastUse
from approvals.people import Directory, Person, Role, RoleAssignment, Site, SiteId
from approvals.policy import Policies, Policy
from approvals.site_access.commands import Add, Ask
from approvals.site_access.privileges import LEAST, Area, Level, Privileges
from approvals.site_access.record import SiteAccess, process_id_of, shown_digest
from approvals.transition import DirectoryChange, Membership, State, Transition
from tests.factories import (
    BECKY,
    DIRECTORY,
    FENCE_PAINTING,
    LYDIA,
    TOM,
    make_id,
    make_key,
    make_person,
    make_signed,
    role,
)

SITE = Site(
    id=SiteId(make_id("st-petersburg")),
    slug="st-petersburg",
    name="Fence works St. Petersburg",
    organization=FENCE_PAINTING.id,
)
HUCK = make_person("Huckleberry Finn", FENCE_PAINTING)  # secondary contact
JOE = make_person("Joe Harper", FENCE_PAINTING)  # secondary contact too
SID = make_person("Sid Sawyer", FENCE_PAINTING)
MUFF = make_person("Muff Potter", FENCE_PAINTING)
PEOPLE = (BECKY, HUCK, JOE, SID, MUFF, TOM, LYDIA)
SITES = DIRECTORY.model_copy(
    update={
        "people": (*DIRECTORY.people, HUCK, JOE, SID, MUFF),
        "sites": (SITE,),
        "roles": (
            *DIRECTORY.roles,
            role(BECKY, Role.PRIMARY_CONTACT, SITE.id),
            role(HUCK, Role.SECONDARY_CONTACT, SITE.id),
            role(JOE, Role.SECONDARY_CONTACT, SITE.id),
        ),
    }
)


def levels(**given: str) -> dict[Area, Level]:
    """Return privileges: the least of each area, but for those that are given."""
    return {**LEAST, **{Area(area): Level(level) for area, level in given.items()}}


def make_add(person: Person, **changes: Any) -> Add:
    """Return the command that adds somebody with one privilege, or as said."""
    said = {
        "site": SITE.slug,
        "email": person.email,
        "name": person.name,
        "privileges": levels(purchase="view"),
    }
    return Add(**{**said, **changes})


def make_save(primary: Person, *secondaries: Person) -> SaveContacts:
    """Return the command that makes these the contacts; *shown* is put in when it is said."""
    return SaveContacts(
        site=SITE.slug,
        primary=ContactForm(person=primary.email),
        secondaries=tuple(ContactForm(person=one.email) for one in secondaries),
    )


class SiteLife:
    """All that happens to one site, as the door would lead it: several processes, one directory."""

    def __init__(self, directory: Directory = SITES, policy: Policy | None = None) -> None:
        self.directory = directory
        self.policies = Policies(default=policy or Policy())
        self.states: dict[UUID, State] = {}
        self.memberships: dict[UUID, tuple[Membership, ...]] = {}
        self.transitions: list[tuple[datetime, Transition]] = []
        self.last_uses: tuple[LastUse, ...] = ()

    @property
    def last(self) -> Transition:
        """The latest transition."""
        return self.transitions[-1][1]

    @property
    def contacts(self) -> Contacts:
        """The contacts' record as it stands."""
        state = self.states[contacts_of(SITE.id)]
        assert isinstance(state, Contacts)
        return state

    def access(self, person: Person) -> SiteAccess:
        """Return somebody's access as it stands."""
        state = self.states[process_id_of(SITE.id, person.id)]
        assert isinstance(state, SiteAccess)
        return state

    def status(self, person: Person) -> str | None:
        """Return the status of somebody's access, None where there never was one."""
        process = process_id_of(SITE.id, person.id)
        return self.states[process].status if process in self.states else None

    def told(self, kind: str) -> tuple[Any, ...]:
        """Return the ids of those whom the latest transition tells of this kind."""
        return tuple(one for notice in self.last.notices if notice.kind == kind
                     for one in notice.people)  # fmt: skip

    def facts(self, by: Person | None, at: datetime) -> Facts:
        """Return what the door would read now."""
        return Facts(
            directory=self.directory,
            policies=self.policies,
            key=None if by is None else make_key(by, at),
            memberships=tuple(one for each in self.memberships.values() for one in each),
            last_uses=self.last_uses,
        )

    def says(self, command: Command, by: Person, about: Person, at: datetime) -> Transition:
        """Judge one command on somebody's access; it has seen what stands unless it says so."""
        process = process_id_of(SITE.id, about.id)
        state = self.states.get(process)
        is_decision = command.needs_shown or (isinstance(command, Add) and state is not None)
        if is_decision and command.shown is None and isinstance(state, SiteAccess):
            command = command.model_copy(update={"shown": shown_digest(state)})
        return self._judged(process, command, by, at)

    def asks(self, person: Person, at: datetime, message: str | None = None) -> Transition:
        """Let somebody ask for access."""
        return self.says(Ask(site=SITE.slug, message=message), person, person, at)

    def on_contacts(self, command: Command, by: Person, at: datetime) -> Transition:
        """Judge one command on the contacts; it has seen what stands unless it says so."""
        process = contacts_of(SITE.id)
        state = self.states.get(process)
        known = state if isinstance(state, Contacts) else None
        if command.needs_shown and command.shown is None:
            shown = contacts_shown(known, SITE.id, self.directory)
            command = command.model_copy(update={"shown": shown})
        return self._judged(process, command, by, at)

    def ticks(self, process: UUID, at: datetime) -> Transition | None:
        """Let the clock ask one process once."""
        step = rules.ticked(self.states[process], at, self.facts(None, at))
        return None if step is None else self._followed(step, at)

    def _judged(self, process: UUID, command: Command, by: Person, at: datetime) -> Transition:
        signed = make_signed(command, by, at, process)
        step = rules.judge(self.states.get(process), signed, self.facts(by, at), at)
        return self._followed(step, at)

    def _followed(self, step: Transition, at: datetime) -> Transition:
        self.states[step.after.process_id] = step.after
        if step.memberships is not None:
            self.memberships[step.after.process_id] = step.memberships
        if step.directory is not None:
            self.directory = changed_by(self.directory, step.directory)
        self.transitions.append((at, step))
        return step


def changed_by(directory: Directory, change: DirectoryChange) -> Directory:
    """Return the directory after what a process wrote into it."""
    people = {one.id: one for one in (*directory.people, *change.people)}
    homes = {one.id: one for one in (*directory.organizations, *change.organizations)}
    roles: dict[RoleAssignment, None] = dict.fromkeys((*directory.roles, *change.gives))
    return directory.model_copy(
        update={
            "people": tuple(people.values()),
            "organizations": tuple(homes.values()),
            "roles": tuple(one for one in roles if one not in change.takes),
        }
    )


def managing(life: SiteLife, person: Person, at: datetime, **more: str) -> None:
    """Let Becky make somebody a member with manage access = update, and more if said."""
    given: Privileges = levels(**{"manage_access": "update", **more})
    life.says(make_add(person, privileges=given), BECKY, person, at)
