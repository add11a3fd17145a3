"""Options that commands of several kinds take, each of them once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from starter.typed import id_of

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")
]
SignOnly = Annotated[
    bool,
    typer.Option("--sign-only", help="Print the signed command and the Temporal line to send it."),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the answer, or leave it with Temporal.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Message = Annotated[
    str | None,
    typer.Option("--message", metavar="TEXT", help="For the other side; at most 2,000 characters."),
]
MessageFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Read the message from a file.")
]
Why = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why; everybody concerned reads it."),
]
WhyFile = Annotated[
    Path | None,
    typer.Option("--reason-file", metavar="FILE", help="Read the reason from a file."),
]
Request = Annotated[UUID, typer.Argument(metavar="REQUEST", parser=id_of, help="The request's id.")]
Batch = Annotated[
    UUID | None,
    typer.Option(metavar="ID", parser=id_of, help="Repeat a batch: sends what is missing."),
]
Vendor = Annotated[
    str | None, typer.Option(metavar="SLUG", help="For which vendor (operators only).")
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]


def only(statuses: type[StrEnum]) -> Any:
    """Return the option that keeps a list to some of a kind's statuses."""
    words = f"Only these: {', '.join(statuses)}. May be repeated."
    return typer.Option("--status", metavar="STATUS", help=words)
