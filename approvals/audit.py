"""The record: one hash chain a process, in which refusals stand beside what was done."""

import hashlib
from uuid import UUID

from pydantic import AwareDatetime

from approvals import canonical
from approvals.errors import InvalidDecisionError
from approvals.instants import wire_text
from approvals.records import Record

GENESIS = "0" * 64
LABEL = b"gatehouse.audit.v1"
INSTALLATION = UUID(int=0)  # the chain of what belongs to no process


class AuditEntry(Record):
    """One immutable line. *left_out* counts capped refusals before it.

    *version* is None for what changed nothing: a refusal, or what is noted of the world outside.

    *command* is the SHA-256 of the signed command, *state* of the row's JSON after it.
    """

    process: UUID
    seq: int
    version: int | None
    at: AwareDatetime
    actor: UUID | None
    channel: str
    key: UUID | None
    nonce: str | None
    command: str | None
    event: str
    reason: str | None
    state: str | None
    left_out: int = 0
    previous: str
    hash: str = ""

    def sealed(self) -> "AuditEntry":
        """Return the entry with its hash."""
        return self.model_copy(update={"hash": self.computed_hash()})

    def computed_hash(self) -> str:
        """Return SHA-256(label, previous hash, canonical JSON of the entry), as hex."""
        content: dict[str, str | int | None] = {
            "process": str(self.process),
            "seq": self.seq,
            "version": self.version,
            "at": wire_text(self.at),
            "actor": None if self.actor is None else str(self.actor),
            "channel": self.channel,
            "key": None if self.key is None else str(self.key),
            "nonce": self.nonce,
            "command": self.command,
            "event": self.event,
            "reason": self.reason,
            "reason_hash": None if self.reason is None else text_hash(self.reason),
            "state": self.state,
            "left_out": self.left_out,
        }
        data = LABEL + bytes.fromhex(self.previous) + canonical.flat(content)
        return hashlib.sha256(data).hexdigest()

    @property
    def is_intact(self) -> bool:
        """Whether the content fits the hash; what has no canonical form any more does not."""
        try:
            return self.hash == self.computed_hash()
        except (ValueError, InvalidDecisionError):
            return False


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def breaches(
    entries: tuple[AuditEntry, ...], version: int | None, state: str | None
) -> tuple[str, ...]:
    """Return what is wrong with one process's chain, as sentences; empty means it verifies.

    *version* and *state* (the digest of the row's JSON) are the row's own, None for a chain
    without a row. The last entry that changed the row must carry both.
    """
    found: list[str] = []
    previous, seq, last = GENESIS, 0, 0
    for entry in entries:
        where = f"{entry.process} entry {entry.seq}"
        if entry.seq != seq + 1:
            found.append(f"{where}: number {seq + 1} should stand here.")
        if entry.previous != previous:
            found.append(f"{where}: it does not follow the entry before it.")
        if not entry.is_intact:
            found.append(f"{where}: its content was changed.")
        if entry.version not in (None, last + 1):
            found.append(f"{where}: version {last + 1} should stand here.")
        previous, seq, last = entry.hash, entry.seq, entry.version or last
    changed = [entry for entry in entries if entry.version is not None]
    if version is not None and (not changed or changed[-1].version != version):
        found.append(f"the row is at version {version}, the chain is not: the end was cut.")
    if state is not None and changed and changed[-1].state != state:
        found.append("the row's content is not what the chain's last entry recorded.")
    return tuple(found)
