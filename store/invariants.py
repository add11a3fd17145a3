"""What must hold after anything at all, as far as the database tells: one function an invariant.

The numbers are those of docs/security.md, "What must always hold".
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from approvals import lives, rules
from approvals.checkpoints import Published
from approvals.onboarding.record import Onboarding
from approvals.posting import MailStatus
from approvals.records import Record
from approvals.tenant_access.record import KIND as TENANT_ACCESS
from store import access_tables as a
from store import tables as t
from store.engine import Engines
from store.gate import SqlGate
from store.trail import Trail

CLOSING = timedelta(seconds=60)  # how late a grant may be closed, with all parts up
MAILING = timedelta(minutes=15)  # how long a mail may wait, with a mail server that answers
ASKED = 500  # pairs of a person and a tenant for which the gate is asked
OPEN_UNDER = (  # what lets people in besides grants, what ends it, and under which statuses
    (a.membership, "closed_at", ("member",)),
    (a.pairing_pass, "closed_at", ("active",)),
    (t.session, "ended_at", ("granted", "active", "accepted")),
)
ONLY_AFTER_A_GRANT = {"expired", "finished", "revoked"}
UNDOING = {"customer_found", "roles_removed", "user_deleted"}
MAKING = {"customer_created", "user_looked_up", "imported", "admin_ensured", "roles_added", "ready"}


class Breach(Record):
    """What does not hold: the invariant's number, the process if it is one's, and a sentence."""

    invariant: int
    process: UUID | None
    sentence: str


async def expiry(engines: Engines) -> AsyncIterator[Breach]:
    """I1: nothing is open past its end, and no grant is open but under a granted request."""
    now = await _now(engines)
    grants = await _rows(
        engines,
        select(t.access_grant, t.process.c.status)
        .join(t.process, t.process.c.id == t.access_grant.c.process_id)
        .where(t.access_grant.c.closed_at.is_(None)),
    )
    for one in grants:
        if one.status != "granted":
            yield _of(1, one, f"a grant is open, and the process is {one.status}.")
        if one.ends_at is not None and one.ends_at + CLOSING <= now:
            yield _of(
                1, one, f"access ended at {one.ends_at:%Y-%m-%d %H:%M:%S}Z and is not closed."
            )
    for table, end, statuses in OPEN_UNDER:
        query = select(table.c.process_id, t.process.c.status).join(t.process)
        over = table.c[end].is_(None) & t.process.c.status.not_in(statuses)
        for one in await _rows(engines, query.where(over)):
            yield _of(1, one, f"a {table.name} is open, and the process is {one.status}.")
    gate = SqlGate(engines)
    ended = select(t.access_grant).where(t.access_grant.c.ends_at <= now)
    for one in await _rows(engines, ended.order_by(t.access_grant.c.ends_at.desc()).limit(ASKED)):
        answer = await gate.check(one.person_id, one.tenant_id)
        if answer.is_open and answer.process == one.process_id:
            yield _of(1, one, "the gate is open past the end.")


async def one_end(engines: Engines) -> AsyncIterator[Breach]:
    """I3: one decision on what was asked, one end, and nothing but refusals after it."""
    entries = await _events(engines)
    query = select(t.process.c.id, t.process.c.kind, t.process.c.status, t.process.c.is_closed)
    for row in await _rows(engines, query):
        events = [one.event for one in entries.get(row.id, ())]
        if row.kind not in rules.KINDS:
            yield Breach(invariant=3, process=row.id, sentence=f"nothing is called {row.kind}.")
            continue
        if row.is_closed != (row.status in rules.KINDS[row.kind].closed):
            yield Breach(invariant=3, process=row.id, sentence=f"{row.status} is not closed so.")
        for sentence in lives.unruly(row.kind, row.status, row.is_closed, events):
            yield Breach(invariant=3, process=row.id, sentence=sentence)
        if row.kind != TENANT_ACCESS:
            continue
        if row.status in ONLY_AFTER_A_GRANT and "granted" not in events:
            yield Breach(
                invariant=3, process=row.id, sentence=f"it is {row.status} and was never granted."
            )
        if row.is_closed and events and events[-1] != row.status:
            yield Breach(invariant=3, process=row.id, sentence="something followed its end.")


async def order(engines: Engines) -> AsyncIterator[Breach]:
    """I5, the part that rows tell: no two commands were told the same version as their own."""
    told = Counter(
        (row.process_id, outcome["version"])
        for row in await _rows(engines, select(t.command))
        if (outcome := json.loads(row.outcome))["refusal"] is None
    )
    for (process, version), count in told.items():
        if count > 1:
            yield Breach(
                invariant=5, process=process, sentence=f"{count} commands made version {version}."
            )


async def posted(engines: Engines) -> AsyncIterator[Breach]:
    """I6, the part that rows tell: every mail was sent, or failed with a reason, in time."""
    now = await _now(engines)
    for row in await _rows(engines, select(t.outbox)):
        is_over = row.status in (MailStatus.SENT, MailStatus.FAILED)
        if not is_over and row.written_at + MAILING <= now:
            yield _of(6, row, f"mail {row.id} has waited since {row.written_at:%Y-%m-%d %H:%M}Z.")
        if row.status == MailStatus.FAILED and not row.reply:
            yield _of(6, row, f"mail {row.id} failed without a reason.")


async def record(engines: Engines, published: Published) -> AsyncIterator[Breach]:
    """I8: rows and record fit one to one, and every chain descends from what was published."""
    for sentence in (*published.breaches, *published.root_breaches()):
        yield Breach(invariant=8, process=None, sentence=sentence)
    async for process, _, found in Trail(engines).all_breaches(published.wanted):
        for sentence in found:
            yield Breach(invariant=8, process=process, sentence=sentence)


async def links(engines: Engines) -> AsyncIterator[Breach]:
    """I11, the part that rows tell: no proof of a mailed code or link was taken twice."""
    used: Counter[tuple[UUID, str]] = Counter()
    for row in await _rows(engines, select(t.command).where(t.command.c.body.is_not(None))):
        proof = json.loads(row.body)["command"]["args"].get("proof")
        if isinstance(proof, str) and json.loads(row.outcome)["refusal"] is None:
            used[(row.process_id, proof)] += 1
    for (process, _), count in used.items():
        if count > 1:
            yield Breach(invariant=11, process=process, sentence=f"a link was used {count} times.")


async def sealed(engines: Engines) -> AsyncIterator[Breach]:
    """I12, the part that rows tell: no secret outlives the mail that it was for."""
    over = t.outbox.c.status.in_((MailStatus.SENT, MailStatus.FAILED))
    for row in await _rows(engines, select(t.outbox).where(over, t.outbox.c.sealed.is_not(None))):
        yield _of(12, row, f"mail {row.id} is {row.status} and still holds its secret.")


async def sagas(engines: Engines) -> AsyncIterator[Breach]:
    """I13: an onboarding is complete or undone when it ends, and nothing is made in its undoing."""
    entries = await _events(engines)
    query = select(t.process.c.id, t.process.c.status, t.process.c.state).where(_is("onboarding"))
    for row in await _rows(engines, query):
        events = [one.event for one in entries.get(row.id, ())]
        undone = next((at for at, event in enumerate(events) if event in UNDOING), len(events))
        for event in events[undone:]:
            if event in MAKING:
                yield Breach(
                    invariant=13, process=row.id, sentence=f"{event} came after the undoing."
                )
        accounts = Onboarding.model_validate_json(row.state).accounts
        if row.status == "ready" and not all(one.is_done for one in accounts):
            yield Breach(invariant=13, process=row.id, sentence="it is ready, and not complete.")
        if row.status == "abandoned" and any(one.is_to_be_undone for one in accounts):
            yield Breach(invariant=13, process=row.id, sentence="it is abandoned, and not undone.")


async def switches(engines: Engines) -> AsyncIterator[Breach]:
    """I14: where a customer's access is off, no session of it is open."""
    query = (
        select(t.session)
        .join(t.process, t.process.c.id == t.session.c.process_id)
        .where(
            _is("customer_access"),
            t.process.c.status == "disabled",
            t.session.c.ended_at.is_(None),
        )
    )
    for row in await _rows(engines, query):
        yield _of(14, row, f"session {row.id} is open, and the access is off.")


def _is(kind: str) -> Any:
    return t.process.c.kind == kind


def _of(invariant: int, row: Row[Any], sentence: str) -> Breach:
    return Breach(invariant=invariant, process=row.process_id, sentence=sentence)


async def _events(engines: Engines) -> dict[UUID, list[Row[Any]]]:
    """Return all entries but refusals, by process, in order."""
    found: dict[UUID, list[Row[Any]]] = {}
    query = (
        select(t.audit.c.process_id, t.audit.c.event, t.audit.c.actor_id)
        .where(t.audit.c.version.is_not(None) | t.audit.c.event.not_like("refused.%"))
        .order_by(t.audit.c.process_id, t.audit.c.seq)
    )
    for row in await _rows(engines, query):
        found.setdefault(row.process_id, []).append(row)
    return found


async def _rows(engines: Engines, query: Select[Any]) -> Sequence[Row[Any]]:
    async with engines.snapshot() as connection:
        found: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return found


async def _now(engines: Engines) -> datetime:
    async with engines.read.connect() as connection:
        return await engines.clock.now(connection)
