"""What somebody may see of a site: one person's access, and the matrix of all users."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from approvals.facts import LastUse
from approvals.people import Directory, PersonId, Role, SiteId
from approvals.records import Record
from approvals.site_access.authority import deciders
from approvals.site_access.privileges import levels_of
from approvals.site_access.record import SiteAccess, Status, shown_digest
from approvals.transition import Membership


class AccessView(Record):
    """One person's access to one site. *shown* is the digest that a decision on it carries."""

    id: UUID
    status: str
    site: str
    site_name: str
    person: str
    email: str
    message: str | None
    asked_at: datetime | None
    due_at: datetime | None
    deciders: tuple[str, ...]
    privileges: dict[str, str]
    since: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None
    shown: str


class UserView(Record):
    """One user of a site: their part in it, what they hold, and when they were last here."""

    person: UUID
    name: str
    email: str
    part: str
    privileges: dict[str, str]
    last_use: datetime | None


class SiteView(Record):
    """A site as one of its people sees it: their part, what they hold, and their process."""

    site: str
    name: str
    part: str
    privileges: dict[str, str]
    status: str | None
    access: UUID | None


def access_view(
    state: SiteAccess, viewer: PersonId, directory: Directory, memberships: Sequence[Membership]
) -> AccessView:
    """Return one access; authority.may_see has judged that the viewer may see it.

    Whoever asks and is no member does not learn who the contacts are.
    """
    named = () if is_stranger(viewer, state) else deciders(state.site, directory, memberships)
    site, person = directory.site(state.site), directory.person(state.person)
    return AccessView(
        id=state.process_id,
        status=state.status,
        site=site.slug if site else "",
        site_name=site.name if site else "",
        person=directory.name_of(state.person),
        email=person.email if person else "",
        message=state.message,
        asked_at=state.asked_at,
        due_at=state.due_at,
        deciders=tuple(directory.name_of(one) for one in named),
        privileges=dict(state.privileges),
        since=state.since,
        decided_by=None if state.decided_by is None else directory.name_of(state.decided_by),
        decided_at=state.decided_at,
        answer=state.answer,
        shown=shown_digest(state),
    )


def is_stranger(viewer: PersonId, state: SiteAccess) -> bool:
    """Whether the viewer is the one who asks, or asked, and is no member of the site."""
    return viewer == state.person and state.status is not Status.MEMBER


def users(
    site: SiteId,
    directory: Directory,
    memberships: Sequence[Membership],
    last_uses: Iterable[LastUse],
) -> tuple[UserView, ...]:
    """Return every user of a site, the primary contact first, then by name."""
    uses = {one.person: one.at for one in last_uses}
    contacts = (
        *directory.holders(Role.PRIMARY_CONTACT, site),
        *directory.holders(Role.SECONDARY_CONTACT, site),
    )
    members = (one.person for one in memberships if one.site == site)
    found = [
        _user(person, site, directory, memberships, uses.get(person))
        for person in dict.fromkeys((*contacts, *members))
    ]
    return tuple(sorted(found, key=lambda one: (one.part != "primary contact", one.name)))


def part_of(person: PersonId, site: SiteId, directory: Directory) -> str:
    """Return somebody's part in a site in words."""
    if directory.holds(person, Role.PRIMARY_CONTACT, site):
        return "primary contact"
    if directory.holds(person, Role.SECONDARY_CONTACT, site):
        return "secondary contact"
    return "user"


def held(
    person: PersonId, site: SiteId, directory: Directory, memberships: Sequence[Membership]
) -> dict[str, str]:
    """Return the levels that somebody holds now, as words; nothing for a stranger."""
    levels = levels_of(person, site, directory, memberships)
    return {} if levels is None else {area.value: level.value for area, level in levels.items()}


def _user(
    person: PersonId,
    site: SiteId,
    directory: Directory,
    memberships: Sequence[Membership],
    last_use: datetime | None,
) -> UserView:
    known = directory.person(person)
    return UserView(
        person=person,
        name=directory.name_of(person),
        email=known.email if known else "",
        part=part_of(person, site, directory),
        privileges=held(person, site, directory, memberships),
        last_use=last_use,
    )
