"""Commands that run Gatehouse itself; what they need is imported late, so that others are fast."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from temporalio.service import RPCError

from config import temporal
from config.settings import Settings, load
from starter.client import UnreachableError
from starter.console import print_json, print_text, runs, status
from starter.options import AsJson, DryRun
from store.engine import Engines, connect

if TYPE_CHECKING:
    from activities.reconcile import Reconciled, Reconciler


@runs
async def up(
    with_platform: Annotated[
        bool,
        typer.Option(
            "--with-platform", help="Run a customer platform too, to onboard customers on."
        ),
    ] = False,
) -> None:
    """Run everything on this machine: Temporal, worker, portal, mailbox, SQLite.

    Ctrl-C stops it; starting it again goes on where it was.
    """
    from starter import stack

    await stack.up(with_platform=with_platform)


def portal() -> None:
    """Serve the portal with the settings of the environment, until SIGTERM or Ctrl-C."""
    sys.exit(import_module("portal.__main__").main())  # it stands above this package


@runs
async def migrate(dry_run: DryRun = False) -> None:
    """Bring the database's schema to this version. Safe to repeat."""
    from store.schema import pending, upgrade

    engines = connect(load().database)
    try:
        steps = await pending(engines)
        if not dry_run:
            await upgrade(engines)
    finally:
        await engines.close()
    for one in steps:
        (print_text if dry_run else status)(one)
    if steps and dry_run:
        status(f"{len(steps)} would be applied. Nothing was changed.")
    else:
        status("The schema is up to date.")


@runs
async def reconcile(
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait",
            help="Where a workflow does not fit its process, look again for a minute, to be sure;"
            " or look once and leave it.",
        ),
    ] = True,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give every open process a workflow that fits it, and end those that no process needs.

    What is missing is started at once. What hangs, or has no open process, is replaced or ended
    once it has not moved for a minute. Safe at any time.
    """
    settings = load()
    engines = connect(settings.database)
    try:
        reconciler = await _reconciler(settings, engines)
        if dry_run:
            _say_survey(await reconciler.survey(), as_json=as_json)
            return
        done = await (reconciler.run_until_sure(_say_watched) if wait else reconciler.run_once())
    except RPCError as lost:
        so_far = "Nothing was changed." if dry_run else "What was started stays; run it again."
        raise UnreachableError(
            f"Temporal was lost on the way: {lost.status.name}. {so_far}"
        ) from lost
    finally:
        await engines.close()
    if as_json:
        print_json(done.model_dump())
    status(
        f"{done.open} open; {done.started} started again, {done.replaced} of them replaced;"
        f" {done.ended} ended whose process is closed or gone."
    )
    if done.watched:
        status(
            f"{done.watched} do not fit their processes and were left, for they may be about to"
            " move. Run it again, without --no-wait."
        )


async def _reconciler(settings: Settings, engines: Engines) -> "Reconciler":
    from activities.reconcile import Reconciler
    from store.ledger import SqlLedger

    try:
        client = await temporal.connect(settings, identity="gatehouse-reconcile", is_quiet=True)
    except temporal.AwayError as away:
        raise UnreachableError(
            f"Cannot reach Temporal at {away.address}; is `gatehouse up` running?"
            " Nothing was changed."
        ) from away
    return Reconciler(SqlLedger(engines), client)


def _say_survey(found: "Reconciled", *, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": True, **found.model_dump()})
    status(
        f"{found.open} open; {found.started} would be started again, {found.replaced} of them"
        f" replaced; {found.watched} do not fit their processes, and would be replaced or ended if"
        " they have not moved after a minute. Nothing was changed."
    )


def _say_watched(count: int) -> None:
    status(
        f"{count} do not fit their processes. Looking again for a minute, to be sure that they do"
        " not move. Ctrl-C leaves them as they are."
    )


@runs
async def demo(
    keep: Annotated[bool, typer.Option(help="Keep the demo's folder to look around.")] = False,
) -> None:
    """Play one story of onboarding, pairing, asking, deciding and ending, on a stack of its own.

    The commands and the mails are real. It takes well under 90 seconds, needs nothing that runs
    already, and leaves nothing behind unless you --keep it.
    """
    from starter import demo as stage

    await stage.run(keep=keep)
