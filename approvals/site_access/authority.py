"""Who may do what with somebody's access to a site, judged by facts as of now."""

from collections.abc import Sequence
from uuid import UUID

from approvals import newcomers
from approvals.commands import Command
from approvals.errors import (
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    SubmissionError,
)
from approvals.facts import Facts
from approvals.people import Directory, Organization, Person, PersonId, Role, Site, SiteId
from approvals.site_access.commands import Add, Ask, Withdraw
from approvals.site_access.privileges import (
    FOR_CONTACTS,
    LABELS,
    LEAST,
    Area,
    Level,
    Privileges,
    covers,
    levels_of,
)
from approvals.site_access.record import SiteAccess, process_id_of
from approvals.transition import Membership

DECIDER = "primary contact of the site, or secondary contact whose manage access is update"


def deciders(
    site: SiteId, directory: Directory, memberships: Sequence[Membership]
) -> tuple[PersonId, ...]:
    """Return who may decide for a site as of now, the primary contact first."""
    primary = directory.holders(Role.PRIMARY_CONTACT, site)
    secondary = (
        one
        for one in directory.holders(Role.SECONDARY_CONTACT, site)
        if _manages(levels_of(one, site, directory, memberships))
    )
    return tuple(dict.fromkeys((*primary, *secondary)))


def may_see(state: SiteAccess, viewer: PersonId, directory: Directory) -> bool:
    """Whether it is their own access, or they are a contact of the site."""
    return directory.is_live(viewer) and (
        viewer == state.person or is_contact(viewer, state.site, directory)
    )


def is_contact(person: PersonId, site: SiteId, directory: Directory) -> bool:
    """Whether somebody is the primary or a secondary contact of the site."""
    return any(
        directory.holds(person, role, site)
        for role in (Role.PRIMARY_CONTACT, Role.SECONDARY_CONTACT)
    )


def site_of(slug: str, directory: Directory) -> tuple[Site, Organization]:
    """Return the site and its organization, which must be active. Raises NotFoundError."""
    site = directory.site_of(slug)
    home = directory.organization(site.organization) if site else None
    if site is None or home is None or not home.is_active:
        raise NotFoundError
    return site, home


def require_ask(process: UUID, command: Ask, actor: PersonId, facts: Facts) -> tuple[Site, SiteId]:
    """Return the site that somebody may ask, or refuse by name what does not fit."""
    site, _ = site_of(command.site, facts.directory)
    _require_process(process, site.id, actor)
    if facts.directory.holds(actor, Role.PRIMARY_CONTACT, site.id):
        raise SubmissionError(
            f"You are the primary contact of {site.name} and hold every level there."
        )
    if not set(deciders(site.id, facts.directory, facts.memberships)) - {actor}:
        raise SubmissionError(f"{site.name} has no contact who could decide.")
    return site, site.id


def require_added(
    process: UUID, command: Add, actor: PersonId, facts: Facts
) -> tuple[Site, Person]:
    """Return the site and the person whom a contact adds, new or known.

    Raises NotFoundError for whoever has nothing to do with the site.
    """
    directory = facts.directory
    site, home = site_of(command.site, directory)
    _require_decider(site.id, actor, facts)
    known = directory.person_of(command.email)
    if known is None and not newcomers.is_free(command.email, directory):
        raise SubmissionError(
            f"{command.email} was somebody's address before. Ask the operator to put it right."
        )
    person = known or _guest(command, home, directory)
    if known is not None and not directory.is_live(known.id):
        raise SubmissionError(f"{command.email} is not active any more.")
    _require_process(process, site.id, person.id)
    if person.id == actor:
        raise OwnRequestError
    require_within(command.privileges, LEAST, person.id, site.id, actor, facts)
    return site, person


def _guest(command: Add, home: Organization, directory: Directory) -> Person:
    """Return a new person of the guests: a contact lets people into a site, not into a company."""
    guests = newcomers.guests(directory)
    if not guests.is_active:
        raise SubmissionError(f"{guests.name} are switched off: name a person who is known here.")
    guest = newcomers.newcomer(command.email, command.name, command.locale, guests)
    return guest.model_copy(update={"time_zone": home.time_zone})


def require_role(state: SiteAccess, command: Command, actor: PersonId, facts: Facts) -> None:
    """Refuse whoever may not give this command: NotFoundError for those who see nothing of it."""
    if not may_see(state, actor, facts.directory):
        raise NotFoundError
    if isinstance(command, Withdraw):
        if actor != state.person:
            raise NotAuthorisedError("withdraw this request", "of the person who asked")
        return
    if actor == state.person:
        raise OwnRequestError
    _require_decider(state.site, actor, facts)


def require_within(
    given: Privileges,
    before: Privileges,
    person: PersonId,
    site: SiteId,
    actor: PersonId,
    facts: Facts,
) -> None:
    """Refuse privileges that this person cannot have, or that the actor cannot give.

    What stays as it was *before* is not given. Raises SubmissionError that names every area.
    """
    own = levels_of(actor, site, facts.directory, facts.memberships) or LEAST
    for_contacts = [] if is_contact(person, site, facts.directory) else _contacts_only(given)
    above = [
        area
        for area, level in given.items()
        if level is not before.get(area) and not covers(own[area], level)
    ]
    said = [
        *(f"{LABELS[area]} is for contacts of the site only" for area in for_contacts),
        *(
            f"{LABELS[area]} {given[area].value} is above your own level, {own[area].value}"
            for area in above
        ),
    ]
    if said:
        raise SubmissionError(f"Nothing was changed: {'; '.join(said)}.")


def _contacts_only(given: Privileges) -> list[Area]:
    return [area for area in Area if area in FOR_CONTACTS and given[area] is not Level.NONE]


def _require_decider(site: SiteId, actor: PersonId, facts: Facts) -> None:
    own = levels_of(actor, site, facts.directory, facts.memberships)
    if own is None:
        raise NotFoundError
    if not _manages(own):
        raise NotAuthorisedError("decide about access to this site", DECIDER)


def _manages(own: Privileges | None) -> bool:
    return own is not None and covers(own[Area.MANAGE_ACCESS], Level.UPDATE)


def _require_process(process: UUID, site: SiteId, person: PersonId) -> None:
    if process != process_id_of(site, person):
        raise InvalidDecisionError(("process_id", "It does not belong to this site and person."))
