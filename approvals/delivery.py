"""The shapes that travel between a workflow and the door: what it carries, and the answer."""

from datetime import datetime
from uuid import UUID

from approvals.records import Record


class Start(Record):
    """The whole input of every workflow: a process id, and its signed submission if it is new."""

    process: UUID
    submission: bytes | None = None


class Delivery(Record):
    """What a workflow carries to the door. ``said=None`` is a tick.

    *at* is the workflow's own time, which only the clock of time-skipping tests reads.
    """

    process: UUID
    said: bytes | None
    at: datetime
    by_signal: bool = False


class Refusal(Record):
    """A rule's stable code and its sentence for people."""

    code: str
    sentence: str


class Outcome(Record):
    """Where a process stands after the door judged something. Version 0: there is no such row.

    *due* is the next instant at which a tick would do something. *receipt* is the id of what was
    made or decided: the process id, or a session's.
    """

    version: int = 0
    status: str = ""
    due: datetime | None = None
    receipt: str | None = None
    refusal: Refusal | None = None
