"""Looks for texts where they may not stand: logs, the record, the outbox, histories."""

import base64
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from config.settings import Settings
from store import recorded
from store.engine import Engines

TOKEN = re.compile(rb"\ba[a-z]{2}_[A-Za-z0-9_-]{43}\b")
HISTORIES = 200  # the newest


class Place(NamedTuple):
    """Somewhere that something was written: what to call it, and its bytes."""

    name: str
    content: bytes


def secrets_of(settings: Settings) -> tuple[bytes, ...]:
    """Return what must stand nowhere: our private keys in their usual forms, and our passwords."""
    raw = [file.read_bytes() for file in sorted(settings.keys.rglob("*.key"))]
    forms = [form for one in raw for form in _forms(one)]
    password = settings.smtp_password
    if password is not None:
        forms.append(password.get_secret_value().encode())
    if settings.database.password:
        forms.append(str(settings.database.password).encode())
    return tuple(one for one in forms if len(one) >= 8)


def found_in(place: Place, wanted: Sequence[bytes]) -> bool:
    """Whether one of the texts stands there."""
    return any(one in place.content for one in wanted)


def log_places(logs: Sequence[Path]) -> Iterator[Place]:
    """Yield what the logs hold; a file that is not there holds nothing."""
    for log in logs:
        try:
            yield Place(f"the log {log.name}", log.read_bytes())
        except OSError:
            continue


async def row_places(engines: Engines) -> AsyncIterator[Place]:
    """Yield what people and rules wrote into the database."""
    async for table, text in recorded.texts(engines):
        yield Place(f"the table {table}", text.encode())


async def history_places(client: Client, limit: int = HISTORIES) -> AsyncIterator[Place]:
    """Yield the newest histories as Temporal holds them: nothing is decrypted."""
    async for one in client.list_workflows(limit=limit):
        handle = client.get_workflow_handle(one.id, run_id=one.run_id)
        try:
            history = await handle.fetch_history()
        except RPCError as gone:
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise
            continue
        events = b"\n".join(event.SerializeToString() for event in history.events)
        yield Place(f"the history of {one.id}", events)


def _forms(key: bytes) -> Iterator[bytes]:
    yield key.strip()
    if len(key) == 32:
        yield key.hex().encode()
        yield base64.b64encode(key).rstrip(b"=")
        yield base64.urlsafe_b64encode(key).rstrip(b"=")
