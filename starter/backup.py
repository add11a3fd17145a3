"""`gatehouse backup`: a consistent copy of all that a stack cannot make again."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from config.settings import Settings, load
from starter.console import UsageError, runs, status
from store.copying import CopyError, copy_file

DATABASE = "gatehouse.db"
FOLDERS, FILES = ("keys", "secrets"), ("policy.toml", "checkpoints.jsonl")


@runs
async def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
) -> None:
    """Copy database, keys and policy to FOLDER while everything runs.

    Temporal's store is not in it: every open process starts again from its row. The copy holds the
    servers' keys, so keep it as you keep them. docs/operations.md says how to restore it.
    """
    settings = load()
    database = settings.database
    _prepare(folder)
    try:
        if database.drivername.startswith("sqlite"):
            await asyncio.to_thread(copy_file, database, folder / DATABASE)
        _copy_files(settings, folder)
    except CopyError as trouble:
        raise UsageError(f"The database cannot be copied: {trouble}.") from None
    except OSError as trouble:
        raise UsageError(f"FOLDER: {folder}: {trouble.strerror}.") from None
    if not database.drivername.startswith("sqlite"):
        status("The database is a PostgreSQL: copy it with pg_dump. Keys and policy are copied.")
    status(f"{folder} holds the copy. Whoever can read it can act as this installation.")


def _prepare(folder: Path) -> None:
    """Make the folder, for its owner alone. Raises UsageError for one that holds something."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_taken = any(folder.iterdir())
        os.chmod(folder, 0o700)
    except OSError as trouble:
        raise UsageError(f"FOLDER: {folder}: {trouble.strerror}.") from None
    if is_taken:
        raise UsageError(f"FOLDER: {folder} is not empty. Nothing was copied.")


def _copy_files(settings: Settings, folder: Path) -> None:
    places = {
        "keys": settings.keys,
        "secrets": settings.secrets,
        "policy.toml": settings.policy_file or settings.home / "policy.toml",
        "checkpoints.jsonl": settings.checkpoints,
    }
    for name in FOLDERS:
        if places[name].is_dir():
            shutil.copytree(places[name], folder / name)
            os.chmod(folder / name, 0o700)
    for name in FILES:
        if places[name].is_file():
            shutil.copy2(places[name], folder / name)
