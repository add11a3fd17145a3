"""People whom no directory file has named: added by a contact, or come by themselves."""

from uuid import uuid5

from approvals.addresses import canonical
from approvals.directory_forms import NAMESPACE
from approvals.people import (
    Directory,
    Organization,
    OrganizationId,
    OrganizationKind,
    Person,
    PersonId,
)

GUESTS = OrganizationId(uuid5(NAMESPACE, "guests"))
_SLUG = "guests"


def person_id_of(email: str) -> PersonId:
    """Return the id that a directory file would give the person of that address."""
    return PersonId(uuid5(NAMESPACE, f"person/{canonical(email)}"))


def is_free(email: str, directory: Directory) -> bool:
    """Whether a person of that address can be made: nobody has it, nor the id that it makes."""
    taken = directory.person_of(email) or directory.person(person_id_of(email))
    return taken is None


def newcomer(email: str, name: str, locale: str, home: Organization) -> Person:
    """Return a new person of that organization."""
    return Person(
        id=person_id_of(email),
        email=email,
        name=name,
        organization=home.id,
        locale=locale,
        time_zone=home.time_zone,
    )


def guests(directory: Directory) -> Organization:
    """Return the organization of those who came by themselves, new if there is none yet.

    It serves nobody, and no role can be held for it.
    """
    if (known := directory.organization(GUESTS)) is not None:
        return known
    is_taken = directory.organization_of(_SLUG) is not None
    slug = f"{_SLUG}-{GUESTS.hex[:8]}" if is_taken else _SLUG
    return Organization(id=GUESTS, slug=slug, name="Guests", kind=OrganizationKind.GUEST)


GUESTS_SLUGS = (_SLUG,)  # what must be read to know whether the slug is free
