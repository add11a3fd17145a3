"""A proof of one process: its chain, the signed commands behind it, their keys, a checkpoint.

Whoever holds the file and the checkpoint key's public half can check it, without the database. Only
what the checkpoint covers is shown to be an installation's: anybody can make chains, keys and
signatures that fit each other.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, ValidationError

from approvals import merkle
from approvals.audit import AuditEntry, breaches
from approvals.authority import FRESH, SKEW
from approvals.checkpoints import Head, Statement, is_signed
from approvals.instants import Instant
from approvals.ports import Signatures
from approvals.records import Record
from approvals.transition import EnrolledKey

LABEL = "gatehouse.proof.v1"
ENROLLING = ("begin", "prove")  # signed by the key that they enrol


class SignedCommand(Record):
    """The six signed fields as canonical JSON, and the signature over them."""

    body: str
    signature: str

    @property
    def digest(self) -> str:
        """The digest by which the record names it."""
        return hashlib.sha256(self.body.encode()).hexdigest()


class Place(Record):
    """The head of a chain, and the proof that it stands under a checkpoint's root."""

    head: Head
    proof: merkle.Inclusion


class KeyFacts(Record):
    """A key, and the chain of the sign-in that enrolled it with that sign-in's own commands."""

    key: EnrolledKey
    enrolment: tuple[AuditEntry, ...] = ()
    commands: tuple[SignedCommand, ...] = ()
    place: Place | None = None


class Coverage(Place):
    """A checkpoint's statement without its list, and the proof that it covers the process."""

    statement: Statement
    signature: str


class ProofPack(Record):
    """Everything that is known of one process and can be shown to others."""

    label: str = LABEL
    process: UUID
    made_at: AwareDatetime
    entries: tuple[AuditEntry, ...]
    commands: tuple[SignedCommand, ...] = ()
    keys: tuple[KeyFacts, ...] = ()
    checkpoint: Coverage | None = None


class _Named(Record):
    kind: str
    args: dict[str, Any]


class _Body(Record):
    """What a command must say before anything in it is looked at."""

    process_id: str
    key_id: str
    actor: str | None = None
    issued_at: Instant
    nonce: str
    command: _Named


class Verdict(Record):
    """What is wrong with a proof, and what it does not show although nothing is wrong."""

    breaches: tuple[str, ...]
    remarks: tuple[str, ...]


def judged(pack: ProofPack, signatures: Signatures, trusted: frozenset[str]) -> Verdict:
    """Check a proof; *trusted* are the public keys by which its checkpoint may be signed."""
    found = [*breaches(pack.entries, None, None)]
    if not pack.entries:
        found.append("the proof holds no entry.")
    if any(one.process != pack.process for one in pack.entries):
        found.append("the proof holds entries of another process.")
    said = {one.digest: one for one in pack.commands}
    keys = {one.key.id: one for one in pack.keys}
    for entry in pack.entries:
        found += _of_entry(entry, said, keys, signatures)
    for one in pack.keys:
        found += _of_key(one, signatures)
    found += _of_checkpoint(pack, signatures, trusted)
    remarks = [why for one in pack.entries for why in _unshown(one, said, keys)]
    return Verdict(breaches=tuple(found), remarks=tuple(remarks))


def is_covered(pack: ProofPack) -> bool:
    """Whether the proof's checkpoint has seen every entry that the proof shows."""
    if pack.checkpoint is None:
        return False
    chains = [(pack.entries, pack.checkpoint), *((one.enrolment, one.place) for one in pack.keys)]
    return all(
        place is not None and entries and entries[-1].seq == place.head.seq
        for entries, place in chains
    )


def _of_entry(
    entry: AuditEntry,
    said: Mapping[str, SignedCommand],
    keys: Mapping[UUID, KeyFacts],
    signatures: Signatures,
) -> Iterator[str]:
    if entry.command is None or entry.key is None:  # the clock's, or nobody's
        return
    where = f"{entry.process} entry {entry.seq}"
    command = said.get(entry.command)
    if command is None:
        if not _asks_for_code(entry):
            yield f"{where}: the signed command that it records is missing."
        return
    body = _read(command.body)
    if body is None:
        yield f"{where}: its command cannot be read."
        return
    wanted = {"process_id": (body.process_id, entry.process), "key_id": (body.key_id, entry.key)}
    for name, (told, recorded) in wanted.items():
        if told != str(recorded):
            yield f"{where}: its command is for another {name}."
    if body.actor not in (None, str(entry.actor)):
        yield f"{where}: its command is by somebody else."
    if body.nonce != entry.nonce:
        yield f"{where}: its command bears another nonce."
    if entry.key not in keys:
        if entry.key != entry.process:
            yield f"{where}: the key that signed it is not in the proof."
    elif not _is_by(keys[entry.key], command, signatures):
        yield f"{where}: the signature under its command does not hold."
    if entry.version is not None:
        yield from _in_time(where, entry, body, keys)


def _in_time(
    where: str, entry: AuditEntry, body: _Body, keys: Mapping[UUID, KeyFacts]
) -> Iterator[str]:
    """Judge what was taken: only a fresh command, by a key while it lived."""
    if not -SKEW <= entry.at - body.issued_at < FRESH:  # a difference, which no instant overflows
        yield f"{where}: its command was not fresh when it was taken."
    key = None if entry.key is None else keys.get(entry.key)
    if key is None or body.command.kind in ENROLLING:
        return
    ends = min(filter(None, (key.key.expires_at, key.key.revoked_at)))
    if not key.key.enrolled_at <= entry.at <= ends:
        yield f"{where}: its key was not in force then."


def _unshown(
    entry: AuditEntry, said: Mapping[str, SignedCommand], keys: Mapping[UUID, KeyFacts]
) -> Iterator[str]:
    """Say of a sign-in's entries what no proof shows. Before it has a key, nobody is accused."""
    where = f"{entry.process} entry {entry.seq}"
    if entry.command is None or entry.key is None:
        return
    if entry.command not in said:
        if _asks_for_code(entry):
            yield f"{where}: the request for a code names an address, so its text is not kept."
    elif entry.key == entry.process and entry.key not in keys:
        yield f"{where}: its sign-in enrolled no key, so the signature cannot be checked."


def _asks_for_code(entry: AuditEntry) -> bool:
    """Whether it records a sign-in's first message, or a refused one that nobody was known by."""
    if entry.version is None:
        return entry.actor is None
    return entry.event == "asked" and entry.key == entry.process


def _is_by(key: KeyFacts, command: SignedCommand, signatures: Signatures) -> bool:
    return signatures.holds(key.key.public_key, command.body.encode(), command.signature)


def _of_key(facts: KeyFacts, signatures: Signatures) -> Iterator[str]:
    where = f"key {facts.key.id}"
    if not facts.enrolment:
        yield f"{where}: the proof does not hold its enrolment: nothing shows whose it is."
        return
    yield from (f"{where}: {why}" for why in breaches(facts.enrolment, None, None))
    if any(one.process != facts.key.id for one in facts.enrolment):
        yield f"{where}: the sign-in beside it is another one."
    enrolled = [one for one in facts.enrolment if one.event == "enrolled"]
    if [one.actor for one in enrolled] != [facts.key.person]:
        yield f"{where}: its sign-in did not enrol it for person {facts.key.person}."
    said = {one.digest: one for one in facts.commands}
    proved = said.get(enrolled[0].command or "") if enrolled else None
    if proved is None or not _proves_code_of(facts.key.id, proved):
        yield f"{where}: the proof of its mailed code is missing."
    elif not _is_by(facts, proved, signatures):
        yield f"{where}: whoever proved its mailed code did not hold it."


def _proves_code_of(sign_in: UUID, command: SignedCommand) -> bool:
    body = _read(command.body)
    return body is not None and (body.process_id, body.command.kind) == (str(sign_in), "prove")


def _of_checkpoint(
    pack: ProofPack, signatures: Signatures, trusted: frozenset[str]
) -> Iterator[str]:
    """Judge whether somebody whom the reader trusts has seen what the proof shows."""
    covered = pack.checkpoint
    if covered is None:
        yield (
            "the proof holds no checkpoint: nothing shows that any of it comes from an installation"
            " that you trust, or that it is whole."
        )
        return
    statement = covered.statement
    where = f"checkpoint {statement.number}"
    if statement.key not in trusted:
        yield f"{where}: it is signed with a key that you do not trust."
    if not is_signed(statement, covered.signature, signatures):
        yield f"{where}: its signature does not hold."
    yield from _of_place(where, pack.entries, covered, statement)
    for one in pack.keys:
        if one.enrolment:
            yield from _of_place(f"{where}, key {one.key.id}", one.enrolment, one.place, statement)


def _of_place(
    where: str, entries: Sequence[AuditEntry], place: Place | None, by: Statement
) -> Iterator[str]:
    """Judge whether a checkpoint's tree holds the end of a chain."""
    if place is None:
        yield f"{where}: it does not cover this chain's end."
        return
    if place.proof.count != by.chains or by.root != (
        merkle.leads_to(merkle.leaf(place.head.text.encode()), place.proof)
    ):
        yield f"{where}: it does not cover this chain's end."
    head = place.head
    if not any((e.process, e.seq, e.hash) == (head.process, head.seq, head.hash) for e in entries):
        yield f"{where}: it saw entry {head.seq}, which is missing or another one here."
    later = sum(one.seq > head.seq for one in entries)
    if later:
        yield f"{where}: it saw the entries up to {head.seq}, and {later} more follow."


def _read(body: str) -> _Body | None:
    """Return what a command says, or None for what has not its shape."""
    try:
        return _Body.model_validate_json(body)
    except ValidationError:
        return None
