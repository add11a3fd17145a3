"""Gives a command on a process of any kind: only judges it, prints it signed, or sends it."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from approvals.commands import Command
from starter.console import UsageError, print_json, print_text, status
from starter.options import AsJson, DryRun, SignOnly, Wait
from starter.process_desk import ProcessDesk


@dataclass(frozen=True)
class How:
    """How a command is given: an option each. Raises UsageError for two that exclude each other."""

    dry_run: DryRun = False
    sign_only: SignOnly = False
    wait: Wait = True
    as_json: AsJson = False

    def __post_init__(self) -> None:
        require_one_way(dry_run=self.dry_run, sign_only=self.sign_only)


@dataclass(frozen=True)
class HowSent:
    """How a command is given that a signal cannot carry: it opens a process, or returns an id."""

    dry_run: DryRun = False
    wait: Wait = True
    as_json: AsJson = False
    sign_only: ClassVar[bool] = False


async def give(
    on: ProcessDesk,
    process: UUID,
    command: Command,
    how: How | HowSent,
    *,
    group: UUID | None = None,
    done: str | None = None,
) -> Any:
    """Judge, print or send one command, and say that it is *done*, or how its process stands.

    The id of what it made is printed. Returns how the process looks then, or None where nobody
    waited. *group* is as for `ProcessDesk.give`.
    """
    if how.dry_run:
        say_judged(on, (await on.judged(process, command)).after, as_json=how.as_json)
        return None
    if how.sign_only:
        on.print_signed(process, command, as_json=how.as_json)
        return None
    receipt = await on.give(process, command, group=group, wait=how.wait)
    if not how.wait:
        say_left(process, as_json=how.as_json)
        return None
    _, view = await on.viewed(process)
    made = {} if receipt in ("", str(process)) else {"made": receipt}
    if how.as_json:
        print_json({**view.model_dump(mode="json"), "waited": True, **made})
    elif made:
        print_text(receipt)
    status(f"Done: {done or on.done(view)}")
    return view


def require_one_way(*, dry_run: bool, sign_only: bool) -> None:
    """Refuse to judge a command and to sign it at once. Raises UsageError."""
    if dry_run and sign_only:
        raise UsageError("Give --dry-run or --sign-only, not both.")


def say_judged(on: ProcessDesk, after: Any, *, as_json: bool) -> None:
    """Say what a command would make of a process."""
    if as_json:
        end = after.model_dump(mode="json", include={"ends_at", "no_end"})
        print_json({"dry_run": True, "status": after.status, **end})
    status(f"Nothing was changed. With this command it would be {on.word(after.status)}.")


def say_left(process: UUID, *, as_json: bool) -> None:
    """Say that a command was sent and nobody waits for its outcome."""
    if as_json:
        print_json({"id": str(process), "waited": False})
    status("Left with Temporal; its outcome will stand on the timeline.")
