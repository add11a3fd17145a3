"""Whose rules apply: from a stored state and a verified command to the transition it causes."""

from datetime import datetime

from approvals import authority
from approvals.commands import Elsewhere, Forms, Signed
from approvals.contacts.rules import RULES as CONTACTS
from approvals.customer_access.rules import RULES as CUSTOMER_ACCESS
from approvals.errors import NotFoundError
from approvals.facts import Facts, Needed
from approvals.kind import Kind
from approvals.onboarding.rules import RULES as ONBOARDING
from approvals.pairing.rules import RULES as PAIRING
from approvals.sign_in.commands import Begin, Prove
from approvals.sign_in.record import SignIn
from approvals.sign_in.rules import RULES as SIGN_IN
from approvals.site_access.rules import RULES as SITE_ACCESS
from approvals.tenant_access.rules import RULES as TENANT_ACCESS
from approvals.transition import EnrolledKey, State, Transition

_ALL = (
    TENANT_ACCESS,
    SIGN_IN,
    CUSTOMER_ACCESS,
    PAIRING,
    ONBOARDING,
    SITE_ACCESS,
    CONTACTS,
)
KINDS: dict[str, Kind] = {one.name: one for one in _ALL}
OPENING: dict[str, Kind] = {name: kind for kind in KINDS.values() for name in kind.opening}
NO_FACTS = Facts()
_ELSEWHERE: Forms = {name: Elsewhere for kind in KINDS.values() for name in kind.commands}
_TO_OPEN: Forms = {**_ELSEWHERE, **{name: one.commands[name] for name, one in OPENING.items()}}
_TO: dict[str, Forms] = {name: {**_ELSEWHERE, **kind.commands} for name, kind in KINDS.items()}


def forms(state: State | None) -> Forms:
    """Return the forms of all that may be asked of a process, or of a number that has none yet.

    What only other processes hear is read as `Elsewhere`.
    """
    return _TO_OPEN if state is None else _TO[state.kind]


def needed(state: State | None, signed: Signed | None) -> Needed:
    """Say which facts to read before judging, or before addressing notices."""
    if (kind := _kind_of(state, signed)) is not None:
        return kind.needed(state, signed)
    actor = None if signed is None else signed.actor
    return Needed(people=() if actor is None else (actor,))


def restored(kind: str, text: str) -> State:
    """Read a row's JSON back into its state."""
    state: State = KINDS[kind].state.model_validate_json(text)
    return state


def public_key_of(state: State | None, signed: Signed, key: EnrolledKey | None) -> str | None:
    """Return the public key whose signature the message must bear, or None for an unknown one.

    A sign-in's own two messages are signed by the key that is being enrolled.
    """
    match signed.command, state:
        case Begin(public_key=public_key), None if signed.key == signed.process:
            return public_key
        case ((Begin() | Prove()), SignIn(public_key=public_key)) if signed.key == signed.process:
            return public_key
        case ((Begin() | Prove()), _):
            return None
        case _:
            return None if key is None else key.public_key


def is_due(state: State | None, now: datetime) -> bool:
    """Whether a tick would do something."""
    return state is not None and state.due is not None and now >= state.due


def ticked(state: State, now: datetime, facts: Facts = NO_FACTS) -> Transition | None:
    """Return what time alone demands, or None when nothing is due yet."""
    if not is_due(state, now):
        return None
    kind = KINDS[state.kind]
    if kind.informed_tick is not None:
        return kind.informed_tick(state, facts, now)
    return kind.tick(state, now)


def judge(state: State | None, signed: Signed, facts: Facts, now: datetime) -> Transition:
    """Authorise and apply one verified command; raises the ApprovalError of the broken rule."""
    authority.require_fresh(signed, now)
    actor = None
    if not isinstance(signed.command, Begin | Prove):
        actor = authority.require_key(signed, facts.key, facts.directory, now, facts.passkeys)
    kind = _kind_of(state, signed)
    if kind is None or isinstance(signed.command, Elsewhere):
        raise NotFoundError
    return kind.judge(state, signed, actor, facts, now)


def _kind_of(state: State | None, signed: Signed | None) -> Kind | None:
    if state is not None:
        return KINDS[state.kind]
    return None if signed is None else OPENING.get(signed.command.kind)
