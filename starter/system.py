"""Commands that run Gatehouse itself; what they need is imported late, so that others are fast."""

import sys
from importlib import import_module
from typing import Annotated

import typer
from temporalio.service import RPCError

from config import temporal
from config.settings import load
from starter.client import UnreachableError
from starter.console import print_json, runs, status
from starter.options import AsJson
from store.engine import connect


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
async def migrate() -> None:
    """Bring the database's schema to this version. Safe to repeat."""
    from store.schema import upgrade

    engines = connect(load().database)
    try:
        await upgrade(engines)
    finally:
        await engines.close()
    status("The schema is up to date.")


@runs
async def reconcile(as_json: AsJson = False) -> None:
    """Start every open process again whose workflow is missing. Safe at any time."""
    from activities.reconcile import Reconciler
    from store.ledger import SqlLedger

    settings = load()
    engines = connect(settings.database)
    try:
        client = await temporal.connect(settings, identity="gatehouse-reconcile", is_quiet=True)
        done = await Reconciler(SqlLedger(engines), client).run_once()
    except RuntimeError as away:
        raise UnreachableError("Cannot reach Temporal. Nothing was changed.") from away
    except RPCError as lost:
        raise UnreachableError(
            f"Temporal was lost on the way: {lost.status.name}. What was started stays;"
            " run it again."
        ) from lost
    finally:
        await engines.close()
    if as_json:
        print_json(done.model_dump())
    status(
        f"{done.open} open; {done.started} started again, {done.replaced} of them replaced;"
        f" {done.ended} ended whose process is closed."
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
