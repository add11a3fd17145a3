"""Every way in which the rules say no. A constructor takes the facts and builds the sentence."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

NameOf = Callable[[UUID], str]


def say(moment: datetime) -> str:
    """Write an aware instant as people read it in a sentence, in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class FieldError(ValueError):
    """One field breaks one rule: *code* is the rule's stable name, the text its sentence.

    A ValueError, so that pydantic collects it beside the field's name.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class ApprovalError(Exception):
    """A rule said no. *code* is wire format; the sentence is for the person who asked."""

    code: ClassVar[str] = "refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)

    @property
    def seconds(self) -> int | None:
        """How long to wait, where that is known and helps."""
        return None

    def sentence(self, name_of: NameOf = str) -> str:
        """Return the sentence; *name_of* turns a person's id into a name where one is told."""
        return str(self)


class InvalidDecisionError(ApprovalError):
    """The message is not a command: wrong shape, size, signature, key or time.

    *fields* are pairs of a field's path and the sentence of its rule.
    """

    code = "invalid_decision"
    fields: tuple[tuple[str, str], ...] = ()

    def __init__(self, *fields: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {rule}" for field, rule in fields))
        self.fields = fields


class CommandStaleError(ApprovalError):
    """The command was signed too long ago, or in the future."""

    code = "command_stale"

    def __init__(self, issued_at: datetime, now: datetime) -> None:
        super().__init__(
            f"This command was signed at {say(issued_at)} and counts for five minutes;"
            f" it is {say(now)}. Nothing was changed; give the command again."
        )


class NonceReusedError(ApprovalError):
    """The same nonce came with another body."""

    code = "nonce_reused"

    def __init__(self) -> None:
        super().__init__("This command's number was used for another command. Nothing was changed.")


class KeyRefusedError(ApprovalError):
    """The key is unknown, revoked, expired, or belongs to somebody else."""

    code = "key_refused"

    def __init__(self) -> None:
        super().__init__("This key cannot sign here. Sign in again with 'gatehouse login'.")


class SignInAgedError(ApprovalError):
    """A decision in the portal needs an authentication that is not old."""

    code = "sign_in_aged"

    def __init__(self) -> None:
        super().__init__(
            "Your sign-in is older than 15 minutes, and a decision needs a fresh one."
            " Nothing was changed; confirm that it is you and decide then."
        )


class PasskeyNeededError(ApprovalError):
    """Somebody who has a passkey was signed in by something weaker."""

    code = "passkey_needed"

    def __init__(self) -> None:
        super().__init__(
            "You have a passkey, and a decision needs it. Nothing was changed;"
            " confirm with your passkey that it is you and decide then."
        )


class PasskeyRefusedError(ApprovalError):
    """A passkey cannot be added, or what it signed does not hold."""

    code = "passkey_refused"


class NotFoundError(ApprovalError):
    """Unknown, or not to be seen by this person: the same words for both."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing here, or you may not see it.")


class NotAuthorisedError(ApprovalError):
    """The person may see the process, but lacks the role that the command needs."""

    code = "role_not_approvable"

    def __init__(self, act: str, role: str) -> None:
        super().__init__(f"You may not {act}: that needs the role {role}.")


class OwnRequestError(ApprovalError):
    """Nobody decides on their own request, nor on one that grants them access."""

    code = "own_request"

    def __init__(self) -> None:
        super().__init__(
            "You cannot decide this request: you sent it, or it would give you access."
        )


class SubmissionError(ApprovalError):
    """A submission names a person or tenant that it may not name."""

    code = "submission_refused"


class AlreadySubmittedError(ApprovalError):
    """The process of this batch and tenant exists already."""

    code = "already_submitted"

    def __init__(self) -> None:
        super().__init__("This request was already sent. Nothing was changed.")


class AlreadyDecidedError(ApprovalError):
    """Somebody, or the clock, was first."""

    code = "already_decided"
    _by: UUID | None = None  # so it stays when the error comes back over the wire

    def __init__(
        self,
        status: str,
        by: UUID | None,
        at: datetime,
        what: str = "This request",
        stands: str = "",
    ) -> None:
        self._by, self._now = by, f" {stands}" if stands else ""
        self._was, self._on = f"{what} was already {status}", f" on {say(at)}."
        super().__init__(f"{self._was}{self._on}{self._now} Nothing was changed.")

    def sentence(self, name_of: NameOf = str) -> str:
        if self._by is None:
            return str(self)
        return f"{self._was} by {name_of(self._by)}{self._on}{self._now} Nothing was changed."


class TooLateError(ApprovalError):
    """The decision window, or the access, has ended by this clock."""

    code = "too_late"

    def __init__(self, what: str, ended: datetime) -> None:
        super().__init__(f"{what} ended on {say(ended)}. Nothing was changed.")


class NotAllowedNowError(ApprovalError):
    """The command does not fit the state."""

    code = "not_allowed_now"

    def __init__(self, act: str, status: str) -> None:
        super().__init__(f"You cannot {act} now: this is {status}. Nothing was changed.")


class EndDateError(ApprovalError):
    """An end date is missing, past, too near or too far; *rule* is the broken rule's code."""

    code = "end_date"
    rule: str = ""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule


class StaleError(ApprovalError):
    """What the person saw has changed since; *difference* says what holds now."""

    code = "stale"

    def __init__(self, difference: str) -> None:
        super().__init__(
            f"This changed after you looked at it: {difference}"
            " Nothing was decided; look again and decide then."
        )


class ReplacedError(ApprovalError):
    """A newer code was mailed, which voids this one."""

    code = "replaced"

    def __init__(self) -> None:
        super().__init__("A newer code was mailed, which voids this one. Enter the newest.")


class WrongCodeError(ApprovalError):
    """A one-time code did not fit."""

    code = "wrong_code"

    def __init__(self, left: int) -> None:
        tries = "Ask for a new code." if left == 0 else f"{left} of 5 attempts are left."
        super().__init__(f"That code is not right. {tries}")


class RateLimitedError(ApprovalError):
    """A quota of the policy, or a limit on codes and links, is used up."""

    code = "rate_limited"

    @classmethod
    def in_seconds(cls, seconds: int) -> "RateLimitedError":
        """Return the refusal of whoever tried too often and may try again in *seconds*."""
        return cls(f"Too many attempts. Try again in {seconds} seconds.")

    @property
    def seconds(self) -> int | None:
        """Read from the sentence, which is all of a refusal that Temporal carries for everybody."""
        found = re.search(r"Try again in ([0-9]+) (second|minute)s", str(self))
        if found is None:
            return None
        return int(found[1]) * (60 if found[2] == "minute" else 1)


def _by_code() -> dict[str, type[ApprovalError]]:
    return {kind.code: kind for kind in ApprovalError.__subclasses__()}


def restored(code: str, sentence: str) -> ApprovalError:
    """Turn a refusal that came over the wire back into its class; unknown codes stay general."""
    kind = _by_code().get(code, ApprovalError)
    error = kind.__new__(kind)
    Exception.__init__(error, sentence)
    return error
