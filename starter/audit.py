"""`gatehouse audit`: read, verify and export the record, for those who hold the database."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer

from approvals.audit import INSTALLATION, AuditEntry
from approvals.commands import CLOCK, PLATFORM
from approvals.errors import NotFoundError, say
from approvals.facts import Needed
from approvals.people import Directory, PersonId
from starter.console import (
    REFUSED,
    AsJson,
    UsageError,
    print_json,
    print_table,
    print_text,
    runs,
    status,
)
from starter.desk import Desk, desk

OF_INSTALLATION = "installation"
_PROCESS_HELP = f"A process's id, or '{OF_INSTALLATION}' for what belongs to no process."

app = typer.Typer(
    help="The record of who did what and when: one chain of entries a process, each sealed with"
    " the hash of the one before.",
    no_args_is_help=True,
)
Process = Annotated[str, typer.Argument(metavar="PROCESS", help=_PROCESS_HELP)]


@app.command()
@runs
async def show(process: Process, as_json: AsJson = False) -> None:
    """Show what happened in one process, refusals included, oldest first."""
    wanted = _id(process)
    async with desk() as means:
        entries = await _entries(means, wanted)
        actors = tuple({PersonId(one.actor) for one in entries if one.actor is not None})
        directory = await means.inbox.directory(Needed(people=actors))
    if as_json:
        print_json([one.model_dump(mode="json") for one in entries])
        return
    columns = ("#", "WHEN", "WHAT", "VERSION", "WHO", "BY", "REASON")
    print_table(columns, [_row(one, directory) for one in entries])


@app.command()
@runs
async def verify(
    process: Annotated[
        str | None, typer.Argument(metavar="[PROCESS]", help=f"{_PROCESS_HELP} Without it, all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that nothing in the record was changed, cut or left out.

    Ends with exit 1 when something was, and names each breach.
    """
    wanted = None if process is None else _id(process)
    async with desk() as means:
        if wanted is None:
            judged = [one async for one in means.trail.all_breaches()]
        else:
            breaches = await means.trail.breaches_of(wanted)
            entries = (
                await means.trail.entries(wanted) if breaches else await _entries(means, wanted)
            )
            judged = [(wanted, len(entries), breaches)]
    _print_verdict(judged, as_json=as_json)


@app.command()
@runs
async def export(process: Process) -> None:
    """Print one process's chain as JSON lines, one entry a line with its hashes, oldest first."""
    wanted = _id(process)
    async with desk() as means:
        for entry in await _entries(means, wanted):
            print_text(entry.model_dump_json())


def _id(text: str) -> UUID:
    if text == OF_INSTALLATION:
        return INSTALLATION
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"PROCESS must be an id (UUID), or '{OF_INSTALLATION}'.") from None


async def _entries(means: Desk, process: UUID) -> Sequence[AuditEntry]:
    """Return a chain. Raises NotFoundError for a process that nobody knows."""
    entries = await means.trail.entries(process)
    if not entries and process != INSTALLATION:
        raise NotFoundError
    return entries


def _row(entry: AuditEntry, directory: Directory) -> Sequence[str | None]:
    left_out = f" (after {entry.left_out} more like it)" if entry.left_out else ""
    return (
        str(entry.seq),
        say(entry.at),
        entry.event + left_out,
        None if entry.version is None else str(entry.version),
        _who(entry, directory),
        entry.channel,
        entry.reason,
    )


def _who(entry: AuditEntry, directory: Directory) -> str | None:
    if entry.actor in (None, CLOCK, PLATFORM):
        return None  # the channel says it: the clock, the platform, or the database's owner
    person = directory.person(entry.actor)
    return directory.name_of(entry.actor) if person is None else f"{person.name} <{person.email}>"


def _print_verdict(judged: Sequence[tuple[UUID, int, tuple[str, ...]]], *, as_json: bool) -> None:
    found = [(one, sentence) for one, _, breaches in judged for sentence in breaches]
    entries = sum(count for _, count, _ in judged)
    if as_json:
        print_json(
            {
                "chains": len(judged),
                "entries": entries,
                "breaches": [{"process": str(one), "breach": sentence} for one, sentence in found],
            }
        )
    else:
        for one, sentence in found:
            print_text(f"{one}: {sentence}")
        print_text(f"chains: {len(judged)}, entries: {entries}, breaches: {len(found)}")
    if found:
        status("The record was changed outside Gatehouse. Keep the database as it is.")
        raise typer.Exit(REFUSED)
