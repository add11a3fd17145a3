"""Sends many forms one by one, and reports what became of each: one that fails stops no other."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from approvals.errors import AlreadySubmittedError, ApprovalError
from starter.client import UnreachableError
from starter.console import aside, status

LARGEST = 5_000_000  # bytes of a CSV file


class RefusedSomeError(ApprovalError):
    """Some of many were refused; the others were sent."""

    code = "refused_some"


class Sender:
    """Sends one after the other; after one that found nobody to send to, it tries no more."""

    def __init__(self) -> None:
        self._away: str | None = None

    async def outcome(self, send: Callable[[], Awaitable[object]], sent: str) -> tuple[str, str]:
        """Send one; return what became of it (*sent* if it was taken), and why."""
        if self._away is not None:
            return "not sent", self._away
        try:
            await send()
        except AlreadySubmittedError:
            return "already there", ""
        except ApprovalError as refusal:
            return "refused", str(refusal)
        except UnreachableError as away:
            self._away = str(away)
            return "not confirmed", self._away
        return sent, ""


def progress(doing: str) -> Progress:
    """Return a bar that shows how many are done, where somebody sits at a terminal."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=aside, transient=True, disable=not aside.is_terminal)


def counted(outcomes: Sequence[str], what: str, again: str, *, dry_run: bool) -> Counter[str]:
    """Say how many of *what* ended how, and return that.

    Raises UnreachableError, which says that *again* makes up for what was not confirmed.
    """
    counts = Counter(outcomes)
    status(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or f"No {what}.")
    if dry_run:
        status("Nothing was changed.")
    if away := counts["not confirmed"] + counts["not sent"]:
        raise UnreachableError(f"{away} of {len(outcomes)} {what} were not confirmed. {again}")
    return counts
