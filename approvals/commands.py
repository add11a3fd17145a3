"""What people ask of a process, and the signed message in which a command travels."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, StringConstraints, ValidationError

from approvals import canonical
from approvals.errors import InvalidDecisionError
from approvals.fields import problems
from approvals.instants import Instant, wire_text
from approvals.people import PersonId
from approvals.records import Form, Record

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
PublicKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}\z")]
Signature = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{86}\z")]
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}\z")]

CLOCK = PersonId(UUID(int=0))  # the actor of what time alone demands
PLATFORM = PersonId(UUID(int=1))  # the actor of what follows from the customer platform's answers


class Command(Form):
    """A person's wish. *shown* is the digest of what they saw when they decided.

    Of a command that *is_kept* the signed text stays beside its outcome, so that others can check
    it; of the others only the digest does. What *needs_recent* opens or widens access: in a portal
    it is given only soon after its person has signed in, as decisions are.
    """

    kind: ClassVar[str]
    needs_shown: ClassVar[bool] = False
    needs_recent: ClassVar[bool] = False
    is_kept: ClassVar[bool] = True
    shown: Digest | None = None


class Elsewhere(Command):
    """A command of some process, sent to a number that has none: read, and then not found."""

    model_config = ConfigDict(extra="ignore")
    kind = "elsewhere"


class Tick:
    """What the clock asks. No message parses into it."""

    kind = "tick"


Forms = Mapping[str, type[Command]]
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


def parsed(said: bytes, forms: Forms, *, by_signal: bool = False) -> Signed:
    """Read a signed message; nothing is believed yet but its shape. *forms* are by command kind.

    Raises InvalidDecisionError that lists field and rule of everything that is wrong.
    """
    document = canonical.parsed(said)
    try:
        message = _Message.model_validate_json(canonical.canonical(document))
        command = _command(message.command, forms)
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


def _command(body: _Body, forms: Forms) -> Command:
    kind = forms.get(ALSO.get(body.kind, body.kind))
    if kind is None:
        raise InvalidDecisionError(("command.kind", "That is not a command."))
    if "shown" in body.args:
        raise InvalidDecisionError(("command.args.shown", "'shown' is not a field of this form."))
    if kind.needs_shown and body.shown is None:
        raise InvalidDecisionError(("command.shown", "Say what you saw: shown is missing."))
    return kind.model_validate_json(canonical.canonical({**body.args, "shown": body.shown}))


def forms_of(commands: Iterable[type[Command]]) -> Forms:
    """Return command forms by their kind."""
    return {one.kind: one for one in commands}


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
