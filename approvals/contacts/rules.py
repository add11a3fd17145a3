"""The contacts of a site as one kind of process."""

from datetime import datetime

from approvals.commands import Signed, forms_of
from approvals.contacts import authority, life
from approvals.contacts.commands import (
    ConfirmReview,
    MoveReview,
    SaveContacts,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.record import CLOSED, KIND, Contacts, following_directory, shown_digest
from approvals.errors import NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.people import Organization, PersonId, Site
from approvals.transition import Transition

COMMANDS = (
    SaveContacts, ConfirmReview, MoveReview, SwitchReviewOff, SwitchReviewOn,
    SetNotificationAddress,
)  # fmt: skip
OPENING = (SaveContacts, SwitchReviewOn, SetNotificationAddress)


def needed(state: Contacts | None, signed: Signed | None) -> Needed:
    """Say which facts a judgement, or the mail about a review, needs."""
    people = () if signed is None or signed.actor is None else (signed.actor,)
    command = None if signed is None else signed.command
    said = Needed(people=people, with_memberships=True, with_users=signed is None)
    if isinstance(command, OPENING):
        said = said.model_copy(update={"site_slugs": (command.site,)})
    if isinstance(command, SaveContacts):
        forms = (command.primary, *command.secondaries)
        said = said.model_copy(update={"emails": tuple(one.person for one in forms)})
    if state is None:
        return said
    acted = tuple(one for one in (state.saved_by, state.confirmed_by) if one)
    contacts = tuple(one.person for one in state.everybody)
    return said.model_copy(
        update={
            "people": (*said.people, *contacts, *acted),
            "sites": (state.site,),
            "organizations": (state.organization,),
        }
    )


def judge(
    state: Contacts | None,
    signed: Signed,
    actor: PersonId | None,
    facts: Facts,
    now: datetime,
) -> Transition:
    """Authorise and apply one verified command."""
    command = signed.command
    if actor is None:
        raise NotFoundError
    site, home = _place(state, signed, facts)
    state = None if state is None else following_directory(state, facts.directory)
    match command:
        case SaveContacts():
            contacts = authority.require_saved(site, home, command, actor, facts)
            life.require_seen(command, shown_digest(state, site.id, facts.directory))
            before = state or life.begun(signed.process, site, home, contacts[0], now)
            return life.saved(before, contacts, actor, facts, now)
        case ConfirmReview() if state is not None:
            authority.require_updater(site, actor, "confirm a review of this site", facts)
            life.require_seen(command, shown_digest(state, site.id, facts.directory))
        case SetNotificationAddress():
            authority.require_user(site, actor, facts)
        case _:
            authority.require_primary(site, actor, facts)
    current = state or life.from_directory(signed.process, site, home, facts, now)
    return life.apply(current, command, actor, facts, now)


def tick(state: Contacts, now: datetime) -> Transition:
    """Return what time alone demands, where nothing is known of the users."""
    return life.ticked(state, Facts(), now)


def _place(state: Contacts | None, signed: Signed, facts: Facts) -> tuple[Site, Organization]:
    """Return the site and its organization: of the row, else of a command that may begin one."""
    command = signed.command
    if isinstance(command, OPENING):
        return authority.site_of(signed.process, command.site, facts.directory)
    site = None if state is None else facts.directory.site(state.site)
    home = None if site is None else facts.directory.organization(site.organization)
    if site is None or home is None:
        raise NotFoundError
    return site, home


RULES = Kind(
    name=KIND,
    state=Contacts,
    closed=frozenset(CLOSED),
    commands=forms_of(COMMANDS),
    opening=frozenset(one.kind for one in OPENING),
    needed=needed,
    judge=judge,
    tick=tick,
    may_see=authority.may_see,
    informed_tick=life.ticked,
)
