"""The worker from the command line: to run one, and to verify before a deployment that it may."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from temporalio.service import RPCError

from config import temporal
from config.settings import load
from starter.client import UnreachableError
from starter.console import REFUSED, print_json, print_table, runs, status
from starter.options import AsJson

if TYPE_CHECKING:
    from starter.replaying import Verdict

MOST = 500  # histories of each kind, open ones and closed ones
app = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run a worker with the settings of the environment, until SIGTERM or Ctrl-C.",
)


@app.callback()
def work(context: typer.Context) -> None:
    """Run a worker with the settings of the environment, until SIGTERM or Ctrl-C."""
    if context.invoked_subcommand is None:
        import worker as process

        sys.exit(process.main())


@app.command()
@runs
async def verify(
    limit: Annotated[
        int,
        typer.Option(
            min=1, metavar="COUNT", help="Replay this many open and this many closed ones a kind."
        ),
    ] = MOST,
    as_json: AsJson = False,
) -> None:
    """Replay the histories of the server with the code that is installed here.

    Run it from the new version before a deployment: it names each workflow that could not go on,
    and ends with 1 if there is one. It changes nothing.
    """
    from starter.replaying import replayed  # late: other commands need none of its imports

    try:
        client = await temporal.connect(load(), identity="gatehouse-verify", is_quiet=True)
        verdict = await replayed(client, limit)
    except temporal.AwayError as away:
        sentence = f"Cannot reach Temporal at {away.address}. Nothing was verified."
        raise UnreachableError(sentence) from away
    except RPCError as lost:
        sentence = f"Temporal was lost on the way: {lost.status.name}. Nothing was verified."
        raise UnreachableError(sentence) from lost
    if as_json:
        print_json(verdict)
    else:
        _print(verdict)
    _tell(verdict)
    if verdict.broken:
        raise typer.Exit(REFUSED)


def _print(verdict: "Verdict") -> None:
    broken = [one.kind for one in verdict.broken]
    counts = [
        (one.kind, str(one.open), str(one.closed), str(broken.count(one.kind)))
        for one in verdict.looked
    ]
    print_table(("KIND", "OPEN", "CLOSED", "BROKEN"), counts)


def _tell(verdict: "Verdict") -> None:
    for one in verdict.broken:
        status(f"{one.workflow} (run {one.run}): {one.why}")
    for looked in verdict.looked:
        if looked.open_left_out:
            status(
                f"{looked.open_left_out} more open workflows of {looked.kind} were not replayed;"
                " raise --limit to replay all."
            )
    count = sum(one.open + one.closed for one in verdict.looked)
    if verdict.broken:
        status(f"Do not deploy this: {len(verdict.broken)} workflows would break.")
    else:
        status(f"{count} histories were replayed; every one goes on with this code.")
