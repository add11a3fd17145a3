"""Checks what must always hold (I1 to I17) against database, Temporal, mailbox and logs.

Every check is one function that yields breaches, or raises UnreadableError with a plain word for
what cannot be read where it runs.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jinja2 import TemplateError
from temporalio.client import Client

from activities import names
from approvals.ports import OutboxItem, Renderer
from approvals.rules import KINDS
from starter import leaks
from starter.evidence import Call, Evidence, Finding, UnreadableError
from starter.letters import StoredLetter, letters
from starter.replaying import replayed
from store import invariants as rows
from store import recorded
from store.grounds import grants
from store.invariants import Breach
from store.outbox import all_items

STUCK_AFTER = 3  # attempts of one workflow task
LOOKED_AT = 200  # running workflows whose task is looked at, and histories that are replayed


async def check_invariants(
    evidence: Evidence, without: frozenset[int] = frozenset()
) -> list[Finding]:
    """Run every check but those *without*; return what each found, in order of their numbers."""
    found = []
    for number, name, check in CHECKS:
        if number in without:
            continue
        breaches: list[Breach] = []
        skipped = None
        try:
            async for one in check(evidence):
                breaches.append(one)
        except UnreadableError as why:
            skipped = str(why)
        except (ValueError, KeyError, TypeError):  # of what somebody wrote behind our back
            sentence = "what it reads of the database has lost its form."
            breaches.append(Breach(invariant=number, process=None, sentence=sentence))
        found.append(
            Finding(invariant=number, name=name, breaches=tuple(breaches), skipped=skipped)
        )
    return found


async def durable(at: Evidence) -> AsyncIterator[Breach]:
    """I4: whatever a caller was told is recorded, with the same receipt."""
    if at.calls is None:
        raise UnreadableError("what callers were told is known to them alone")
    told = await recorded.answers(at.engines)
    for one in at.calls:
        if f'"receipt":"{one.receipt}"' not in told.get((one.key, one.nonce), ""):
            sentence = f"receipt {one.receipt} is not recorded."
            yield Breach(invariant=4, process=one.process, sentence=sentence)


async def in_order(at: Evidence) -> AsyncIterator[Breach]:
    """I5: versions are taken once each, and a call that ended before another began came first.

    The record gives the one order in which the commands of a process count; it is right if it
    contradicts no caller's clock.
    """
    async for breach in rows.order(at.engines):
        yield breach
    latest: dict[UUID, list[Call]] = {}
    for one in sorted(at.calls or (), key=lambda call: call.sent_at):
        earlier = latest.setdefault(one.process, [])
        if any(e.answered_at < one.sent_at and e.version >= one.version for e in earlier):
            sentence = f"version {one.version} was made after a later one had been answered."
            yield Breach(invariant=5, process=one.process, sentence=sentence)
        earlier.append(one)


async def mail_count(at: Evidence) -> AsyncIterator[Breach]:
    """I6: a sent mail arrived, and at most once more for every attempt of unknown outcome."""
    async for one in rows.posted(at.engines):
        yield one
    if at.maildir is None:
        return
    arrived = Counter(one.message_id.partition("@")[0][1:] for one in letters(at.maildir))
    for row in await recorded.mails(at.engines):
        copies = arrived[str(row.id)]
        most = 1 + bool(row.was_unknown)
        if row.status == "sent" and not 1 <= copies <= most:
            sentence = f"mail {row.id} was sent, and {copies} copies of it arrived."
            yield Breach(invariant=6, process=row.process_id, sentence=sentence)


async def mail_truth(at: Evidence) -> AsyncIterator[Breach]:
    """I7: no mail without its notice, no notice without its entry in the record."""
    for row in await recorded.mails(at.engines):
        if row.seq is None:
            sentence = f"mail {row.id} tells of a change that is not in the record."
            yield Breach(invariant=7, process=row.process_id, sentence=sentence)
    if at.maildir is None:
        return
    known = {str(one.id): one for one in await all_items(at.engines)}
    for letter in letters(at.maildir):
        item = known.get(letter.message_id.partition("@")[0][1:])
        if item is None:
            sentence = f"a mail {letter.message_id} arrived that no notice explains."
            yield Breach(invariant=7, process=None, sentence=sentence)
        elif at.renderer is not None and not _tells(letter, item, at.renderer):
            sentence = f"mail {item.id} says something else than its notice."
            yield Breach(invariant=7, process=item.process, sentence=sentence)


def _tells(letter: StoredLetter, item: OutboxItem, renderer: Renderer) -> bool:
    """Whether a mail is what its notice gives; of what held a secret, whether it went to it."""
    if letter.to != item.to.email:
        return False
    try:
        meant = renderer.letter(item, None)
    except TemplateError:  # its secret is gone
        return True
    return (letter.subject, letter.text.split()) == (meant.subject, meant.text.split())


async def no_orphan(at: Evidence) -> AsyncIterator[Breach]:
    """I9: a row that is not closed has a running workflow, and no other workflow runs."""
    client = _client(at)
    found, now = await recorded.processes(at.engines)
    running = set()
    async for one in client.list_workflows("ExecutionStatus = 'Running'"):
        named = names.process_of(one.id)
        if named is None or one.workflow_type not in KINDS:
            continue
        running.add(named)
        is_settled = one.start_time + at.settling < datetime.now(UTC)
        if is_settled and (named not in found or _is_over(found[named], now - at.settling)):
            yield Breach(invariant=9, process=named, sentence="a workflow runs without need.")
    for row in found.values():
        is_settled = row.changed_at is None or row.changed_at + at.settling < now
        if not row.is_closed and row.id not in running and is_settled:
            yield Breach(invariant=9, process=row.id, sentence="it is open, and no workflow runs.")


def _is_over(row: Any, since: datetime) -> bool:
    return bool(row.is_closed) and (row.changed_at is None or row.changed_at < since)


async def tenants(at: Evidence) -> AsyncIterator[Breach]:
    """I10: none of a tenant's canaries stands where others read: in logs, and in histories."""
    if not at.canaries:
        raise UnreadableError("it needs texts that are known to be one tenant's")
    if not at.logs and at.client is None:
        raise UnreadableError("there is no log and no history to look into")
    async for place in _places(at, with_rows=False):
        if leaks.found_in(place, at.canaries):
            yield Breach(
                invariant=10, process=None, sentence=f"a tenant's text stands in {place.name}."
            )


async def no_secret(at: Evidence) -> AsyncIterator[Breach]:
    """I12: no key, password, token or sealed text outlives its use or stands in a log."""
    async for one in rows.sealed(at.engines):
        yield one
    async for place in _places(at, with_rows=True):
        if leaks.found_in(place, at.secrets) or leaks.TOKEN.search(place.content):
            yield Breach(invariant=12, process=None, sentence=f"a secret stands in {place.name}.")


async def no_stuck_input(at: Evidence) -> AsyncIterator[Breach]:
    """I15: no input wedges a workflow, and no log holds a traceback."""
    for place in leaks.log_places(at.logs):
        if b'"exception"' in place.content:
            yield Breach(
                invariant=15, process=None, sentence=f"a traceback stands in {place.name}."
            )
    client = _client(at)
    query = "ExecutionStatus = 'Running'"
    async for one in client.list_workflows(query, limit=LOOKED_AT):
        described = await client.get_workflow_handle(one.id).describe()
        task = described.raw_description.pending_workflow_task
        since = task.original_scheduled_time.ToDatetime(tzinfo=UTC)
        if task.attempt >= STUCK_AFTER and since + at.settling < datetime.now(UTC):
            sentence = f"workflow {one.id} fails at the same task again and again."
            yield Breach(invariant=15, process=names.process_of(one.id), sentence=sentence)


async def replays(at: Evidence) -> AsyncIterator[Breach]:
    """I16: what Temporal holds replays on the code that is installed here."""
    for one in (await replayed(_client(at), LOOKED_AT)).broken:
        sentence = f"workflow {one.workflow} does not replay: {one.why}"
        yield Breach(invariant=16, process=names.process_of(one.workflow), sentence=sentence)


async def at_rest(at: Evidence) -> AsyncIterator[Breach]:
    """I17: five minutes after a load nothing takes a tenth more than before it."""
    if at.rest is None:
        raise UnreadableError("it compares measurements before and after a load")
    before, after = at.rest
    for name, value in before.items():
        if after.get(name, 0) > value * 1.1:
            sentence = f"{name} grew from {value} to {after[name]}."
            yield Breach(invariant=17, process=None, sentence=sentence)


async def _places(at: Evidence, *, with_rows: bool) -> AsyncIterator[leaks.Place]:
    for place in leaks.log_places(at.logs):
        yield place
    if with_rows:
        async for place in leaks.row_places(at.engines):
            yield place
    if at.client is not None:
        async for place in leaks.history_places(at.client):
            yield place


def _client(at: Evidence) -> Client:
    if at.client is None:
        raise UnreadableError("Temporal does not answer")
    return at.client


Check = Callable[[Evidence], AsyncIterator[Breach]]
CHECKS: Sequence[tuple[int, str, Check]] = (
    (1, "access ends on time", lambda at: rows.expiry(at.engines)),
    (2, "access rests on decisions", lambda at: grants(at.engines, at.signatures, at.unproved)),
    (3, "one decision and one end", lambda at: rows.one_end(at.engines)),
    (4, "what was answered is there", durable),
    (5, "commands follow one another", in_order),
    (6, "every mail arrives", mail_count),
    (7, "every mail is true", mail_truth),
    (8, "the record is whole", lambda at: rows.record(at.engines, at.published)),
    (9, "open rows run", no_orphan),
    (10, "tenants see nothing of each other", tenants),
    (11, "links are used once", lambda at: rows.links(at.engines)),
    (12, "no secret is left lying", no_secret),
    (13, "onboardings complete or are undone", lambda at: rows.sagas(at.engines)),
    (14, "a switch that is off shuts", lambda at: rows.switches(at.engines)),
    (15, "no input wedges anything", no_stuck_input),
    (16, "histories replay", replays),
    (17, "nothing leaks at rest", at_rest),
)
