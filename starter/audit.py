"""`gatehouse audit`: read, verify and export the record, for those who hold the database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from approvals.audit import INSTALLATION, AuditEntry
from approvals.commands import CLOCK, PLATFORM
from approvals.errors import NotFoundError, say
from approvals.facts import Needed
from approvals.people import Directory, PersonId
from identity.files import write_secret
from starter import proofs
from starter.console import UsageError, print_json, print_table, print_text, runs, status
from starter.desk import Desk, desk
from starter.options import AsJson

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
        print_json(entries)
        return
    columns = ("#", "WHEN", "WHAT", "VERSION", "WHO", "BY", "REASON")
    print_table(columns, [_row(one, directory) for one in entries])


@app.command()
@runs
async def verify(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[PROCESS|FILE]",
            help=f"{_PROCESS_HELP} Or a file that `audit export` wrote. Without it, everything.",
        ),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The public keys of checkpoints (checkpoint.pub) that you have from elsewhere.",
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--checkpoints", metavar="FILE", help="A copy of the checkpoints, kept elsewhere."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that nothing in the record was changed, cut or left out.

    Everything is compared with the published checkpoints too, and all else that must hold is
    checked as far as it can be read from here. Ends with exit 1 when something is wrong, and names
    each breach.
    """
    from starter import verdicts  # late: other commands need none of its imports

    if what is not None and verdicts.is_file(what):
        verdicts.print_proof(Path(what), trust, as_json=as_json)
        return
    wanted = None if what is None else _id(what, " Or a file that `audit export` wrote.")
    async with desk() as means:
        seen = verdicts.published(means.settings, published, trust)
        if wanted is None:
            await verdicts.print_everything(means, seen, as_json=as_json)
            return
        breaches = await means.trail.breaches_of(wanted, seen.wanted.get(wanted))
        entries = await means.trail.entries(wanted) if breaches else await _entries(means, wanted)
    verdicts.print_chains([(wanted, len(entries), breaches)], seen.breaches, as_json=as_json)


@app.command()
@runs
async def export(
    process: Process,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there, readable by you alone.")
    ] = None,
) -> None:
    """Write a proof of one process: its record, signed commands, keys, and a checkpoint.

    `gatehouse audit verify FILE` checks it on any machine, without the database. It holds names and
    texts of people: give it only to those who may read them. Where the checkpoints do not cover all
    of it yet, one is made first; without their key, wait a minute for the worker's next.
    """
    wanted = _id(process)
    async with desk() as means:
        pack = await proofs.covered(means.settings, means.engines, wanted)
    text = pack.model_dump_json(indent=1)
    if output is None:
        print_text(text)
        return
    try:
        write_secret(output.absolute(), text.encode() + b"\n")
    except OSError as trouble:
        raise UsageError(f"--output: {output}: {trouble.strerror}.") from None
    status(f"{output}: {len(pack.entries)} entries, {len(pack.commands)} signed commands.")


def _id(text: str, more: str = "") -> UUID:
    if text == OF_INSTALLATION:
        return INSTALLATION
    try:
        return UUID(text)
    except ValueError:
        raise UsageError(f"PROCESS must be an id (UUID), or '{OF_INSTALLATION}'.{more}") from None


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
