"""I2: what open access rests on. It was decided on in time, and every decision on it is signed."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from approvals import rules
from approvals.commands import ALSO
from approvals.pairing.record import JOINED, Pairing
from approvals.pairing.record import KIND as PAIRING
from approvals.ports import Signatures
from approvals.site_access.privileges import pairs, privileges
from approvals.site_access.record import KIND as SITE_ACCESS
from approvals.site_access.record import SiteAccess
from approvals.site_access.record import Status as SiteStatus
from approvals.site_access.record import shown_digest as site_digest
from approvals.tenant_access.record import KIND as TENANT_ACCESS
from approvals.tenant_access.record import Status, TenantAccess, shown_digest
from store import tables as t
from store.drift import drifted
from store.engine import Engines
from store.invariants import Breach

# What lets people in, or gives them more, by kind of process.
WIDENING = {
    TENANT_ACCESS: ("granted",),
    SITE_ACCESS: ("granted", "added", "privileges_changed"),
    PAIRING: ("accepted", "roles_assigned", "role_defined", "resumed", "consent_given"),
}
# A decision, the command that it records, and the key that signed that.
DECISIONS = (
    select(
        t.audit.c.process_id,
        t.audit.c.event,
        t.audit.c.actor_id,
        t.audit.c.command,
        t.command.c.body,
        t.command.c.signature,
        t.key.c.public_key,
        t.key.c.person_id.label("signer"),
    )
    .outerjoin(
        t.command,
        (t.command.c.key_id == t.audit.c.key_id) & (t.command.c.nonce == t.audit.c.nonce),
    )
    .outerjoin(t.key, t.key.c.id == t.audit.c.key_id)
    .join(t.process, t.process.c.id == t.audit.c.process_id)
    .where(
        or_(
            *(
                (t.process.c.kind == kind) & t.audit.c.event.in_(events)
                for kind, events in WIDENING.items()
            )
        )
    )
    .order_by(t.audit.c.process_id, t.audit.c.seq)
)


async def grants(
    engines: Engines, signatures: Signatures, unproved: frozenset[UUID] = frozenset()
) -> AsyncIterator[Breach]:
    """I2: what is open rests on signed decisions, in time, by somebody whom they do not favour.

    And nothing that the gate reads says more than the rows. *unproved* are keys that are known to
    have no sign-in.
    """
    async with engines.snapshot() as connection:
        decisions: dict[UUID, list[Any]] = {}
        for one in await connection.execute(DECISIONS):
            decisions.setdefault(one.process_id, []).append(one)
        granted = (await connection.execute(select(t.access_grant))).all()
        rows = select(t.process.c.id, t.process.c.kind, t.process.c.state)
        decided = (await connection.execute(rows.where(t.process.c.kind.in_(WIDENING)))).all()
    for grant in granted:
        by = [decision.actor_id for decision in decisions.get(grant.process_id, ())]
        if by != [grant.granted_by]:
            yield _of(grant.process_id, "its grant does not rest on exactly one recorded decision.")
        if grant.granted_by in (grant.requested_by, grant.person_id):
            yield _of(grant.process_id, "somebody decided on access of their own.")
    for row in decided:
        for sentence in _judged(row, decisions.get(row.id, []), signatures):
            yield _of(row.id, sentence)
    async for process, sentence in drifted(engines):
        if process not in unproved:
            yield _of(process, sentence)


def _judged(row: Any, decisions: Sequence[Any], signatures: Signatures) -> Iterator[str]:
    try:
        state = rules.restored(row.kind, row.state)
    except ValueError:  # told as what it is by the comparison of the tables
        return
    if not all(one.body is not None and _is_signed(one, signatures) for one in decisions):
        yield "no signed command of the decider's is kept for its decision."
        return
    match state:
        case TenantAccess() if decisions:
            yield from _of_request(state, decisions[0])
        case SiteAccess(status=SiteStatus.MEMBER):
            yield from _of_member(state, decisions)
        case Pairing() if state.status in JOINED:
            yield from _of_pairing(state, decisions)
        case _:
            return


def _of_request(state: TenantAccess, decision: Any) -> Iterator[str]:
    yield from _in_time(state)
    before = {"status": Status.PENDING, "ends_at": None, "no_end": False}
    if not _says(decision, state.process_id, shown_digest(state.model_copy(update=before))):
        yield "the command that granted it does not grant what stood there."


def _of_member(state: SiteAccess, decisions: Sequence[Any]) -> Iterator[str]:
    """Judge a membership by the last command that gave its privileges."""
    if not decisions:
        yield "its membership does not rest on a recorded decision."
        return
    if any(one.actor_id == state.person for one in decisions):
        yield "somebody decided on access of their own."
    last = decisions[-1]
    given = json.loads(last.body)["command"]["args"]["privileges"]
    if pairs(privileges(given)) != state.privileges:
        yield "the command that gave its privileges does not give what stands there."
    if last.event == "granted":
        yield from _in_time(state)
        asked = state.model_copy(update={"status": SiteStatus.ASKED, "privileges": ()})
        if not _says(last, state.process_id, site_digest(asked)):
            yield "the command that granted it does not grant what stood there."


def _of_pairing(state: Pairing, decisions: Sequence[Any]) -> Iterator[str]:
    """Judge a pairing by its one acceptance; roles are given after it."""
    accepted = [one.actor_id for one in decisions if one.event == "accepted"]
    if accepted != [state.decided_by]:
        yield "its pairing does not rest on exactly one recorded decision."
    if state.decided_by == state.requester:
        yield "somebody decided on access of their own."
    if state.assignments and not any(one.event == "roles_assigned" for one in decisions):
        yield "its roles do not rest on a recorded decision."
    yield from _in_time(state)


def _in_time(state: TenantAccess | SiteAccess | Pairing) -> Iterator[str]:
    if state.decided_at is None or state.due_at is None or state.decided_at >= state.due_at:
        yield "it was decided on too late."


def _is_signed(decision: Any, signatures: Signatures) -> bool:
    body: bytes = decision.body.encode()
    return bool(
        hashlib.sha256(body).hexdigest() == decision.command
        and decision.public_key is not None
        and decision.signer == decision.actor_id
        and signatures.holds(decision.public_key, body, decision.signature or "")
    )


def _says(decision: Any, process: UUID, shown: str) -> bool:
    """Whether a decision's signed body grants this process as it stood before."""
    body = json.loads(decision.body)
    command = body["command"]
    return bool(
        body["process_id"] == str(process)
        and ALSO.get(command["kind"], command["kind"]) == "grant"
        and command["shown"] == shown
    )


def _of(process: UUID, sentence: str) -> Breach:
    return Breach(invariant=2, process=process, sentence=sentence)
