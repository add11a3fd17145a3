"""Checkpoints: signed statements of where every chain of the record ended, kept outside it.

Each names the digest of the one before, a Merkle root over all heads, and the heads that changed
since; so the file as a whole tells all heads of each moment, and every line is short.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, ValidationError

from approvals import merkle
from approvals.audit import GENESIS
from approvals.canonical import canonical
from approvals.errors import InvalidDecisionError
from approvals.instants import wire_text
from approvals.ports import Signatures
from approvals.records import Record

LABEL = "gatehouse.checkpoint.v1"
Heads = dict[UUID, tuple[int, str]]  # of each process: number and hash of its chain's last entry


class Head(Record):
    """The last entry of one chain: its number and its hash."""

    process: UUID
    seq: int
    hash: str

    @property
    def text(self) -> str:
        """The one form in which a head is hashed."""
        return head_text(self.process, self.seq, self.hash)


class Statement(Record):
    """What a checkpoint signs. *changed* is the digest of the heads that its line lists."""

    label: str = LABEL
    number: int
    at: AwareDatetime
    previous: str
    chains: int
    root: str
    changed: str
    key: str

    @property
    def body(self) -> bytes:
        """The bytes that are signed: RFC 8785 JSON."""
        return canonical({**self.model_dump(mode="json", exclude={"at"}), "at": wire_text(self.at)})

    @property
    def digest(self) -> str:
        """What the next checkpoint names as the one before it."""
        return hashlib.sha256(self.body).hexdigest()


class Checkpoint(Record):
    """A signed statement with the heads that changed since the one before, sorted by process."""

    statement: Statement
    heads: tuple[Head, ...]
    signature: str

    @property
    def line(self) -> str:
        """The checkpoint as one line of the file."""
        return self.model_dump_json()


def changed_digest(heads: Sequence[Head]) -> str:
    """Return the digest over listed heads."""
    listed = "\n".join(one.text for one in heads)
    return hashlib.sha256(listed.encode()).hexdigest()


def stated(
    last: Statement | None, heads: Heads, changed: Sequence[Head], key: str, now: datetime
) -> Statement:
    """State all *heads* at *now*, after the *last* statement; *key* is the signing public key."""
    return Statement(
        number=1 if last is None else last.number + 1,
        at=now,
        previous=GENESIS if last is None else last.digest,
        chains=len(heads),
        root=merkle.root(leaves_of(heads)),
        changed=changed_digest(changed),
        key=key,
    )


def head_text(process: UUID, seq: int, found: str) -> str:
    """Write a head as it is hashed: its three parts, with blanks between."""
    return f"{process} {seq} {found}"


def leaves_of(heads: Heads) -> list[bytes]:
    """Return the leaves of the tree, sorted by process."""
    return [merkle.leaf(head_text(one, *heads[one]).encode()) for one in sorted(heads)]


def read(line: str) -> Checkpoint | None:
    """Read a line of the file, or return None for what is no checkpoint."""
    try:
        return Checkpoint.model_validate_json(line)
    except ValidationError:
        return None


class Published:
    """What a file of checkpoints says, line by line: all heads, and what is wrong with the file.

    *wanted* holds, of each process, the hash that an entry must have, and who says so.
    """

    def __init__(self, signatures: Signatures, trusted: frozenset[str]) -> None:
        self._signatures, self._trusted = signatures, trusted
        self.latest: Checkpoint | None = None
        self.heads: Heads = {}
        self.wanted: dict[UUID, dict[int, tuple[str, int]]] = {}
        self.breaches: list[str] = []

    @property
    def last(self) -> Statement | None:
        """What the latest checkpoint states."""
        return None if self.latest is None else self.latest.statement

    def add(self, lines: Iterable[str]) -> None:
        """Take the next lines of the file, and judge each by those before it."""
        for line in lines:
            found = read(line)
            number = 1 if self.last is None else self.last.number + 1
            if found is None:
                self.breaches.append(f"checkpoint {number}: its line cannot be read.")
                continue
            self.breaches += [f"checkpoint {number}: {why}" for why in self._wrong(found, number)]
            self._take(found)

    def _take(self, found: Checkpoint) -> None:
        self.latest = found
        for one in found.heads:
            self.heads[one.process] = (one.seq, one.hash)
            wanted = self.wanted.setdefault(one.process, {})
            wanted.setdefault(one.seq, (one.hash, found.statement.number))
        # A root costs a hash a chain; the one of the last line is compared at the end.

    def _wrong(self, found: Checkpoint, number: int) -> list[str]:
        statement, wrong = found.statement, []
        if statement.key not in self._trusted:
            wrong.append("it is signed with a key that is not ours.")
        elif not is_signed(statement, found.signature, self._signatures):
            wrong.append("its content was changed: the signature does not hold.")
        if statement.number != number:
            wrong.append(f"it calls itself {statement.number}: lines are missing or out of order.")
        if statement.previous != (GENESIS if self.last is None else self.last.digest):
            wrong.append("it does not follow the checkpoint before it.")
        if statement.changed != changed_digest(found.heads):
            wrong.append("the heads that it lists were changed.")
        return wrong

    def root_breaches(self) -> list[str]:
        """Return what is wrong with the last line's tree over all heads."""
        if self.last is None or self.last.root == merkle.root(leaves_of(self.heads)):
            return []
        return [f"checkpoint {self.last.number}: its heads do not give its root."]


def is_signed(statement: Statement, signature: str, signatures: Signatures) -> bool:
    """Whether the signature is by the key that the statement names."""
    try:
        return signatures.holds(statement.key, statement.body, signature)
    except InvalidDecisionError:
        return False


def descent(
    process: UUID, hashes: Mapping[int, str], wanted: Mapping[int, tuple[str, int]]
) -> tuple[str, ...]:
    """Return where a chain does not descend from what was published of it.

    *hashes* are those of its entries by number; *wanted* what checkpoints said of them.
    """
    found = []
    for seq, (wanted_hash, number) in sorted(wanted.items()):
        if not hashes:
            return (f"{process}: checkpoint {number} saw its chain, and it is gone.",)
        if seq not in hashes:
            found.append(
                f"{process} ends before entry {seq}, which checkpoint {number} saw: its end was"
                " cut, or an old backup restored."
            )
        elif hashes[seq] != wanted_hash:
            found.append(
                f"{process} entry {seq} is not the one that checkpoint {number} saw: the chain"
                " was written anew."
            )
    return tuple(found)
