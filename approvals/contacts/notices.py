"""Whom to tell about a site's contacts and their reviews, and what."""

from datetime import datetime
from uuid import uuid5

from approvals.contacts.record import Contact, Contacts
from approvals.facts import Facts
from approvals.people import PersonId, Role
from approvals.site_access.privileges import Level, levels_of, pairs
from approvals.transition import Fact, Notice

MOST_USERS = 200  # that one mail lists; the rest is counted


def saved(before: tuple[PersonId, ...], after: Contacts, facts: Facts) -> Notice:
    """Tell old and new contacts, at the addresses with which they sign in."""
    people = (*before, *(one.person for one in after.everybody))
    return Notice(
        kind="contacts_saved",
        people=tuple(dict.fromkeys(people)),
        facts={
            "primary": _said(after.primary, facts),
            "secondaries": [_said(one, facts) for one in after.secondaries],
        },
        site=after.site,
        about=after.saved_by,
    )


def planned(after: Contacts, now: datetime) -> tuple[Notice, ...]:
    """Send the primary contact the invitation to the next review."""
    if after.next_review_at is None:
        return ()
    return (
        Notice(
            kind="review_planned",
            people=(after.primary.person,),
            elsewhere=_elsewhere(after.primary),
            facts=_invitation(after, now),
            site=after.site,
        ),
    )


def called_off(before: Contacts, after: Contacts, now: datetime) -> tuple[Notice, ...]:
    """Take the planned review out of the calendar of whoever was the primary contact *before*."""
    if before.next_review_at is None:
        return ()
    planned_as = before.model_copy(update={"version": after.version})  # a later one counts
    return (
        Notice(
            kind="review_called_off",
            people=(before.primary.person,),
            elsewhere=_elsewhere(before.primary),
            facts={**_invitation(planned_as, now), "is_called_off": True},
            site=after.site,
        ),
    )


def due(after: Contacts, facts: Facts, now: datetime) -> Notice:
    """Ask the primary contact for a review: the list of users, and the next invitation."""
    months = () if after.review is None else after.review.months
    return Notice(
        kind="review_due",
        people=(after.primary.person,),
        elsewhere=_elsewhere(after.primary),
        facts={
            **_invitation(after, now),
            "months": list(months),
            "primary": _said(after.primary, facts),
            "secondaries": [_said(one, facts) for one in after.secondaries],
            **_users(after, facts),
        },
        site=after.site,
    )


def missed(after: Contacts, months: tuple[str, ...]) -> Notice:
    """Tell the secondary contacts what the primary contact has not confirmed."""
    return Notice(
        kind="review_missed",
        people=tuple(one.person for one in after.secondaries),
        holders=((Role.SECONDARY_CONTACT, after.site),),
        elsewhere=tuple(pair for one in after.secondaries for pair in _elsewhere(one)),
        facts={"months": list(months)},
        site=after.site,
        about=after.primary.person,
    )


def _elsewhere(contact: Contact) -> tuple[tuple[PersonId, str], ...]:
    return () if contact.email is None else ((contact.person, contact.email),)


def _said(contact: Contact, facts: Facts) -> str:
    person = facts.directory.person(contact.person)
    if person is None:
        return facts.directory.name_of(contact.person)
    return f"{person.name}, {contact.email or person.email}"


def _invitation(after: Contacts, now: datetime) -> dict[str, Fact]:
    at = after.next_review_at
    return {
        "invite_at": None if at is None else at.isoformat(),
        "invite_id": str(uuid5(after.process_id, f"review/{after.next_month}")),
        "invite_number": str(after.version),
        "invited_at": now.isoformat(),
    }


def _users(after: Contacts, facts: Facts) -> dict[str, Fact]:
    """Return name, privileges and last use of every user, as lists of one order."""
    contacts = tuple(one.person for one in after.everybody)
    members = tuple(one.person for one in facts.memberships if one.site == after.site)
    people = tuple(dict.fromkeys((*contacts, *members)))
    uses = {one.person: one.at.isoformat() for one in facts.last_uses}
    listed = people[:MOST_USERS]
    return {
        "users": [_name(one, facts) for one in listed],
        "privileges": [_levels(one, after, facts) for one in listed],
        "last_uses": [uses.get(one, "") for one in listed],
        "more_users": str(len(people) - len(listed)) if len(people) > len(listed) else None,
    }


def _name(person: PersonId, facts: Facts) -> str:
    known = facts.directory.person(person)
    return f"{known.name}, {known.email}" if known else facts.directory.name_of(person)


def _levels(person: PersonId, after: Contacts, facts: Facts) -> str:
    held = levels_of(person, after.site, facts.directory, facts.memberships)
    given = () if held is None else pairs(held)
    return " ".join(f"{area}={level}" for area, level in given if level != Level.NONE)
