"""What people ask of a process, and the signed message in which a command travels."""

import base64
import hashlib
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from approvals import canonical
from approvals.addresses import Address
from approvals.errors import InvalidDecisionError
from approvals.fields import problems
from approvals.instants import Instant, wire_text
from approvals.people import PersonId
from approvals.records import Form, Record
from approvals.slugs import Slug
from approvals.texts import DisplayName, Message, Reason, RequestName, Required
from approvals.texts import reason as checked_reason

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}\z")]
Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{86}\z")]
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}\z")]

CLOCK = PersonId(UUID(int=0))  # the actor of what time alone demands


class Mode(StrEnum):
    """Where a session lands: ``configure`` on business units, ``support`` on employees."""

    CONFIGURE = "configure"
    SUPPORT = "support"


class Command(Form):
    """A person's wish. *shown* is the digest of what they saw when they decided."""

    kind: ClassVar[str]
    needs_shown: ClassVar[bool] = False
    shown: Digest | None = None


class Submit(Command):
    """Ask one tenant's admins to let people in. *organization* is named by operators only."""

    kind = "submit"
    batch: UUID
    name: RequestName
    message: Message | None = None
    tenant: Slug
    people: tuple[PersonId, ...] = Field(min_length=1, max_length=100)
    organization: Slug | None = None


class Grant(Command):
    """Let the people in until *ends_at*, or without an end."""

    kind = "grant"
    needs_shown = True
    message: Message | None = None
    ends_at: Instant | None = None
    no_end: bool = False


class Deny(Command):
    """Refuse, with a reason."""

    kind = "deny"
    needs_shown = True
    reason: Reason


class Withdraw(Command):
    """Take the request back."""

    kind = "withdraw"


class ChangeEnd(Command):
    """Move, set or remove the end date."""

    kind = "change_end"
    needs_shown = True
    ends_at: Instant | None = None
    no_end: bool = False


class Revoke(Command):
    """End granted access at once."""

    kind = "revoke"
    needs_shown = True
    reason: Annotated[str, Required(partial(checked_reason, why="revoking this access"))]


class Finish(Command):
    """Be done before the end: for oneself, or (TM admin) for all."""

    kind = "finish"
    for_all: bool = False


class BeginSession(Command):
    """Open the tenant in one mode."""

    kind = "begin_session"
    mode: Mode


class EndSession(Command):
    """Close a session of one's own."""

    kind = "end_session"
    session: UUID


class Begin(Command):
    """Ask for a one-time code that will enrol *public_key* for the person of that address."""

    kind = "begin"
    email: Address
    public_key: PublicKey
    client: DisplayName


class Prove(Command):
    """Show that the mailed code is known: SHA-256 of sign-in id, public key and code."""

    kind = "prove"
    proof: Digest


class SignOut(Command):
    """End the key's life; signed by that key."""

    kind = "sign_out"


class RevokeKey(Command):
    """End a key's life from elsewhere: by its person, or by an operator."""

    kind = "revoke_key"
    reason: Annotated[str, Required(partial(checked_reason, why="revoking this key"))]


class Tick:
    """What the clock asks. No message parses into it."""

    kind = "tick"


KINDS: dict[str, type[Command]] = {
    one.kind: one
    for one in (
        Submit, Grant, Deny, Withdraw, ChangeEnd, Revoke, Finish, BeginSession, EndSession,
        Begin, Prove, SignOut, RevokeKey,
    )
}  # fmt: skip
ALSO = {"approve": "grant"}  # other words for a command that people may use


class _Body(Form):
    kind: str
    shown: Digest | None = None
    args: dict[str, Any] = {}


class _Message(Form):
    process_id: UUID
    command: _Body
    actor: UUID | None
    issued_at: Instant
    key_id: UUID
    nonce: Nonce
    signature: Signature


class Signed(Record):
    """A parsed command with its envelope. *digest* and *body* cover the six signed fields."""

    process: UUID
    command: Command
    actor: PersonId | None
    issued_at: datetime
    key: UUID
    nonce: str
    signature: str
    body: bytes
    digest: str
    by_signal: bool = False
    channel: str = "unknown"  # that of the key, once the signature holds


def parsed(said: bytes, *, by_signal: bool = False) -> Signed:
    """Read a signed message; nothing is believed yet but its shape.

    Raises InvalidDecisionError that lists field and rule of everything that is wrong.
    """
    document = canonical.parsed(said)
    try:
        message = _Message.model_validate_json(canonical.canonical(document))
        command = _command(message.command)
    except ValidationError as broken:
        raise InvalidDecisionError(
            *((path, sentence) for path, _, sentence in problems(broken))
        ) from None
    body = canonical.canonical({key: document[key] for key in document if key != "signature"})
    return Signed(
        process=message.process_id,
        command=command,
        actor=None if message.actor is None else PersonId(message.actor),
        issued_at=message.issued_at,
        key=message.key_id,
        nonce=message.nonce,
        signature=message.signature,
        body=body,
        digest=hashlib.sha256(body).hexdigest(),
        by_signal=by_signal,
    )


def _command(body: _Body) -> Command:
    kind = KINDS.get(ALSO.get(body.kind, body.kind))
    if kind is None:
        raise InvalidDecisionError(("command.kind", "That is not a command."))
    if "shown" in body.args:
        raise InvalidDecisionError(("command.args.shown", "'shown' is not a field of this form."))
    if kind.needs_shown and body.shown is None:
        raise InvalidDecisionError(("command.shown", "Say what you saw: shown is missing."))
    return kind.model_validate_json(canonical.canonical({**body.args, "shown": body.shown}))


def unsigned(
    process: UUID,
    command: Command,
    *,
    actor: UUID | None,
    issued_at: datetime,
    key: UUID,
    nonce: str,
) -> dict[str, Any]:
    """Return the six signed fields as a JSON object, ready for ``canonical``."""
    args = command.model_dump(mode="json", exclude_none=True, exclude={"shown"})
    return {
        "process_id": str(process),
        "command": {"kind": command.kind, "shown": command.shown, "args": args},
        "actor": None if actor is None else str(actor),
        "issued_at": wire_text(issued_at),
        "key_id": str(key),
        "nonce": nonce,
    }


def fingerprint(public_key: str) -> str:
    """Return how people compare a key: the first 16 hex digits of its SHA-256, in fours."""
    raw = base64.urlsafe_b64decode(public_key + "=")
    text = hashlib.sha256(raw).hexdigest()[:16]
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))
