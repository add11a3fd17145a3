"""The contacts of a site: saved all at once, and reviewed every month."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from approvals.commands import CLOCK, Command
from approvals.contacts import notices
from approvals.contacts.commands import (
    ConfirmReview,
    MoveReview,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.months import Rhythm, following
from approvals.contacts.record import Contact, Contacts, Review, following_directory, holders
from approvals.errors import NotAllowedNowError, StaleError, SubmissionError, say
from approvals.facts import Facts
from approvals.people import Organization, PersonId, Role, RoleAssignment, Site
from approvals.transition import DirectoryChange, Notice, Transition

DAY = timedelta(days=1)
ROLES = (Role.PRIMARY_CONTACT, Role.SECONDARY_CONTACT)


def begun(
    process: UUID, site: Site, home: Organization, primary: Contact, now: datetime
) -> Contacts:
    """Return the record of a site whose contacts nobody has kept so far; version 0.

    The first review is in the next month, on the same day and at nine o'clock where the site is.
    """
    rhythm = Rhythm(day=1, zone=home.time_zone)
    rhythm = rhythm.model_copy(update={"day": rhythm.at(now).day})
    month = following(rhythm.month(now))
    return Contacts(
        process_id=process,
        version=0,
        site=site.id,
        organization=home.id,
        primary=primary,
        rhythm=rhythm,
        next_month=month,
        next_review_at=rhythm.instant(month),
    )


def from_directory(
    process: UUID, site: Site, home: Organization, facts: Facts, now: datetime
) -> Contacts:
    """Return the first record with the contacts that the directory names; version 0.

    Reviews begin when somebody saves the contacts or switches them on. Raises
    SubmissionError where there is not exactly one primary contact.
    """
    primary = holders(site.id, Role.PRIMARY_CONTACT, facts.directory)
    if len(primary) != 1:
        raise SubmissionError(f"{site.name} has no one primary contact: save the contacts first.")
    fresh = begun(process, site, home, Contact(person=primary[0]), now)
    seconds = holders(site.id, Role.SECONDARY_CONTACT, facts.directory)
    return fresh.model_copy(
        update={
            "secondaries": tuple(Contact(person=one) for one in seconds),
            "next_review_at": None,
        }
    )


def saved(
    state: Contacts, contacts: tuple[Contact, ...], actor: PersonId, facts: Facts, now: datetime
) -> Transition:
    """Replace the contacts, and give and take the roles that go with it."""
    before = tuple(one for role in ROLES for one in holders(state.site, role, facts.directory))
    is_first = state.saved_at is None
    begins = _planned(state, now) if is_first and state.next_review_at is None else {}
    after = _stepped(
        state, primary=contacts[0], secondaries=contacts[1:], saved_by=actor, saved_at=now, **begins
    )
    told = [notices.saved(before, after, facts)]
    if begins or state.version == 0 or after.primary.person != state.primary.person:
        told += notices.planned(after, now)
    if after.primary.person != state.primary.person:
        told += notices.called_off(state, after, now)
    return _transition(after, "contacts_saved", actor, tuple(told), directory=_roles(after, facts))


def apply(
    state: Contacts, command: Command, actor: PersonId, facts: Facts, now: datetime
) -> Transition:
    """Judge one command on the reviews or on a notification address, at *now* (aware UTC).

    Raises SubmissionError, StaleError or NotAllowedNowError.
    """
    match command:
        case ConfirmReview():
            return _confirmed(state, actor, now)
        case MoveReview(to=to):
            return _moved(state, to, actor, now)
        case SwitchReviewOff() if state.next_review_at is not None:
            return _switched_off(state, actor, now)
        case SwitchReviewOn() if state.next_review_at is None:
            after = _stepped(state, **_planned(state, now))
            return _transition(after, "reviews_switched_on", actor, notices.planned(after, now))
        case SetNotificationAddress(email=email):
            others = tuple(one for one in state.notification_addresses if one[0] != actor)
            own = () if email is None else ((actor, email),)
            after = _stepped(state, notification_addresses=(*others, *own))
            return _transition(after, "notification_address_set", actor, ())
        case _:
            standing = "off" if state.next_review_at is None else "on"
            raise NotAllowedNowError(command.kind.replace("_", " "), f"switched {standing}")


def ticked(state: Contacts, facts: Facts, now: datetime) -> Transition:
    """Ask for the review of every month that is due, in one mail, however many an outage took.

    What was asked before and not confirmed is escalated to the secondary contacts.
    """
    if state.next_review_at is None or now < state.next_review_at:
        raise NotAllowedNowError("tick", "not due")
    state = following_directory(state, facts.directory)
    months = tuple(_due_months(state, now))
    month = following(months[-1])
    missed = () if state.review is None else state.review.months
    after = _stepped(
        state,
        review=Review(months=(*missed, *months), asked_at=now, is_escalated=bool(missed)),
        next_month=month,
        next_review_at=state.rhythm.instant(month),
    )
    told = [notices.due(after, facts, now)]
    if missed or not facts.directory.is_live(state.primary.person):
        told.append(notices.missed(after, missed or months))
    event = "review_escalated" if missed else "review_asked"
    return _transition(after, event, CLOCK, tuple(told), reason=", ".join(months))


def _due_months(state: Contacts, now: datetime) -> Iterator[str]:
    month, at = state.next_month, state.next_review_at
    while at is not None and at <= now:
        yield month
        month = following(month)
        at = state.rhythm.instant(month)


def _confirmed(state: Contacts, actor: PersonId, now: datetime) -> Transition:
    if state.review is None:
        next_at = state.next_review_at
        when = "they are switched off" if next_at is None else f"the next is on {say(next_at)}"
        raise SubmissionError(f"There is no review to confirm: {when}.")
    months = state.review.months
    after = _stepped(
        state, review=None, confirmed_by=actor, confirmed_at=now, confirmed_months=months
    )
    return _transition(after, "review_confirmed", actor, (), reason=", ".join(months))


def _moved(state: Contacts, to: datetime, actor: PersonId, now: datetime) -> Transition:
    if state.next_review_at is None:
        raise NotAllowedNowError("move a review", "switched off")
    if to <= now:
        raise SubmissionError(f"That is in the past (now: {say(now)}).")
    month = state.next_month
    if state.rhythm.month(to) not in (month, following(month)):
        raise SubmissionError(
            f"The review of {month} can be in that month or the next, {following(month)}:"
            " every month has its review."
        )
    after = _stepped(state, next_review_at=to, rhythm=state.rhythm.at(to))
    return _transition(after, "review_moved", actor, notices.planned(after, now))


def _switched_off(state: Contacts, actor: PersonId, now: datetime) -> Transition:
    """Plan no more reviews. One that waits can still be confirmed, and is escalated now."""
    review = state.review
    escalates = review is not None and not review.is_escalated
    if review is not None:
        review = review.model_copy(update={"is_escalated": True})
    after = _stepped(state, next_review_at=None, review=review)
    told = list(notices.called_off(state, after, now))
    if review is not None and escalates:
        told.append(notices.missed(after, review.months))
    return _transition(after, "reviews_switched_off", actor, tuple(told))


def _planned(state: Contacts, now: datetime) -> dict[str, object]:
    """Return month and instant of the first review to come, at least a day ahead."""
    month = max(state.next_month, state.rhythm.month(now))
    at = max(state.rhythm.instant(month), now + DAY)
    if state.rhythm.month(at) != month:  # too late for this one
        month = following(month)
        at = state.rhythm.instant(month)
    return {"next_month": month, "next_review_at": at}


def require_seen(command: Command, digest: str) -> None:
    """Refuse a command on contacts that have changed since the person looked."""
    if command.shown != digest:
        raise StaleError("the contacts, or the months to review, are not those that you saw.")


def _roles(after: Contacts, facts: Facts) -> DirectoryChange:
    held = {one for one in facts.directory.roles if one.role in ROLES and one.scope == after.site}
    wanted = [
        _role(after.primary, Role.PRIMARY_CONTACT, after),
        *(_role(one, Role.SECONDARY_CONTACT, after) for one in after.secondaries),
    ]
    ordered = sorted(held, key=lambda one: (one.role, one.person))
    return DirectoryChange(
        gives=tuple(one for one in wanted if one not in held),
        takes=tuple(one for one in ordered if one not in wanted),
    )


def _role(contact: Contact, role: Role, after: Contacts) -> RoleAssignment:
    return RoleAssignment(person=contact.person, role=role, scope=after.site)


def _stepped(state: Contacts, **changes: object) -> Contacts:
    return state.model_copy(update={"version": state.version + 1, **changes})


def _transition(
    after: Contacts,
    event: str,
    actor: PersonId,
    told: tuple[Notice, ...],
    *,
    reason: str | None = None,
    directory: DirectoryChange | None = None,
) -> Transition:
    return Transition(
        after=after,
        event=event,
        actor=actor,
        reason=reason,
        notices=told,
        directory=directory,
        signs_out=() if directory is None else tuple(one.person for one in directory.takes),
        receipt=str(after.process_id),
    )
