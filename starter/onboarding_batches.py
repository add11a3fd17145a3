"""Starts many onboardings from a CSV file, in which one bad line stops no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from approvals.errors import AlreadySubmittedError, ApprovalError
from approvals.onboarding.commands import Start
from approvals.onboarding.customer_file import CustomerFileError, Row, read_row, rows_of
from approvals.records import Record
from starter import onboardings
from starter.console import print_json, print_table, status
from starter.onboardings import OnboardingDesk
from starter.options import AsJson, DryRun
from starter.requests import batch_of
from starter.sending import LARGEST, RefusedSomeError, Sender, counted, progress
from starter.typed import mistaken, text_of

Follow = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until it is ready or parked; or leave it with Temporal. Without either: wait"
        " until it is accepted.",
    ),
]


@dataclass(frozen=True)
class HowStarted:
    """How onboardings are started. *wait* None: until each is accepted."""

    dry_run: DryRun = False
    wait: Follow = None
    as_json: AsJson = False


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


async def send(desk: OnboardingDesk, file: Path, organization: str | None, how: HowStarted) -> None:
    """Start the onboardings of a file and report each line.

    Raises RefusedSomeError or UnreachableError after the report.
    """
    content = text_of("--from-csv", file, LARGEST)
    try:
        rows = rows_of(content)
    except CustomerFileError as broken:
        raise mistaken(file, broken.problems) from None
    batch = batch_of(content.encode(), desk.viewer)
    read = partial(read_row, batch=batch, organization=organization)
    sender = Sender()
    with progress("Starting") as bar:
        results = [await _sent(desk, sender, row, read, how) for row in bar.track(rows)]
    if how.wait and not how.dry_run:
        results = [await _followed(desk, one) for one in results]
    _report(results, file, how)


async def _sent(
    desk: OnboardingDesk, sender: Sender, row: Row, read: Callable[[Row], Start], how: HowStarted
) -> Sent:
    """Start the onboarding of one line and say what became of it."""
    process, outcome, why = None, "refused", ""
    try:
        form = read(row)
        view = await desk.drafted(form)
        process, outcome, why = view.id, "would be started", " ".join(view.warnings)
        if not how.dry_run:
            start = partial(desk.start, form, wait=how.wait is not False)
            outcome, trouble = await sender.outcome(start, "started")
            why = why if outcome == "started" else trouble
    except CustomerFileError as broken:
        why = " ".join(str(one.model_copy(update={"line": None})) for one in broken.problems)
    except AlreadySubmittedError:
        outcome = "already there"
    except ApprovalError as refusal:
        why = str(refusal)
    return Sent(line=row.line, customer=row.customer, onboarding=process, outcome=outcome, why=why)


async def _followed(desk: OnboardingDesk, one: Sent) -> Sent:
    """Wait until a started onboarding is over or parked."""
    if one.onboarding is None or one.outcome != "started":
        return one
    status(f"{one.customer}:")
    view = await onboardings.followed(desk, one.onboarding)
    return one.model_copy(update={"outcome": view.status, "why": view.reason or one.why})


def _report(results: Sequence[Sent], file: Path, how: HowStarted) -> None:
    if how.as_json:
        print_json(results)
    elif results:
        print_table(
            ["LINE", "CUSTOMER", "ID", "OUTCOME", "WHY"],
            [
                [str(one.line), one.customer, str(one.onboarding or ""), one.outcome, one.why]
                for one in results
            ],
        )
    outcomes = [one.outcome for one in results]
    again = "Repeating it starts what is missing."
    counts = counted(outcomes, "onboardings", again, dry_run=how.dry_run)
    refused, parked = counts["refused"] + counts["abandoned"], counts["parked"]
    if refused or parked:
        hints = [
            f"{file}: {refused + parked} of {len(results)} customers are not onboarded.",
            *(["A changed file is a new batch: put only the refused lines in it."] * bool(refused)),
            *(["Take up a parked one with `gatehouse onboarding retry ID`."] * bool(parked)),
        ]
        raise RefusedSomeError(" ".join(hints))
