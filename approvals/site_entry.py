"""The gate's rule for sites: does somebody hold a level in one area of a site?"""

from uuid import UUID

from approvals.access import Decision, Reason, no
from approvals.records import Record
from approvals.site_access.privileges import Area, Level, covers, levels_held


class SiteStanding(Record):
    """What the gate read about one person and one site, in one query.

    *privileges* are those of their membership, as pairs of words; None without one.
    """

    is_person_live: bool
    is_site_on: bool
    is_primary: bool
    is_secondary: bool
    process: UUID | None = None
    privileges: tuple[tuple[str, str], ...] | None = None


def decide_site(standing: SiteStanding | None, area: str, level: str) -> Decision:
    """Judge the facts: the primary contact holds every level, others what they were given."""
    if standing is None:
        return no(Reason.UNKNOWN)
    if not standing.is_person_live:
        return no(Reason.PERSON_INACTIVE)
    if not standing.is_site_on:
        return no(Reason.SITE_OFF)
    if area not in set(Area) or level not in (Level.VIEW, Level.UPDATE):
        return no(Reason.UNKNOWN_ACTION)
    held = levels_held(
        standing.privileges, is_primary=standing.is_primary, is_secondary=standing.is_secondary
    )
    if held is None:
        return no(Reason.NOT_MEMBER)
    if not covers(held.get(Area(area)), level):
        return no(Reason.NO_PRIVILEGE)
    return Decision(is_open=True, reason=Reason.PRIVILEGE, process=standing.process)
