"""The key files of Temporal's payloads: the first one, and the next."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from approvals.instants import duration
from config.payloads import KEY_BYTES, key_name
from config.settings import load
from identity.files import write_secret
from identity.signing import encoded
from starter.console import UsageError, runs, status
from starter.options import DryRun
from starter.times import now, said_utc
from starter.typed import checked


def ensure(ring: Path) -> None:
    """Draw the first key of a ring that is empty."""
    if not any(ring.glob("*.key")):
        draw(ring, datetime.now(UTC))


def draw(ring: Path, begins: datetime) -> Path:
    """Draw a key that encrypts from *begins* (UTC) on; return its file.

    Every machine with a worker or a client needs the file before that moment.
    """
    file = ring / f"{key_name(begins, secrets.token_hex(4))}.key"
    write_secret(file, encoded(secrets.token_bytes(KEY_BYTES)).encode())
    return file


@runs
async def rotate(
    after: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="When it takes over, such as 1h: time to copy the file to other machines.",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Draw a new key for Temporal's payloads; the keys before it go on decrypting.

    Workers and clients that share the folder find it by themselves. Remove an old key once
    nothing is left that it encrypted: after Temporal's retention.
    """
    begins = now() if after is None else now() + checked("--after", duration, after)
    when = "now" if after is None else f"from {said_utc(begins)}"
    ring = load().payload_keys
    if dry_run:
        status(f"A new key in {ring} would encrypt {when}. Nothing was changed.")
        return
    try:
        file = draw(ring, begins)
    except OSError as trouble:
        raise UsageError(f"The key cannot be written: {trouble.strerror}.") from None
    status(f"{file} encrypts {when}. Copy it to every machine that has a worker or a client.")
