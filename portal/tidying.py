"""What follows a command that counts already, and must not change what its person is told."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)


@contextmanager
def tidying(what: str) -> Iterator[None]:
    """Let the answer stand when the database is away meanwhile; *what* is then left as it was."""
    try:
        yield
    except (SQLAlchemyError, OSError) as trouble:
        log.warning("%s: left as it was, for %s", what, type(trouble).__name__)
