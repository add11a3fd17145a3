"""What waits for somebody, and what they may enter, beside the requests: lines with links."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from approvals.contacts.record import Contacts
from approvals.customer_access.authority import is_of_customer
from approvals.customer_access.record import CustomerAccess
from approvals.customer_access.record import Status as Switched
from approvals.errors import ApprovalError
from approvals.facts import Needed
from approvals.pairing.authority import has, is_member, require_place
from approvals.pairing.record import Pairing
from approvals.pairing.record import Status as Paired
from approvals.people import Directory, PersonId
from approvals.permissions import permission_for
from approvals.sessions import Mode
from approvals.site_access.authority import deciders
from approvals.site_access.privileges import Area, Level, covers, levels_of
from approvals.site_access.record import SiteAccess
from approvals.site_access.record import Status as Asked
from approvals.transition import Membership, State
from portal.desk import PortalDesk
from portal.languages import N_
from starter.times import now
from store.waiting import Waiting

FIRST = 8  # lines of one list; the rest stands behind a link to it
LISTS = {
    "/customers": N_("All access to the platform"),
    "/pairings": N_("All pairings"),
    "/sites": N_("All sites"),
}


class Line(NamedTuple):
    """One thing that waits: its page, the list in which it stands, and a sentence of ours."""

    path: str
    list: str
    text: str
    facts: Mapping[str, str]


class Known(NamedTuple):
    """What the lines are judged by."""

    viewer: PersonId
    directory: Directory
    memberships: tuple[Membership, ...]
    moment: datetime


async def waits(at: PortalDesk) -> list[tuple[str, str]]:
    """Return path and words of what waits for the viewer: each list cut, then a link to it."""
    viewer, say = at.viewer.person.id, at.viewer.speech.say
    states = await Waiting(at.engines).of(viewer)
    if not states:
        return []
    needed = _needed(viewer, states)
    memberships = await at.sites.memberships(needed)
    known = Known(viewer, await at.inbox.directory(needed), memberships, now())
    lines = [line for state in states for line in lines_of(state, known)]
    found = []
    for path, words in LISTS.items():
        part = [one for one in lines if one.list == path]
        found += [(one.path, say(one.text, **one.facts)) for one in part[:FIRST]]
        found += [(path, say(words))] if len(part) > FIRST else []
    return found


def lines_of(state: State, known: Known) -> Iterator[Line]:
    """Yield what of one process waits for the viewer."""
    match state:
        case Pairing():
            yield from _of_pairing(state, known)
        case CustomerAccess():
            yield from _of_access(state, known)
        case SiteAccess():
            yield from _of_asking(state, known)
        case Contacts():
            yield from _of_contacts(state, known)


def _of_pairing(state: Pairing, known: Known) -> Iterator[Line]:
    me, directory = known.viewer, known.directory
    tenant, vendor = directory.tenant(state.tenant), directory.organization(state.vendor)
    group = directory.group(state.group)
    if tenant is None or vendor is None or group is None:
        return
    facts = {"tenant": tenant.name, "vendor": vendor.name, "group": group.name}
    is_inside = is_member(state, me, directory)
    texts = []
    if is_inside and _may_enter(state, known):
        texts.append(N_("You may enter %(tenant)s, with which %(group)s is paired"))
    if not is_inside and me != state.requester:
        texts += _to_answer(state, known)
    for text in texts:
        yield Line(f"/pairings/{state.process_id}", "/pairings", text, facts)


def _to_answer(state: Pairing, known: Known) -> list[str]:
    def may(permission: str) -> bool:
        return has(permission, known.viewer, state.customer, known.directory)

    found = []
    is_offered = state.status is Paired.OFFERED and known.moment < state.due_at
    if is_offered and may("pairing.authorize"):
        found.append(N_("%(vendor)s offers to pair %(group)s with %(tenant)s"))
    if state.status in (Paired.PAIRED, Paired.ACTIVE) and state.asks and may("pairing.assign"):
        found.append(N_("%(vendor)s asks for roles in %(tenant)s"))
    is_asked = any(one.answer == "asked" for one in state.consents)
    if state.status is Paired.ACTIVE and is_asked and may("consent.decide"):
        found.append(N_("%(vendor)s asks for your consent to a change in %(tenant)s"))
    return found


def _may_enter(state: Pairing, known: Known) -> bool:
    allowed = state.allowed(known.viewer)
    try:
        require_place(state, known.directory)
    except ApprovalError:
        return False
    return any(permission_for(one.value) in allowed for one in Mode)


def _of_access(state: CustomerAccess, known: Known) -> Iterator[Line]:
    partner = known.directory.organization(state.partner)
    is_own = is_of_customer(state, known.viewer, known.directory)
    if partner is not None and is_own and state.status is Switched.PENDING:
        text = N_("%(partner)s lets your organization in: the terms are to be accepted")
        path = f"/customers/{state.process_id}/terms"
        yield Line(path, "/customers", text, {"partner": partner.name})


def _of_asking(state: SiteAccess, known: Known) -> Iterator[Line]:
    site, person = known.directory.site(state.site), known.directory.person(state.person)
    is_open = state.status is Asked.ASKED and state.due_at and known.moment < state.due_at
    if site is None or person is None or not is_open or state.person == known.viewer:
        return
    if known.viewer in deciders(site.id, known.directory, known.memberships):
        facts = {"person": person.name, "site": site.name}
        text = N_("%(person)s asks for %(site)s")
        yield Line(f"/sites/{state.process_id}", "/sites", text, facts)


def _of_contacts(state: Contacts, known: Known) -> Iterator[Line]:
    site = known.directory.site(state.site)
    if site is None or state.review is None:
        return
    own = levels_of(known.viewer, site.id, known.directory, known.memberships) or {}
    if covers(own.get(Area.CONTACT_UPDATES), Level.UPDATE):
        text = N_("The contacts of %(site)s are to be reviewed")
        yield Line(f"/sites/{site.slug}/contacts", "/sites", text, {"site": site.name})


def _needed(viewer: PersonId, states: Sequence[State]) -> Needed:
    pairings = [one for one in states if isinstance(one, Pairing)]
    switched = [one for one in states if isinstance(one, CustomerAccess)]
    asking = [one for one in states if isinstance(one, SiteAccess)]
    kept = [one for one in states if isinstance(one, Contacts)]
    return Needed(
        people=(viewer, *(one.person for one in asking)),
        tenants=tuple(one.tenant for one in pairings),
        organizations=(
            *(one for each in pairings for one in (each.vendor, each.customer)),
            *(one for each in switched for one in (each.partner, each.customer)),
        ),
        groups=tuple({one.group: None for one in pairings}),
        sites=(*(one.site for one in asking), *(one.site for one in kept)),
        with_memberships=bool(asking or kept),
    )
