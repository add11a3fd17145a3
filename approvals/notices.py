"""From a transition's notices to one notice a person: names looked up, ids made here alone."""

from uuid import UUID, uuid5

from approvals.people import Directory, Group, Organization, PersonId, Site, Tenant
from approvals.records import Record
from approvals.transition import DirectoryChange, Fact, Letterbox, Notice, Transition


class AddressedNotice(Record):
    """One notice to one person. *id* becomes the mail's Message-ID.

    *letterbox* is there for somebody without a person, *email* where their own is not meant.
    """

    id: UUID
    kind: str
    person: PersonId | None
    letterbox: Letterbox | None = None
    email: str | None = None
    facts: dict[str, Fact]
    sealed: str | None = None


def addressed(transition: Transition, directory: Directory) -> tuple[AddressedNotice, ...]:
    """Return one notice for each live person and kind, in a fixed order, nobody twice.

    Who holds a role is looked up now, at the commit, never from a list stored earlier.
    """
    directory = _after(directory, transition.directory)
    found: dict[UUID, AddressedNotice] = {}
    for notice in transition.notices:
        recipients: tuple[PersonId | None, ...] = _recipients(notice, directory)
        for person in (*recipients, *((None,) if notice.stranger else ())):
            one = _to(person, notice, transition, directory)
            found.setdefault(one.id, one)
    return tuple(found.values())


def notice_id(process: UUID, version: int, kind: str, person: PersonId | None) -> UUID:
    """Return a notice's id: made from ids and the kind, never from display text."""
    return uuid5(process, f"notice/{version}/{kind}/{person or 'stranger'}")


def _after(directory: Directory, change: DirectoryChange | None) -> Directory:
    """Return the directory with what the transition itself puts into it."""
    if change is None:
        return directory
    people = {one.id: one for one in (*directory.people, *change.people)}
    organizations = {one.id: one for one in (*directory.organizations, *change.organizations)}
    roles = dict.fromkeys((*directory.roles, *change.gives))
    return directory.model_copy(
        update={
            "people": tuple(people.values()),
            "organizations": tuple(organizations.values()),
            "roles": tuple(one for one in roles if one not in change.takes),
        }
    )


def _recipients(notice: Notice, directory: Directory) -> tuple[PersonId, ...]:
    holders = [one for role, scope in notice.holders for one in directory.holders(role, scope)]
    scope = notice.spoken_for
    people = [one for one in notice.people if scope is None or directory.speaks_for(one, scope)]
    return tuple(one for one in (*people, *holders) if directory.is_live(one))


def _to(
    person: PersonId | None, notice: Notice, transition: Transition, directory: Directory
) -> AddressedNotice:
    after = transition.after
    return AddressedNotice(
        id=notice_id(after.process_id, after.version, notice.kind, person),
        kind=notice.kind,
        person=person,
        letterbox=notice.stranger if person is None else None,
        email=next((email for one, email in notice.elsewhere if one == person), None),
        facts={
            **notice.facts,
            "organization": _name(directory.organization(notice.organization)),
            "tenant": _name(directory.tenant(notice.tenant)),
            "customer": _name(directory.organization(notice.customer)),
            "site": _name(directory.site(notice.site)),
            "group": _name(directory.group(notice.group)),
            "people": [directory.name_of(one) for one in notice.shown_people],
            "person_name": None if notice.about is None else directory.name_of(notice.about),
            "is_requester": person is not None and person == notice.requester,
            "is_own": person in notice.people,
        },
        sealed=notice.sealed,
    )


def _name(entry: Organization | Tenant | Site | Group | None) -> str | None:
    return entry.name if entry else None
