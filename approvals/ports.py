"""What the activities need from the world."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from approvals.commands import Signed
from approvals.delivery import Outcome
from approvals.errors import ApprovalError
from approvals.facts import Counts, FreshSecret, Kin, LastUse, Needed
from approvals.passkeys import Passkey
from approvals.people import Directory, PersonId
from approvals.records import Record
from approvals.transition import EnrolledKey, Membership, State, Transition


class NoticesOf(Record):
    """Names the notices of one transition."""

    process: UUID
    version: int


class Addressee(Record):
    """Where and how a person reads: a verified address, a language, an IANA time zone."""

    email: str
    name: str
    locale: str
    time_zone: str


class OutboxItem(Record):
    """One notice to one person, as it waits in the outbox.

    *facts* are the values of its template: texts, ISO 8601 instants (UTC), lists of texts.
    *sealed* is a secret for this mail alone, still encrypted.
    """

    id: UUID
    process: UUID
    version: int
    kind: str
    to: Addressee
    facts: dict[str, str | bool | list[str] | None]
    sealed: str | None = None
    attempts: int = 0
    was_unknown: bool = False


class Letter(Record):
    """A rendered mail to one address. *message_id* comes with its angle brackets.

    *calendar* is an invitation (RFC 5545) that the mail brings along.
    """

    to: str
    subject: str
    text: str
    html: str
    message_id: str
    calendar: str | None = None
    may_be_duplicate: bool = False


class Fate(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


class Posting(Record):
    """The fate of one attempt, and the server's reply: made printable, at most 500 characters."""

    fate: Fate
    reply: str
    mailbox_full: bool = False


class Mailer(Protocol):
    """Hands one letter to a mail server."""

    async def send(self, letter: Letter) -> Posting:
        """Try once, within 60 seconds. Never raises for what a mail server or network does."""
        ...


class Renderer(Protocol):
    """Turns a notice into a letter."""

    def letter(self, item: OutboxItem, secret: str | None) -> Letter:
        """Render in the addressee's language and time zone. *secret* is the opened *sealed*."""
        ...


class Outbox(Protocol):
    """The notices that wait, and what became of them."""

    async def next(
        self,
        notices: NoticesOf,
        tried: frozenset[UUID],
        settled: tuple[OutboxItem, Posting] | None,
    ) -> OutboxItem | None:
        """Record what became of the last notice and take the next, in one transaction.

        Returns None when the transition has no notice left that is not in *tried*. A notice that
        another job took less than ``LEASE`` ago is left to it; one that was taken longer ago was
        lost, and counts as one of unknown outcome.
        """
        ...

    async def is_done(self, notices: NoticesOf) -> bool:
        """Whether every notice of the transition is sent or has failed for good."""
        ...

    async def left_over(self, older_than_seconds: int) -> Sequence[tuple[NoticesOf, str]]:
        """Return transitions with notices to send and their fairness keys; at most 500."""
        ...


class MailQueue(Protocol):
    """Temporal's job queue for mail."""

    async def enqueue(self, notices: NoticesOf, fairness_key: str) -> None:
        """Queue one job a transition; asking again is harmless. Never raises."""
        ...


class Codes(Protocol):
    """One-time codes and the server keys around them."""

    def fresh(self, login: UUID, public_key: str) -> FreshSecret:
        """Draw an eight-digit code for this sign-in and this public key."""
        ...

    def link(self, process: UUID) -> FreshSecret:
        """Draw the token of a link to this process: 256 random bits."""
        ...

    def keyed(self, proof: str) -> str:
        """Return the HMAC-SHA256 of a client's proof under the server's key, as hex."""
        ...

    def opened(self, sealed: str) -> str:
        """Decrypt what only a mail may show. Raises ValueError if it is not ours."""
        ...


class Signatures(Protocol):
    """Ed25519, behind a port so that the rules need no cryptography."""

    def holds(self, public_key: str, message: bytes, signature: str) -> bool:
        """Whether *signature* (base64url) over *message* is by *public_key* (base64url)."""
        ...


class LockedRow(Protocol):
    """One process's row under its lock, inside one transaction, with the clock read after it."""

    @property
    def process(self) -> UUID: ...
    @property
    def now(self) -> datetime:
        """The moment of the decision: aware UTC."""

    @property
    def state(self) -> State | None: ...
    @property
    def written(self) -> Transition | None:
        """The transition that this transaction wrote, if it wrote one."""

    def standing(self) -> Outcome:
        """Return where the process stands, unchanged; version 0 when there is no row."""
        ...

    async def note(self, event: str, reason: str) -> None:
        """Record what happened outside, and changes neither row nor version."""

    async def key(self, key: UUID) -> EnrolledKey | None:
        """Return the enrolled key of that id, revoked and expired ones too."""

    async def passkeys(self, person: PersonId) -> tuple[UUID, ...]:
        """Return a person's passkeys without the removed ones, and keep them."""

    async def passkey(self, passkey: UUID) -> Passkey | None:
        """Return one passkey, a removed one too, and keep it for this transaction alone."""

    async def recorded(self, signed: Signed) -> Outcome | None:
        """Return what the same command was answered before.

        Raises NonceReusedError when the key used the nonce for another command.
        """
        ...

    async def directory(self, needed: Needed) -> Directory:
        """Read a part of the directory and keep it from changing until the transaction ends."""
        ...

    async def memberships(self, needed: Needed) -> tuple[Membership, ...]:
        """Return who is a member of the sites and keep that from changing; if asked for."""
        ...

    async def last_uses(self, people: Sequence[PersonId]) -> tuple[LastUse, ...]:
        """Return when each last signed in or opened a session; who never did is left out."""
        ...

    async def counts(self, signed: Signed) -> Counts:
        """Count requests for the quotas of a policy."""
        ...

    async def kin(self, subject: str) -> Kin:
        """Return what is known of the subject's processes; nobody else begins one meanwhile."""
        ...

    async def refuse(
        self, refusal: ApprovalError, signed: Signed | None, said: bytes, sentence: str
    ) -> Outcome:
        """Audit a refusal (capped) and return it; *signed* only when its signature is good."""
        ...

    async def write(
        self, transition: Transition, directory: Directory, signed: Signed | None
    ) -> Outcome:
        """Write the state, audit entry, grants, sessions, keys, outbox rows and the nonce."""
        ...


class Ledger(Protocol):
    """Where processes are kept."""

    def locked(self, process: UUID, at: datetime) -> AbstractAsyncContextManager[LockedRow]:
        """Lock one process for one transaction: committed at the end, rolled back on an error."""
        ...

    async def are_closed(self, processes: Sequence[UUID]) -> Mapping[UUID, bool]:
        """Return which of *processes* are closed; one without a row is left out."""
        ...

    async def open_processes(self) -> Sequence["OpenProcess"]:
        """Return every process that is not closed."""
        ...

    async def due_processes(self, kind: str) -> Sequence[UUID]:
        """Return the open processes of one kind that are due by the clock of the decisions."""
        ...


class OpenProcess(Record):
    """What is needed to start a process's workflow again, and to see that it is overdue."""

    id: UUID
    kind: str
    tenant: UUID | None
    due: datetime | None
