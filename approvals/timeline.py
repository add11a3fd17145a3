"""What happened to a process, line by line: its record, and its mails with their fates."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from approvals.audit import AuditEntry
from approvals.people import PersonId
from approvals.records import Record


class Line(Record):
    """One line of a timeline: when, what, who, and a word about it."""

    at: datetime
    event: str
    who: str
    text: str = ""


class Mail(Protocol):
    """A mail of a process and its fate."""

    @property
    def to(self) -> PersonId | None: ...
    @property
    def version(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reply(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...


def timeline(
    entries: Sequence[AuditEntry],
    mails: Sequence[Mail],
    name_of: Callable[[UUID | None], str],
) -> tuple[Line, ...]:
    """Return what happened, oldest first, refusals and mails included; everybody is named."""
    lines = [
        Line(at=one.at, event=one.event, who=name_of(one.actor), text=text_of(one))
        for one in entries
    ]
    lines += [
        Line(
            at=one.at,
            event=f"mail.{one.status}",
            who=name_of(one.to),
            text=one.kind.replace("_", " ") + (_fault(one)),
        )
        for one in mails
    ]
    return tuple(sorted(lines, key=lambda one: one.at))


def text_of(entry: AuditEntry) -> str:
    """Return what an entry says beside its event: the reason, and how many more were left out."""
    more = f"({entry.left_out} more left out)" if entry.left_out else None
    return " ".join(one for one in (entry.reason, more) if one)


def _fault(mail: Mail) -> str:
    return "" if mail.reply is None or mail.status == "sent" else f": {mail.reply}"
