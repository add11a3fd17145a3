"""What one kind of process is made of: the forms it hears, its rules, its clock, who sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.commands import Forms, Signed
from approvals.facts import Facts, Needed
from approvals.people import Directory, PersonId
from approvals.transition import Transition


@dataclass(frozen=True)
class Kind:
    """One kind of process. *opening* are the commands that may begin one, *closed* its last states.

    *needed* gets None for a process without a row, and for a tick. *judge* gets the actor that the
    key proved (None only for a sign-in's own messages). *tick* is called once something is due;
    *informed_tick* instead of it, where the row alone does not tell enough.
    """

    name: str
    state: type[Any]
    closed: frozenset[str]
    commands: Forms
    opening: frozenset[str]
    needed: Callable[[Any, Signed | None], Needed]
    judge: Callable[[Any, Signed, PersonId | None, Facts, datetime], Transition]
    tick: Callable[[Any, datetime], Transition]
    may_see: Callable[[Any, PersonId, Directory], bool]
    informed_tick: Callable[[Any, Facts, datetime], Transition] | None = None
