"""The record of one sign-in: its complete state, and the facts that its rules need."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from approvals.authority import PORTAL
from approvals.facts import Failures, FreshSecret
from approvals.passkeys import Passkey
from approvals.people import PersonId, TenantId
from approvals.records import Record
from approvals.transition import DirectoryChange, Index

KIND = "sign_in"
CLI = "cli"  # the channel of a key that its person holds
CODE_LIFE = timedelta(minutes=10)
KEY_LIFE = timedelta(hours=12)
PORTAL_KEY_LIFE = timedelta(hours=8)
ATTEMPTS = 5
CODES_PER_WINDOW = 5  # codes mailed to one address in ten minutes, whoever asks


class Status(StrEnum):
    """The life of a sign-in and its key."""

    PENDING = "pending"
    ENROLLED = "enrolled"
    DENIED = "denied"
    LAPSED = "lapsed"
    FINISHED = "finished"
    REVOKED = "revoked"
    EXPIRED = "expired"


CLOSED = frozenset(Status) - {Status.PENDING, Status.ENROLLED}


class Newcomer(Record):
    """Somebody whom the directory does not know, until they prove their address."""

    email: str
    name: str
    locale: str


class SignIn(Record):
    """The complete state of one sign-in.

    *person* is None for an address that nobody has: it looks the same from outside and never
    succeeds, unless a *newcomer* proves that it is theirs. *check* is the keyed proof; the code
    itself is stored nowhere but sealed for its mail. With an *issuer* there is no code: that
    provider of identities knows the person. Nor with a *passkey*, which shows that they are there.
    *passkeys* are those that were added in this sign-in.
    """

    kind: Literal["sign_in"] = "sign_in"
    process_id: UUID
    version: int = 1
    status: Status = Status.PENDING
    person: PersonId | None
    newcomer: Newcomer | None = None
    subject: str
    public_key: str
    client: str
    channel: str = CLI
    check: str
    issuer: str | None = None
    passkey: UUID | None = None
    passkeys: tuple[Passkey, ...] = ()
    attempts: int = 0
    failed_at: datetime | None = None
    asked_at: datetime
    ends_at: datetime
    enrolled_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: PersonId | None = None

    @property
    def key_life(self) -> timedelta:
        """How long the key signs, once it is enrolled."""
        return PORTAL_KEY_LIFE if self.channel == PORTAL else KEY_LIFE

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def due(self) -> datetime | None:
        return None if self.is_closed else self.ends_at

    @property
    def index(self) -> Index:
        named = () if self.person is None else (self.person,)
        return Index(requester=self.person, subject=self.subject, named=named)


class SignInFacts(Record):
    """What the rules need from outside: a fresh code, or how a proof compares.

    *recent* counts this address's sign-ins of the last ten minutes; *newest* is the latest one;
    *failures* are its wrong codes in a row.
    *newcomer* is a person to be who may get a code; *change* puts them into the directory.
    *passkey* is the one that signs in, *counted* what it counted, if what it signed holds.
    """

    person: PersonId | None = None
    newcomer: Newcomer | None = None
    change: DirectoryChange | None = None
    channel: str = CLI
    issuer: str | None = None
    passkey: Passkey | None = None
    counted: int | None = None
    subject: str = ""
    recent: int = 0
    failures: Failures = Failures()
    code: FreshSecret | None = None
    proof_check: str | None = None
    newest: UUID | None = None
    security_scopes: tuple[TenantId, ...] = ()
    by_operator: bool = False
