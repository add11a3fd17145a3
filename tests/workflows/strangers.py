"""What somebody at a Temporal frontend can send without a key: any name, any bytes, any number."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio.api.common.v1 import Payload
from temporalio.client import ActivityFailureError, Client, WorkflowUpdateFailedError
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ApplicationError

from activities import names
from approvals.canonical import canonical
from approvals.people import Person
from identity.signing import encoded
from tests.installation import Installation

NAMES = ("grant", "no such command", "a\x00b", "ümlaut", "__temporal_x")


def raw(data: bytes, encoding: bytes | None = b"json/plain", **metadata: bytes) -> RawValue:
    """Return one argument; without an encoding nothing says what the bytes are."""
    named = {} if encoding is None else {"encoding": encoding}
    return RawValue(Payload(metadata={**named, **metadata}, data=data))


TRASH: Mapping[str, tuple[RawValue, ...]] = {
    "no argument": (),
    "an empty argument": (raw(b""),),
    "a wrong type": (raw(b"[1]"),),
    "two arguments": (raw(b"{}"), raw(b"{}")),
    "three arguments": (raw(b"1"), raw(b"\xff", None), raw(b"null")),
    "an unknown encoding": (raw(b"\x01\x02", b"made/up"),),
    "no encoding": (raw(b"{}", None),),
    "another one's ciphertext": (
        raw(bytes(range(64)), b"binary/encrypted", **{"encryption-key-id": b"nobody"}),
    ),
    "every byte there is": (raw(bytes(range(256)), b"binary/plain"),),
    "a lone surrogate": (raw(b'{"process_id":"\\ud800"}'),),
    "a lone surrogate in bytes": (raw(b'{"process_id":"\xed\xa0\x80"}'),),
    "deep nesting": (raw(b"[" * 60_000),),
}


async def updated(client: Client, workflow: str, name: str, *args: RawValue) -> str | None:
    """Send an update; return the code of its refusal, or None if it was taken."""
    handle = client.get_workflow_handle(workflow)
    try:
        await handle.execute_update(
            name, args=args, result_type=str, rpc_timeout=timedelta(seconds=15)
        )
    except WorkflowUpdateFailedError as refused:
        return code_of(refused)
    return None


def code_of(failure: BaseException) -> str | None:
    """Return the type of the ApplicationError for which a call failed."""
    cause = failure.__cause__
    assert isinstance(cause, ApplicationError)
    return cause.type


async def ran(
    client: Client,
    activity: str,
    *args: object,
    attempts: int = 0,
    reader: Client | None = None,
) -> Any:
    """Run an activity as a Standalone Activity; raises its ApplicationError.

    A *reader* has the keys to its result, which a stranger does not.
    """
    try:
        handle = await client.start_activity(
            activity,
            args=args,
            id=(run := str(uuid4())),
            task_queue=names.MAIL if activity == "send_notices" else names.PROCESSES,
            schedule_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(maximum_attempts=attempts),
        )
        if reader is None:
            return await handle.result()
        return await reader.get_activity_handle(run).result()
    except ActivityFailureError as failed:
        raise (failed.__cause__ or failed) from None


def sealed(installation: Installation, person: Person, document: Mapping[str, object]) -> bytes:
    """Sign any document with a person's own key, whatever stands in it."""
    key = installation.keys[person.id].private
    return canonical({**document, "signature": encoded(key.sign(canonical(document)))})


def unsealed(said: bytes) -> dict[str, Any]:
    """Return the document of a signed message, without its signature."""
    return without(json.loads(said), "signature")


def without(document: Mapping[str, Any], *path: str) -> dict[str, Any]:
    """Return a document without one of its fields."""
    first, *rest = path
    kept = {key: value for key, value in document.items() if key != first}
    return {**kept, first: without(document[first], *rest)} if rest else kept


def changed(document: Mapping[str, Any], path: Sequence[str], value: object) -> dict[str, Any]:
    """Return a document in which one field has another value."""
    first, *rest = path
    return {**document, first: changed(document[first], rest, value) if rest else value}
