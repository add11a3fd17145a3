"""Texts that must stand nowhere, and everything that a played installation wrote somewhere."""

import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from config.payloads import KeyRing, encrypting
from starter.leaks import Place, log_places
from starter.letters import letters

CODE = re.compile(r"\b(\d{4}) (\d{4})\b")
TOKEN = re.compile(r"\ba[a-z]{2}_[A-Za-z0-9_-]{43}\b")


def mailed_secrets(maildir: Path) -> list[bytes]:
    """Return the codes and link tokens of all mails, codes with and without their gap."""
    found: set[str] = set()
    for letter in letters(maildir):
        for one, other in CODE.findall(letter.text):
            found |= {f"{one}{other}", f"{one} {other}"}
        found |= set(TOKEN.findall(letter.text))
    return [one.encode() for one in sorted(found)]


def held_by(places: Sequence[Place], canaries: Sequence[bytes]) -> list[str]:
    """Return which canary stands where; [] is what everybody hopes for."""
    return [
        f"{place.name} holds {canary.decode()}"
        for place in places
        for canary in canaries
        if canary in place.content
    ]


async def temporal_places(client: Client) -> AsyncIterator[tuple[str, Message]]:
    """Yield all that a server tells of its workflows and activities: nothing is decoded."""
    async for one in client.list_workflows(""):
        handle = client.get_workflow_handle(one.id, run_id=one.run_id)
        yield f"the description of {one.id}", (await handle.describe()).raw_description
        for event in (await handle.fetch_history()).events:
            yield f"event {event.event_id} of {one.id}", event
    async for job in client.list_activities(""):
        found = await client.get_activity_handle(job.activity_id).describe()
        yield f"the activity {job.activity_id}", found.raw_info


async def opened(message: Message, keys: Path) -> list[bytes]:
    """Return what the payloads of a message say to whoever has the keys."""
    codec = encrypting(KeyRing(keys)).payload_codec
    assert codec is not None
    return [one.data for one in await codec.decode(list(payloads_in(message)))]


def payloads_in(message: Any) -> Iterator[Payload]:
    """Yield every payload anywhere in a message."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = value.values() if hasattr(value, "values") else ()
            if field.message_type.fields_by_name["value"].message_type is None:
                continue
        else:
            inner = value if isinstance(value, Sequence) or hasattr(value, "__len__") else (value,)
        for one in inner:
            yield from payloads_in(one)


def file_places(folder: Path, *patterns: str) -> list[Place]:
    """Return the files of a folder whose names fit, as they lie on the disk."""
    return list(log_places(sorted(file for one in patterns for file in folder.glob(one))))


class CommandLines:
    """Looks ten times a second at the command lines of all processes while its block runs."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "CommandLines":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(file.read_bytes())
                except OSError:  # it has ended
                    continue
