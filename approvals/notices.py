"""From a transition's notices to one notice a person: names looked up, ids made here alone."""

from uuid import UUID, uuid5

from approvals.people import Directory, Organization, PersonId, Site, Tenant
from approvals.records import Record
from approvals.transition import Fact, Notice, Transition


class AddressedNotice(Record):
    """One notice to one person. *id* becomes the mail's Message-ID."""

    id: UUID
    kind: str
    person: PersonId
    facts: dict[str, Fact]
    sealed: str | None = None


def addressed(transition: Transition, directory: Directory) -> tuple[AddressedNotice, ...]:
    """Return one notice for each live person and kind, in a fixed order, nobody twice.

    Who holds a role is looked up now, at the commit, never from a list stored earlier.
    """
    found: dict[UUID, AddressedNotice] = {}
    for notice in transition.notices:
        for person in _recipients(notice, directory):
            one = _to(person, notice, transition, directory)
            found.setdefault(one.id, one)
    return tuple(found.values())


def notice_id(process: UUID, version: int, kind: str, person: PersonId) -> UUID:
    """Return a notice's id: made from ids and the kind, never from display text."""
    return uuid5(process, f"notice/{version}/{kind}/{person}")


def _recipients(notice: Notice, directory: Directory) -> tuple[PersonId, ...]:
    holders = [one for role, scope in notice.holders for one in directory.holders(role, scope)]
    return tuple(one for one in (*notice.people, *holders) if directory.is_live(one))


def _to(
    person: PersonId, notice: Notice, transition: Transition, directory: Directory
) -> AddressedNotice:
    after = transition.after
    return AddressedNotice(
        id=notice_id(after.process_id, after.version, notice.kind, person),
        kind=notice.kind,
        person=person,
        facts={
            **notice.facts,
            "organization": _name(directory.organization(notice.organization)),
            "tenant": _name(directory.tenant(notice.tenant)),
            "customer": _name(directory.organization(notice.customer)),
            "site": _name(directory.site(notice.site)),
            "people": [directory.name_of(one) for one in notice.shown_people],
            "person_name": None if notice.about is None else directory.name_of(notice.about),
            "is_requester": person == notice.requester,
            "is_own": person in notice.people,
        },
        sealed=notice.sealed,
    )


def _name(entry: Organization | Tenant | Site | None) -> str | None:
    return entry.name if entry else None
