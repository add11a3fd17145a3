"""The record of a site's contacts: its complete state, and what others read of it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from approvals import canonical
from approvals.contacts.months import Rhythm
from approvals.people import Directory, OrganizationId, PersonId, Role, SiteId
from approvals.records import Record
from approvals.transition import Index

KIND = "contacts"


class Status(StrEnum):
    """Contacts are kept for as long as the site is there."""

    KEPT = "kept"


CLOSED: frozenset[Status] = frozenset()


class Contact(Record):
    """One contact. *email* is where mail to the contact goes, if not to their sign-in address."""

    person: PersonId
    email: str | None = None


class Review(Record):
    """A review that somebody has still to confirm, of one month or of several that went by."""

    months: tuple[str, ...]
    asked_at: datetime
    is_escalated: bool = False


class Contacts(Record):
    """The complete state of one site's contacts. All instants are aware UTC.

    *next_month* is the month whose review comes next, *next_review_at* when it does: None while
    reviews are switched off. *notification_addresses* are every user's own, by person.
    """

    kind: Literal["contacts"] = "contacts"
    process_id: UUID
    version: int = 1
    status: Status = Status.KEPT
    site: SiteId
    organization: OrganizationId
    primary: Contact
    secondaries: tuple[Contact, ...] = ()
    saved_by: PersonId | None = None
    saved_at: datetime | None = None
    rhythm: Rhythm
    next_month: str
    next_review_at: datetime | None
    review: Review | None = None
    confirmed_by: PersonId | None = None
    confirmed_at: datetime | None = None
    confirmed_months: tuple[str, ...] = ()
    notification_addresses: tuple[tuple[PersonId, str], ...] = ()

    @property
    def is_closed(self) -> bool:
        return False

    @property
    def due(self) -> datetime | None:
        return self.next_review_at

    @property
    def index(self) -> Index:
        return Index(organization=self.organization, customer=self.organization, site=self.site)

    @property
    def everybody(self) -> tuple[Contact, ...]:
        """The primary contact and the secondary ones."""
        return (self.primary, *self.secondaries)


def process_id_of(site: SiteId) -> UUID:
    """Return the process of a site's contacts."""
    return uuid5(site, "contacts")


def holders(site: SiteId, role: Role, directory: Directory) -> tuple[PersonId, ...]:
    """Return who is written down for a role at a site, active or not, ordered by id."""
    return tuple(
        sorted(one.person for one in directory.roles if (one.role, one.scope) == (role, site))
    )


def following_directory(state: Contacts, directory: Directory) -> Contacts:
    """Return the record with those contacts whom the directory names, if they are others.

    A command writes both at once; an import alone, where no contact could save any, writes the
    directory, and the record follows here. The version stays.
    """
    known = {one.person: one for one in state.everybody}
    live = directory.holders(Role.PRIMARY_CONTACT, state.site)
    if directory.site(state.site) is None or len(live) != 1:
        return state
    primary, seconds = live[0], holders(state.site, Role.SECONDARY_CONTACT, directory)
    if primary == state.primary.person and set(seconds) == known.keys() - {primary}:
        return state
    first, *others = (known.get(one, Contact(person=one)) for one in (primary, *seconds))
    return state.model_copy(update={"primary": first, "secondaries": tuple(others)})


def shown_digest(state: Contacts | None, site: SiteId, directory: Directory) -> str:
    """Return the digest of what somebody saw: the contacts, and the review that waits.

    Before the first save they are those of the directory.
    """
    if state is None:
        primary = [Contact(person=one) for one in holders(site, Role.PRIMARY_CONTACT, directory)]
        seconds = [Contact(person=one) for one in holders(site, Role.SECONDARY_CONTACT, directory)]
        return canonical.digest(_shown(site, primary, seconds, ()))
    state = following_directory(state, directory)
    months = () if state.review is None else state.review.months
    return canonical.digest(_shown(site, [state.primary], state.secondaries, months))


def _shown(
    site: SiteId,
    primary: Sequence[Contact],
    secondaries: Sequence[Contact],
    months: Sequence[str],
) -> dict[str, object]:
    return {
        "site": str(site),
        "primary": [[str(one.person), one.email] for one in primary],
        "secondaries": [[str(one.person), one.email] for one in secondaries],
        "months": list(months),
    }
