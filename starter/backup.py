"""`gatehouse backup`: a consistent copy of all that a stack cannot make again."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import URL

from config.settings import Settings, load
from starter.console import UsageError, print_text, runs, status
from starter.options import DryRun
from store.copying import CopyError, copy_file

DATABASE = "gatehouse.db"
ELSEWHERE = "The database is a PostgreSQL: copy it with pg_dump."
FOLDERS = ("keys", "secrets")  # the rest are files


@runs
async def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
    dry_run: DryRun = False,
) -> None:
    """Copy database, keys and policy to FOLDER while everything runs.

    Temporal's store is not in it: every open process starts again from its row. The copy holds the
    servers' keys, so keep it as you keep them. docs/operations.md says how to restore it.
    """
    settings = load()
    database = settings.database
    _require_free(folder)
    if dry_run:
        _say_what(settings, folder)
        return
    _prepare(folder)
    try:
        if _is_file(database):
            await asyncio.to_thread(copy_file, database, folder / DATABASE)
        _copy_files(settings, folder)
    except CopyError as trouble:
        raise UsageError(f"The database cannot be copied: {trouble}.") from None
    except OSError as trouble:
        raise UsageError(f"FOLDER: {folder}: {trouble.strerror}.") from None
    if not _is_file(database):
        status(f"{ELSEWHERE} Keys and policy are copied.")
    status(f"{folder} holds the copy. Whoever can read it can act as this installation.")


def _require_free(folder: Path) -> None:
    """Raise UsageError for a folder that holds something, or is none."""
    try:
        is_taken = folder.exists() and any(folder.iterdir())
    except OSError as trouble:
        raise UsageError(f"FOLDER: {folder}: {trouble.strerror}.") from None
    if is_taken:
        raise UsageError(f"FOLDER: {folder} is not empty. Nothing was copied.")


def _is_file(database: URL) -> bool:
    return database.drivername.startswith("sqlite")


def _say_what(settings: Settings, folder: Path) -> None:
    file = Path(str(settings.database.database))
    if not _is_file(settings.database):
        status(ELSEWHERE)
    elif file.is_file():
        print_text(f"{file} -> {folder / DATABASE}")
    else:
        raise UsageError(f"The database cannot be copied: there is no file {file}.")
    for name, place in _places(settings).items():
        print_text(f"{place} -> {folder / name}")
    status("Nothing was copied.")


def _prepare(folder: Path) -> None:
    """Make the folder, for its owner alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    except OSError as trouble:
        raise UsageError(f"FOLDER: {folder}: {trouble.strerror}.") from None


def _copy_files(settings: Settings, folder: Path) -> None:
    for name, place in _places(settings).items():
        if name in FOLDERS:
            shutil.copytree(place, folder / name)
            os.chmod(folder / name, 0o700)
        else:
            shutil.copy2(place, folder / name)


def _places(settings: Settings) -> dict[str, Path]:
    """Return the folders and files that are there, by their names in a copy."""
    known = {
        "keys": settings.keys,
        "secrets": settings.secrets,
        "policy.toml": settings.policy_file or settings.home / "policy.toml",
        "checkpoints.jsonl": settings.checkpoints,
    }
    return {
        name: place
        for name, place in known.items()
        if (place.is_dir() if name in FOLDERS else place.is_file())
    }
