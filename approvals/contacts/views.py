"""What somebody may see of a site's contacts: who they are, the reviews, their own address."""

from datetime import datetime
from uuid import UUID

from approvals.contacts.record import (
    Contact,
    Contacts,
    following_directory,
    holders,
    shown_digest,
)
from approvals.people import Directory, PersonId, Role, Site
from approvals.records import Record


class ContactView(Record):
    """One contact. *email* is where mail to the contact goes."""

    person: UUID
    name: str
    sign_in: str
    email: str


class ContactsView(Record):
    """The contacts of a site as one of its people sees them.

    *id* is None while the directory alone names them. *shown* is the digest that a save carries.
    """

    id: UUID | None
    site: str
    site_name: str
    primary: ContactView | None
    secondaries: tuple[ContactView, ...]
    saved_by: str | None
    saved_at: datetime | None
    next_review_at: datetime | None
    to_confirm: tuple[str, ...]
    asked_at: datetime | None
    confirmed_by: str | None
    confirmed_at: datetime | None
    confirmed_months: tuple[str, ...]
    notification_address: str | None
    shown: str


def contacts_view(
    state: Contacts | None, site: Site, viewer: PersonId, directory: Directory
) -> ContactsView:
    """Return the contacts; the caller has judged that the viewer is one of the site's people."""
    primary, secondaries = _contacts(state, site, directory)
    own = dict(state.notification_addresses).get(viewer) if state else None
    review = state.review if state else None
    return ContactsView(
        id=state.process_id if state else None,
        site=site.slug,
        site_name=site.name,
        primary=None if primary is None else _view(primary, directory),
        secondaries=tuple(_view(one, directory) for one in secondaries),
        saved_by=_name(state.saved_by if state else None, directory),
        saved_at=state.saved_at if state else None,
        next_review_at=state.next_review_at if state else None,
        to_confirm=review.months if review else (),
        asked_at=review.asked_at if review else None,
        confirmed_by=_name(state.confirmed_by if state else None, directory),
        confirmed_at=state.confirmed_at if state else None,
        confirmed_months=state.confirmed_months if state else (),
        notification_address=own,
        shown=shown_digest(state, site.id, directory),
    )


def _contacts(
    state: Contacts | None, site: Site, directory: Directory
) -> tuple[Contact | None, tuple[Contact, ...]]:
    if state is not None:
        current = following_directory(state, directory)
        return current.primary, current.secondaries
    primary = holders(site.id, Role.PRIMARY_CONTACT, directory)
    seconds = holders(site.id, Role.SECONDARY_CONTACT, directory)
    first = Contact(person=primary[0]) if primary else None
    return first, tuple(Contact(person=one) for one in seconds)


def _view(contact: Contact, directory: Directory) -> ContactView:
    person = directory.person(contact.person)
    sign_in = person.email if person else ""
    return ContactView(
        person=contact.person,
        name=directory.name_of(contact.person),
        sign_in=sign_in,
        email=contact.email or sign_in,
    )


def _name(person: PersonId | None, directory: Directory) -> str | None:
    return None if person is None else directory.name_of(person)
