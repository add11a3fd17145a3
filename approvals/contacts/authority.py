"""Who may do what with a site's contacts, judged by facts as of now."""

from collections.abc import Iterator
from uuid import UUID

from approvals.contacts.commands import ContactForm, SaveContacts
from approvals.contacts.record import Contact, Contacts, process_id_of
from approvals.errors import (
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    SubmissionError,
)
from approvals.facts import Facts
from approvals.people import Directory, Organization, Person, PersonId, Role, Site
from approvals.site_access.privileges import (
    FOR_CONTACTS,
    HIGHEST,
    LABELS,
    LEAST,
    SECONDARY,
    Area,
    Level,
    Privileges,
    covers,
    levels_of,
)

UPDATER = "primary contact of the site, or secondary contact whose contact updates is update"
PRIMARY = "primary contact of the site"


def may_see(state: Contacts, viewer: PersonId, directory: Directory) -> bool:
    """Whether somebody is a contact of the site."""
    return any(
        directory.holds(viewer, role, state.site)
        for role in (Role.PRIMARY_CONTACT, Role.SECONDARY_CONTACT)
    )


def site_of(process: UUID, slug: str, directory: Directory) -> tuple[Site, Organization]:
    """Return the site whose contacts this process holds. Raises NotFoundError."""
    site = directory.site_of(slug)
    home = directory.organization(site.organization) if site else None
    if site is None or home is None or not home.is_active:
        raise NotFoundError
    if process != process_id_of(site.id):
        raise InvalidDecisionError(("process_id", "It does not belong to this site."))
    return site, home


def require_user(site: Site, actor: PersonId, facts: Facts) -> None:
    """Refuse whoever is neither a contact nor a member of the site."""
    if levels_of(actor, site.id, facts.directory, facts.memberships) is None:
        raise NotFoundError


def require_primary(site: Site, actor: PersonId, facts: Facts) -> None:
    """Refuse everybody but the primary contact; strangers learn nothing."""
    require_user(site, actor, facts)
    if not facts.directory.holds(actor, Role.PRIMARY_CONTACT, site.id):
        raise NotAuthorisedError("plan the reviews of this site", PRIMARY)


def require_updater(site: Site, actor: PersonId, act: str, facts: Facts) -> Privileges:
    """Return the levels of a contact whose contact updates is update, or refuse."""
    own = levels_of(actor, site.id, facts.directory, facts.memberships)
    if own is None:
        raise NotFoundError
    if not covers(own[Area.CONTACT_UPDATES], Level.UPDATE):
        raise NotAuthorisedError(act, UPDATER)
    return own


def require_saved(
    site: Site, home: Organization, command: SaveContacts, actor: PersonId, facts: Facts
) -> tuple[Contact, ...]:
    """Return the contacts to save, the primary first.

    Raises SubmissionError that lists every problem, for all are saved or none.
    """
    own = require_updater(site, actor, "save the contacts of this site", facts)
    forms = (command.primary, *command.secondaries)
    found = tuple(facts.directory.person_of(one.person) for one in forms)
    problems = [
        *_unfit(forms, found, site, home, facts),
        *_primary_problems(found[0], site, own, actor, facts),
        *_above(found[1:], site, own, facts),
    ]
    if problems:
        raise SubmissionError(f"Nothing was saved: {' '.join(problems)}")
    return tuple(
        _contact(form, person) for form, person in zip(forms, found, strict=True) if person
    )


def _contact(form: ContactForm, person: Person) -> Contact:
    is_own = form.email is None or form.email.casefold() == person.email.casefold()
    return Contact(person=person.id, email=None if is_own else form.email)


def _unfit(
    forms: tuple[ContactForm, ...],
    found: tuple[Person | None, ...],
    site: Site,
    home: Organization,
    facts: Facts,
) -> Iterator[str]:
    members = {one.person for one in facts.memberships if one.site == site.id}
    seen: set[PersonId] = set()
    for form, person in zip(forms, found, strict=True):
        if person is None:
            yield f"{form.person}: nobody here has this address; add them as a user first."
        elif person.id in seen:
            yield f"{form.person} is named twice."
        elif not facts.directory.is_live(person.id):
            yield f"{form.person} is not active any more."
        elif person.organization != home.id and person.id not in members:
            yield f"{form.person} is neither of {home.name} nor a user of {site.name}."
        if person is not None:
            seen.add(person.id)


def _primary_problems(
    wanted: Person | None, site: Site, own: Privileges, actor: PersonId, facts: Facts
) -> Iterator[str]:
    """Find what is wrong with a new primary contact: it would hold every level.

    Without a live primary contact any updater may name one, or the site would have none for ever.
    """
    now = facts.directory.holders(Role.PRIMARY_CONTACT, site.id)
    if wanted is None or wanted.id in now:
        return
    if wanted.id == actor:
        yield "Nobody makes themselves primary contact: somebody else must."
    elif now and any(not covers(own[area], level) for area, level in HIGHEST.items()):
        yield "Only who holds every level may name another primary contact."


def _above(
    found: tuple[Person | None, ...], site: Site, own: Privileges, facts: Facts
) -> Iterator[str]:
    """Find new secondary contacts who would hold more of what is for contacts than the actor."""
    known = facts.directory.holders(Role.SECONDARY_CONTACT, site.id)
    for person in found:
        if person is None or person.id in known:
            continue
        held = _as_secondary(person, site, facts)
        for area in sorted(FOR_CONTACTS):
            if not covers(own[area], held[area]):
                yield (
                    f"{person.email} would hold {LABELS[area]} {held[area].value},"
                    f" above your own level, {own[area].value}."
                )


def _as_secondary(person: Person, site: Site, facts: Facts) -> Privileges:
    rows = (one for one in facts.memberships if (one.person, one.site) == (person.id, site.id))
    row = next(rows, None)
    if row is None:
        return SECONDARY
    return {**LEAST, **{Area(area): Level(level) for area, level in row.privileges}}
