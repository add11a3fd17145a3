"""Changes that the support group makes, and the customer's consent to disruptive ones."""

from datetime import datetime
from uuid import UUID, uuid5

from approvals.errors import NotAllowedNowError, NotFoundError, RateLimitedError
from approvals.pairing.commands import (
    AskConsent,
    GiveConsent,
    RecordChange,
    RecordRevert,
    RefuseConsent,
)
from approvals.pairing.offer import not_now, require_seen
from approvals.pairing.parts import Change, Consent
from approvals.pairing.record import JOINED, Pairing, Status
from approvals.pairing.steps import stepped, transition
from approvals.people import PersonId
from approvals.transition import Transition

MOST_WAITING = 50  # consents that wait for an answer, or for their change
KEPT_CHANGES, KEPT_CONSENTS = 500, 200  # in the row; the timeline has all of them


def consent_asked(
    state: Pairing, command: AskConsent, actor: PersonId, now: datetime
) -> Transition:
    """Ask for consent to one change."""
    if state.status is not Status.ACTIVE:
        raise not_now(state, "ask for consent")
    if sum(one.answer in ("asked", "given") for one in state.consents) >= MOST_WAITING:
        raise RateLimitedError(f"The limit is {MOST_WAITING} changes that wait.")
    consent = Consent(
        id=uuid5(state.process_id, f"consent/{state.version + 1}"),
        what=command.what,
        asked_by=actor,
        asked_at=now,
    )
    after = stepped(state, consents=_kept(*state.consents, consent))
    return transition(after, "consent_asked", actor, reason=command.what, receipt=str(consent.id))


def consent_decided(
    state: Pairing, command: GiveConsent | RefuseConsent, actor: PersonId, now: datetime
) -> Transition:
    """Consent to one change, or refuse it; a consent may be taken back until it is spent.

    A no is possible while nobody gets in, too.
    """
    refuses = isinstance(command, RefuseConsent)
    if state.status not in (JOINED if refuses else (Status.ACTIVE,)):
        raise not_now(state, "decide on a change")
    consent = _consent(state, command.consent)
    if consent.answer not in (("asked", "given") if refuses else ("asked",)):
        raise NotAllowedNowError(
            "decide on this change", f"a change whose answer is {consent.answer}"
        )
    require_seen(state, command)
    said = {
        "answer": "refused" if refuses else "given",
        "decided_by": actor,
        "decided_at": now,
        "reason": command.reason if isinstance(command, RefuseConsent) else None,
    }
    after = stepped(state, consents=_replaced(state, consent, **said))
    event = "consent_refused" if refuses else "consent_given"
    reason = command.reason if isinstance(command, RefuseConsent) else consent.what
    return transition(after, event, actor, reason=reason, receipt=str(consent.id))


def change_recorded(
    state: Pairing, command: RecordChange, actor: PersonId, now: datetime
) -> Transition:
    """Record what was done, consented or not: the customer is told of every change.

    A consent covers one change and is spent by it. Disruption without a consent is a breach.
    """
    if state.status not in JOINED:
        raise not_now(state, "record a change")
    consent = None if command.consent is None else _consent(state, command.consent)
    is_disruptive = command.is_disruptive or consent is not None
    is_covered = consent is not None and consent.answer == "given"
    change = Change(
        id=uuid5(state.process_id, f"change/{state.version + 1}"),
        what=command.what,
        is_disruptive=is_disruptive,
        consent=command.consent,
        is_breach=is_disruptive and not is_covered,
        made_by=actor,
        recorded_at=now,
    )
    consents = state.consents
    if consent is not None and is_covered:
        consents = _replaced(state, consent, answer="spent")
    after = stepped(state, changes=(*state.changes, change)[-KEPT_CHANGES:], consents=consents)
    event = "change_breach" if change.is_breach else "change_recorded"
    return transition(after, event, actor, reason=command.what, receipt=str(change.id))


def change_reverted(
    state: Pairing, command: RecordRevert, actor: PersonId, now: datetime
) -> Transition:
    """Record that a change was undone."""
    if state.status not in JOINED:
        raise not_now(state, "record a change")
    change = next((one for one in state.changes if one.id == command.change), None)
    if change is None:
        raise NotFoundError
    if change.reverted_at is not None:
        raise NotAllowedNowError("revert this change", "a change that was reverted already")
    said = {"reverted_by": actor, "reverted_at": now, "note": command.note}
    undone = change.model_copy(update=said)
    changes = tuple(undone if one.id == change.id else one for one in state.changes)
    after = stepped(state, changes=changes)
    return transition(after, "change_reverted", actor, reason=change.what, receipt=str(change.id))


def _consent(state: Pairing, wanted: UUID) -> Consent:
    found = next((one for one in state.consents if one.id == wanted), None)
    if found is None:
        raise NotFoundError
    return found


def _replaced(state: Pairing, consent: Consent, **changes: object) -> tuple[Consent, ...]:
    after = consent.model_copy(update=changes)
    return tuple(after if one.id == consent.id else one for one in state.consents)


def _kept(*consents: Consent) -> tuple[Consent, ...]:
    """Return all that wait, and the newest of those that are settled."""
    settled = [one.id for one in consents if one.answer in ("refused", "spent")]
    gone = set(settled[: max(len(settled) - KEPT_CONSENTS, 0)])
    return tuple(one for one in consents if one.id not in gone)
