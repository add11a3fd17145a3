"""What the checks of the invariants may read, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from temporalio.client import Client

from approvals.checkpoints import Published
from approvals.ports import Renderer, Signatures
from approvals.records import Record
from store.engine import Engines
from store.invariants import Breach

SETTLING = timedelta(seconds=60)  # after a change, before rows and workflows must fit


class UnreadableError(Exception):
    """What a check needs cannot be read here; the text says what."""


@dataclass(frozen=True)
class Call:
    """One command as its caller saw it: when it was sent, when it was answered, and how.

    *version* is that of the process after it; nothing is known of a call without an answer.
    """

    process: UUID
    key: UUID
    nonce: str
    receipt: str
    version: int
    sent_at: float
    answered_at: float


@dataclass(frozen=True)
class Evidence:
    """What the checks may read. *calls* are those that callers were told are done.

    *canaries* are texts that may stand nowhere but where they belong, *rest* what was measured
    before a load and after it, *unproved* keys that are known to have no sign-in. With a
    *renderer* every mail is compared with its notice; it must be the one that wrote them.
    """

    engines: Engines
    published: Published
    signatures: Signatures
    client: Client | None = None
    maildir: Path | None = None
    renderer: Renderer | None = None
    logs: tuple[Path, ...] = ()
    secrets: tuple[bytes, ...] = ()
    calls: tuple[Call, ...] | None = None
    canaries: tuple[bytes, ...] = ()
    rest: tuple[Mapping[str, float], Mapping[str, float]] | None = None
    unproved: frozenset[UUID] = frozenset()
    settling: timedelta = SETTLING


class Finding(Record):
    """What one check found: breaches, and why it was skipped, or ended early."""

    invariant: int
    name: str
    breaches: tuple[Breach, ...] = ()
    skipped: str | None = None
