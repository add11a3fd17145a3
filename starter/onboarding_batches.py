"""Starts many onboardings from a CSV file, in which one bad line stops no other."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from approvals.errors import AlreadySubmittedError, ApprovalError
from approvals.onboarding.customer_file import CustomerFileError, Row, read_row, rows_of
from approvals.records import Record
from starter import onboardings
from starter.client import UnreachableError
from starter.console import USAGE, aside, print_json, print_table, status
from starter.onboardings import OnboardingDesk
from starter.requests import batch_of
from starter.typed import text_of

LARGEST = 5_000_000  # bytes of a CSV file


class How(NamedTuple):
    """How to send, and how to tell what became of it. *wait* None: until each is accepted."""

    dry_run: bool
    wait: bool | None
    as_json: bool


class Sent(Record):
    """What became of one line.

    *outcome*: ``started``, ``already there``, ``refused``, ``not confirmed``, ``not sent`` (the
    one before it got no answer), ``would be started``; after waiting, how the onboarding stands.
    """

    line: int
    customer: str
    onboarding: UUID | None
    outcome: str
    why: str = ""


class RefusedSomeError(ApprovalError):
    """Some lines of a file were refused, or their onboardings parked."""

    code = "refused_some"


async def send(desk: OnboardingDesk, file: Path, organization: str | None, how: How) -> None:
    """Start the onboardings of a file and report each line.

    Raises RefusedSomeError or UnreachableError after the report.
    """
    content = text_of("--from-csv", file, LARGEST)
    try:
        rows = rows_of(content)
    except CustomerFileError as broken:
        status(f"{file}: {broken}")
        status("Nothing was changed.")
        raise typer.Exit(USAGE) from None
    sender = _Sender(desk, batch_of(content.encode(), desk.viewer), organization, how)
    columns = (TextColumn("Starting"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=aside, transient=True, disable=not aside.is_terminal)
    with bar:
        results = [await sender.send(row) for row in bar.track(rows)]
    if how.wait and not how.dry_run:
        results = [await _followed(desk, one) for one in results]
    _report(results, how)


class _Sender:
    """Sends forms one by one; after one that found nobody to send to, it does not try the rest."""

    def __init__(
        self, desk: OnboardingDesk, batch: UUID, organization: str | None, how: How
    ) -> None:
        self._desk, self._batch, self._organization, self._how = desk, batch, organization, how
        self._away: str | None = None

    async def send(self, row: Row) -> Sent:
        """Start the onboarding of one line and say what became of it."""
        process, outcome, why = None, "refused", ""
        try:
            start = read_row(row, self._batch, self._organization)
            view = await self._desk.drafted(start)
            process, outcome, why = view.id, "would be started", " ".join(view.warnings)
            if not self._how.dry_run:
                outcome = "not sent" if self._away else "started"
                why = self._away or why
                if not self._away:
                    await self._desk.start(start, wait=self._how.wait is not False)
        except CustomerFileError as broken:
            why = " ".join(str(one.model_copy(update={"line": None})) for one in broken.problems)
        except AlreadySubmittedError:
            outcome, why = "already there", ""
        except ApprovalError as refusal:
            outcome, why = "refused", str(refusal)
        except UnreachableError as away:
            self._away = str(away)
            outcome, why = "not confirmed", self._away
        return Sent(
            line=row.line, customer=row.customer, onboarding=process, outcome=outcome, why=why
        )


async def _followed(desk: OnboardingDesk, one: Sent) -> Sent:
    """Wait until a started onboarding is over or parked."""
    if one.onboarding is None or one.outcome != "started":
        return one
    status(f"{one.customer}:")
    view = await onboardings.followed(desk, one.onboarding)
    return one.model_copy(update={"outcome": view.status, "why": view.reason or one.why})


def _report(results: Sequence[Sent], how: How) -> None:
    if how.as_json:
        print_json([one.model_dump(mode="json") for one in results])
    elif results:
        print_table(
            ["LINE", "CUSTOMER", "ID", "OUTCOME", "WHY"],
            [
                [str(one.line), one.customer, str(one.onboarding or ""), one.outcome, one.why]
                for one in results
            ],
        )
    counts, total = Counter(one.outcome for one in results), len(results)
    status(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "No customers.")
    if how.dry_run:
        status("Nothing was changed.")
    if away := counts["not confirmed"] + counts["not sent"]:
        raise UnreachableError(
            f"{away} of {total} onboardings were not confirmed. Repeating it starts what is"
            " missing."
        )
    refused, parked = counts["refused"] + counts["abandoned"], counts["parked"]
    if refused or parked:
        hints = [
            f"{refused + parked} of {total} customers are not onboarded.",
            *(["A changed file is a new batch: put only the refused lines in it."] * bool(refused)),
            *(["Take up a parked one with `gatehouse onboarding retry ID`."] * bool(parked)),
        ]
        raise RefusedSomeError(" ".join(hints))
