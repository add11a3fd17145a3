"""I2: what open access rests on. Every grant was decided on in time, and its decision is signed."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from approvals import rules
from approvals.commands import ALSO
from approvals.ports import Signatures
from approvals.tenant_access.record import KIND as TENANT_ACCESS
from approvals.tenant_access.record import Status, TenantAccess, shown_digest
from store import tables as t
from store.drift import drifted
from store.engine import Engines
from store.invariants import Breach

# A grant's decision, the command that it records, and the key that signed that.
DECISIONS = (
    select(
        t.audit.c.process_id,
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
    .where(t.audit.c.event == "granted", t.process.c.kind == TENANT_ACCESS)
)


async def grants(
    engines: Engines, signatures: Signatures, unproved: frozenset[UUID] = frozenset()
) -> AsyncIterator[Breach]:
    """I2: every grant rests on one signed decision, in time, by somebody whom it does not favour.

    And nothing that the gate reads says more than the rows. *unproved* are keys that are known to
    have no sign-in.
    """
    async with engines.snapshot() as connection:
        decisions: dict[UUID, list[Any]] = {}
        for one in await connection.execute(DECISIONS):
            decisions.setdefault(one.process_id, []).append(one)
        granted = (await connection.execute(select(t.access_grant))).all()
        rows = select(t.process.c.id, t.process.c.kind, t.process.c.state)
        decided = (await connection.execute(rows.where(t.process.c.id.in_(decisions)))).all()
    for grant in granted:
        by = [decision.actor_id for decision in decisions.get(grant.process_id, ())]
        if by != [grant.granted_by]:
            yield _of(grant.process_id, "its grant does not rest on exactly one recorded decision.")
        if grant.granted_by in (grant.requested_by, grant.person_id):
            yield _of(grant.process_id, "somebody decided on access of their own.")
    for row in decided:
        for sentence in _judged(row, decisions[row.id][0], signatures):
            yield _of(row.id, sentence)
    async for process, sentence in drifted(engines):
        if process not in unproved:
            yield _of(process, sentence)


def _judged(row: Any, decision: Any, signatures: Signatures) -> list[str]:
    try:
        state = rules.restored(row.kind, row.state)
    except ValueError:  # told as what it is by the comparison of the tables
        return []
    assert isinstance(state, TenantAccess)  # noqa: S101  # the kind says so
    found = []
    if state.decided_at is None or state.decided_at >= state.due_at:
        found.append("it was decided on too late.")
    if decision.body is None or not _is_signed(decision, signatures):
        found.append("no signed command of the decider's is kept for its decision.")
    elif not _says(json.loads(decision.body), state):
        found.append("the command that granted it does not grant what stood there.")
    return found


def _is_signed(decision: Any, signatures: Signatures) -> bool:
    body: bytes = decision.body.encode()
    return bool(
        hashlib.sha256(body).hexdigest() == decision.command
        and decision.public_key is not None
        and decision.signer == decision.actor_id
        and signatures.holds(decision.public_key, body, decision.signature or "")
    )


def _says(body: Mapping[str, Any], state: TenantAccess) -> bool:
    """Whether a signed body grants this request, as it stood before."""
    command = body["command"]
    before = {"status": Status.PENDING, "ends_at": None, "no_end": False}
    return bool(
        body["process_id"] == str(state.process_id)
        and ALSO.get(command["kind"], command["kind"]) == "grant"
        and command["shown"] == shown_digest(state.model_copy(update=before))
    )


def _of(process: UUID, sentence: str) -> Breach:
    return Breach(invariant=2, process=process, sentence=sentence)
