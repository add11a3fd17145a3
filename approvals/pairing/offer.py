"""The offer of a pairing and its link: accepted, declined, withdrawn, lapsed, issued anew."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from approvals.commands import CLOCK, Command
from approvals.errors import (
    AlreadyDecidedError,
    NotAllowedNowError,
    RateLimitedError,
    StaleError,
    TooLateError,
)
from approvals.facts import Facts
from approvals.pairing.authority import Place
from approvals.pairing.commands import Accept, Decline, Offer
from approvals.pairing.errors import (
    LinkExpiredError,
    LinkInvalidError,
    LinkUsedError,
    PairedAlreadyError,
)
from approvals.pairing.notices import link_mail
from approvals.pairing.record import (
    LINK_LIFE,
    REISSUES_AN_HOUR,
    Pairing,
    Status,
    shown_digest,
    standing,
)
from approvals.pairing.steps import closed, stepped, transition
from approvals.people import PersonId, Tenant
from approvals.transition import Transition

HOUR = timedelta(hours=1)


def offered(
    process: UUID, command: Offer, actor: PersonId, place: Place, facts: Facts, now: datetime
) -> Transition:
    """Open an offer and mail its link; authority.py has judged who may offer what to whom."""
    if facts.kin.open is not None:
        raise PairedAlreadyError
    if facts.secret is None:
        raise NotAllowedNowError("offer a pairing", "without a link")
    _require_below_limit(place.tenant, facts)
    after = Pairing(
        process_id=process,
        batch=command.batch,
        vendor=place.vendor.id,
        group=place.group.id,
        customer=place.customer.id,
        tenant=place.tenant.id,
        requester=actor,
        message=command.message,
        minimum=facts.policies.minimum_of(place.vendor.slug),
        subject=facts.subject,
        check=facts.secret.check,
        offered_at=now,
        due_at=now + LINK_LIFE,
    )
    behalf = None if command.organization is None else f"for {command.organization}"
    mail = link_mail(after, facts.secret, actor)
    return transition(after, "offered", actor, reason=behalf, notices=(mail,))


def reissued(state: Pairing, actor: PersonId, facts: Facts, now: datetime) -> Transition:
    """Draw a new link, which voids the older one; a lapsed offer is open again for seven days."""
    if state.status not in (Status.OFFERED, Status.LAPSED):
        raise not_now(state, "reissue the link")
    if facts.kin.open not in (None, state.process_id):
        raise PairedAlreadyError
    if facts.secret is None:
        raise NotAllowedNowError("reissue the link", "without a link")
    _require_below_limit(facts.directory.tenant(state.tenant), facts)
    recent = tuple(one for one in state.reissues if now - one < HOUR)
    if len(recent) >= REISSUES_AN_HOUR:
        raise RateLimitedError(
            f"The limit is {REISSUES_AN_HOUR} new links an hour. Try again later."
        )
    after = stepped(
        state,
        status=Status.OFFERED,
        check=facts.secret.check,
        due_at=now + LINK_LIFE,
        reissues=(*recent, now),
        closed_by=None,
        closed_at=None,
    )
    return transition(after, "reissued", actor, notices=(link_mail(after, facts.secret, actor),))


def _require_below_limit(tenant: Tenant | None, facts: Facts) -> None:
    """Refuse a further link for this group and tenant: each one is a mail, whoever offers it."""
    policy = facts.policies.default if tenant is None else facts.policies.at(tenant.slug)
    if facts.kin.links >= (limit := policy.pairing_links_per_hour):
        raise RateLimitedError(
            f"The limit is {limit} links an hour for one group and tenant. Try again later."
        )


def accepted(
    state: Pairing, command: Accept, actor: PersonId, proof_check: str | None, now: datetime
) -> Transition:
    """Take the offer, if the newest link is proved in time. A refusal consumes nothing."""
    if not hmac.compare_digest(state.check, proof_check or ""):
        raise LinkInvalidError
    if state.link_used_at is not None:
        raise LinkUsedError(state.link_used_at)
    if state.status is Status.LAPSED or (state.status is Status.OFFERED and now >= state.due_at):
        raise LinkExpiredError(state.due_at)
    if state.status is not Status.OFFERED:
        raise not_now(state, "accept this offer")
    require_seen(state, command)
    after = stepped(state, status=Status.PAIRED, link_used_at=now, decided_by=actor, decided_at=now)
    return transition(after, "accepted", actor)


def declined(state: Pairing, command: Decline, actor: PersonId, now: datetime) -> Transition:
    """Refuse the offer, with or without its link in hand: it takes a right from nobody."""
    if state.status is not Status.OFFERED:
        raise _answered(state, "decline this offer")
    if now >= state.due_at:
        raise TooLateError("This offer", state.due_at)
    require_seen(state, command)
    decided = {"decided_by": actor, "decided_at": now, "answer": command.reason}
    after = closed(state, Status.DECLINED, actor, now, **decided)
    return transition(after, "declined", actor, reason=command.reason)


def withdrawn(state: Pairing, actor: PersonId, now: datetime) -> Transition:
    """Take the offer back before it is answered."""
    if state.status is not Status.OFFERED:
        raise _answered(state, "withdraw this offer")
    if now >= state.due_at:
        raise TooLateError("This offer", state.due_at)
    return transition(closed(state, Status.WITHDRAWN, actor, now), "withdrawn", actor)


def lapsed(state: Pairing, now: datetime) -> Transition:
    """End an offer that nobody answered within its seven days."""
    return transition(closed(state, Status.LAPSED, CLOCK, now), "lapsed", CLOCK)


def require_seen(state: Pairing, command: Command) -> None:
    """Refuse a decision on something else than what stands now."""
    if command.shown != shown_digest(state):
        raise StaleError(standing(state))


def _answered(state: Pairing, act: str) -> AlreadyDecidedError | NotAllowedNowError:
    """Return the refusal of what an open offer alone can take: who was first, and when."""
    if state.closed_at is None and state.decided_at is not None:
        return AlreadyDecidedError("accepted", state.decided_by, state.decided_at, "This offer")
    return not_now(state, act)


def not_now(state: Pairing, act: str) -> AlreadyDecidedError | NotAllowedNowError:
    """Return the refusal of a command that does not fit the status."""
    if state.closed_at is None:
        return NotAllowedNowError(act, state.status.value)
    by = None if state.closed_by == CLOCK else state.closed_by
    what = "This offer" if state.link_used_at is None else "This pairing"
    return AlreadyDecidedError(state.status.value, by, state.closed_at, what)
