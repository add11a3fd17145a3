"""Site access as one kind of process."""

from datetime import datetime

from approvals import newcomers
from approvals.commands import CLOCK, Signed, Tick, forms_of
from approvals.errors import NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.people import Person, PersonId, Site
from approvals.site_access import authority, life
from approvals.site_access.commands import (
    Add,
    Ask,
    ChangePrivileges,
    Deny,
    Grant,
    Remove,
    Withdraw,
)
from approvals.site_access.privileges import LEAST, Area, Level
from approvals.site_access.record import CLOSED, KIND, SiteAccess
from approvals.transition import DirectoryChange, Transition

COMMANDS = (Ask, Grant, Deny, Withdraw, Add, ChangePrivileges, Remove)


def needed(state: SiteAccess | None, signed: Signed | None) -> Needed:
    """Say which part of the directory a judgement, or the addressing of notices, needs."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    command = None if signed is None else signed.command
    named = Needed(people=people, with_memberships=True)
    if isinstance(command, Ask | Add):
        named = named.model_copy(update={"site_slugs": (command.site,)})
    if isinstance(command, Add):
        made = newcomers.person_id_of(command.email)
        named = named.model_copy(
            update={
                "emails": (command.email,),
                "people": (*people, made),
                "organizations": (newcomers.GUESTS,),
                "organization_slugs": newcomers.GUESTS_SLUGS,
            }
        )
    if state is None:
        return named
    acted = tuple(one for one in (state.decided_by, state.closed_by) if one)
    return named.model_copy(
        update={
            "people": (*named.people, state.person, *acted),
            "sites": (state.site,),
            "organizations": (*named.organizations, state.organization),
        }
    )


def judge(
    state: SiteAccess | None,
    signed: Signed,
    actor: PersonId | None,
    facts: Facts,
    now: datetime,
) -> Transition:
    """Authorise and apply one verified command."""
    command = signed.command
    if actor is None:
        raise NotFoundError
    match command:
        case Ask():
            site, _ = authority.require_ask(signed.process, command, actor, facts)
            place = life.Place(signed.process, site, actor, facts.policies.default)
            return life.asked(state, place, command, _deciders(site, facts), now)
        case Add():
            site, person = authority.require_added(signed.process, command, actor, facts)
            place = life.Place(signed.process, site, person.id, facts.policies.default)
            return life.added(state, place, command, actor, _new(person, facts), now)
        case _ if state is not None:
            return _decided(state, signed, actor, facts, now)
        case _:
            raise NotFoundError


def tick(state: SiteAccess, now: datetime) -> Transition:
    """Return what time alone demands, where nobody need be told."""
    return informed_tick(state, Facts(), now)


def informed_tick(state: SiteAccess, facts: Facts, now: datetime) -> Transition:
    """Return what time alone demands; reminders go to those who may decide as of now."""
    deciders = authority.deciders(state.site, facts.directory, facts.memberships)
    return life.apply(state, Tick(), CLOCK, deciders, now)


def _decided(
    state: SiteAccess, signed: Signed, actor: PersonId, facts: Facts, now: datetime
) -> Transition:
    command = signed.command
    authority.require_role(state, command, actor, facts)
    if isinstance(command, Grant | ChangePrivileges):
        held = {Area(area): Level(level) for area, level in state.privileges}
        before = held if isinstance(command, ChangePrivileges) else LEAST
        authority.require_within(command.privileges, before, state.person, state.site, actor, facts)
    deciders = authority.deciders(state.site, facts.directory, facts.memberships)
    return life.apply(state, command, actor, deciders, now)


def _deciders(site: Site, facts: Facts) -> tuple[PersonId, ...]:
    return authority.deciders(site.id, facts.directory, facts.memberships)


def _new(person: Person, facts: Facts) -> DirectoryChange | None:
    if facts.directory.person(person.id) is not None:
        return None
    return DirectoryChange(organizations=(newcomers.guests(facts.directory),), people=(person,))


RULES = Kind(
    name=KIND,
    state=SiteAccess,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset({Ask.kind, Add.kind}),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=authority.may_see,
    informed_tick=informed_tick,
)
