"""A consistent copy of a SQLite file that is in use."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL


class CopyError(Exception):
    """The file cannot be read, the copy cannot be written, or the copy is not whole."""


def copy_file(source: URL, copy: Path) -> None:
    """Copy a database in one state, its write-ahead log included. Raises CopyError and OSError."""
    copy.touch(mode=0o600)
    address = Path(source.database or "").absolute().as_uri() + "?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True)) as origin,
            closing(sqlite3.connect(copy)) as target,
        ):
            origin.backup(target)
            (verdict,) = target.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as trouble:
        raise CopyError(str(trouble)) from None
    if verdict != "ok":
        raise CopyError(str(verdict))
