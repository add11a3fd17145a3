"""Whom to tell about somebody's access to a site, and what."""

from collections.abc import Sequence

from approvals.people import PersonId
from approvals.site_access.record import SiteAccess
from approvals.transition import Notice

TO_PERSON = {
    "granted": "site_granted",
    "added": "site_welcome",
    "denied": "site_denied",
    "privileges_changed": "site_changed",
    "removed": "site_removed",
    "lapsed": "site_lapsed",
}
TO_DECIDERS = {"asked": "site_asked", "reminded": "site_reminder", "withdrawn": "site_withdrawn"}


def notices_of(after: SiteAccess, event: str, deciders: Sequence[PersonId]) -> tuple[Notice, ...]:
    """Return the notices of one event; *deciders* are those who may decide as of now."""
    if event in TO_PERSON:
        return (_notice(after, TO_PERSON[event], (after.person,)),)
    others = tuple(one for one in deciders if one != after.person)
    return (_notice(after, TO_DECIDERS[event], others),)


def _notice(after: SiteAccess, kind: str, people: tuple[PersonId, ...]) -> Notice:
    return Notice(
        kind=kind,
        people=people,
        facts={
            "message": after.message,
            "answer": after.answer,
            "due_at": None if after.due_at is None else after.due_at.isoformat(),
            "privileges": [
                f"{area}={level}" for area, level in after.privileges if level != "none"
            ],
        },
        requester=after.person,
        site=after.site,
        about=after.person,
    )
