"""How the record's checkpoints are wired: their key, their file, their round in the worker."""

import asyncio
import logging
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from approvals.checkpoints import Published
from config.settings import ConfigurationError, Settings
from identity.files import ensure_secret
from identity.signing import Ed25519Signatures, SigningKey
from store.checkpoint_file import CheckpointFile, lines_of
from store.engine import Engines
from store.heads import SqlHeads

log = logging.getLogger(__name__)
KEY, PUBLIC = "checkpoint.key", "checkpoint.pub"
EVERY = 5.0  # seconds between two looks at whether a checkpoint is due


def signing_key(settings: Settings) -> SigningKey:
    """Return the key of checkpoints, drawn on the first start; its public half is kept for ever.

    ``checkpoint.pub`` holds one public key a line. After the key file was replaced, the earlier
    ones still verify what they signed.
    """
    key = SigningKey.of(ensure_secret(settings.keys / KEY))
    public = settings.keys / PUBLIC
    if key.public not in _listed(public):
        with public.open("a", encoding="ascii") as file:
            file.write(f"{key.public}\n")
    return key


def trusted(settings: Settings) -> frozenset[str]:
    """Return the public keys by which checkpoints of this installation may be signed."""
    return frozenset(_listed(settings.keys / PUBLIC))


def published(
    settings: Settings, file: Path | None = None, keys: frozenset[str] | None = None
) -> Published:
    """Read and judge a file of checkpoints, by default the installation's own, by its *keys*."""
    found = Published(Ed25519Signatures(), trusted(settings) if keys is None else keys)
    found.add(lines_of(file or settings.checkpoints))
    return found


def writer(settings: Settings, engines: Engines) -> CheckpointFile:
    """Wire the file. Raises ConfigurationError for a command that cannot be read."""
    try:
        command = shlex.split(settings.checkpoint_command or "")
    except ValueError:
        raise ConfigurationError(
            "GATEHOUSE_CHECKPOINT_COMMAND is not a command line: a quote is not closed."
        ) from None
    key = signing_key(settings)
    signatures = Ed25519Signatures()
    known = trusted(settings)
    return CheckpointFile(settings.checkpoints, SqlHeads(engines), key, signatures, known, command)


@asynccontextmanager
async def publishing(file: CheckpointFile, every: float = EVERY) -> AsyncIterator[None]:
    """Publish checkpoints as they fall due, until the block ends."""
    task = asyncio.create_task(_rounds(file, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rounds(file: CheckpointFile, every: float) -> None:
    while True:
        try:
            await file.publish()
        except (SQLAlchemyError, OSError) as trouble:  # the next round tries again
            log.error("no checkpoint could be written: %s", type(trouble).__name__)
        except Exception:
            log.exception("checkpoints failed")
        await asyncio.sleep(every)


def _listed(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
