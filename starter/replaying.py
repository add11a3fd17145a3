"""Replays what Temporal holds with the code that is installed here, before it goes to work."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from activities import names
from approvals.records import Record
from approvals.rules import KINDS
from config.payloads import ENCODING
from starter.workers import SANDBOX, WORKFLOWS

TYPES = (*KINDS, names.REVIEWS)
RUNNING = "ExecutionStatus = 'Running'"
REASON = 300  # characters of why something does not replay


class Looked(Record):
    """How many histories of one kind were replayed, and how many of the open ones were not."""

    kind: str
    open: int = 0
    closed: int = 0
    open_left_out: int = 0


class Broken(Record):
    """One run that does not go on with this code, and why."""

    kind: str
    workflow: str
    run: str
    why: str


class Verdict(Record):
    """What a replay of the server's histories found."""

    looked: tuple[Looked, ...]
    broken: tuple[Broken, ...]


async def replayed(client: Client, most: int, workflows: Sequence[type] = WORKFLOWS) -> Verdict:
    """Replay the histories of each kind: at most *most* open ones, and as many recently closed.

    A workflow that no code can run is among the broken ones: one of an unknown type, one that a
    stranger has wedged, one whose payloads are encrypted with a key that is not here.
    """
    replayer = Replayer(
        workflows=workflows,
        workflow_runner=SANDBOX,
        data_converter=client.data_converter,
        runtime=client.service_client.config.runtime,
    )
    told = logging.getLogger("temporalio")
    before, told.disabled = told.disabled, True  # every trouble is in the verdict
    try:
        looked, broken = [], [one async for one in _unknown(client, most)]
        for kind in TYPES:
            seen = await _replay(client, replayer, kind, most, broken)
            looked.append(seen)
    finally:
        told.disabled = before
    return Verdict(looked=tuple(looked), broken=tuple(broken))


async def _replay(
    client: Client, replayer: Replayer, kind: str, most: int, broken: list[Broken]
) -> Looked:
    seen: Counter[bool] = Counter()
    for is_open, query in (
        (True, f"WorkflowType = '{kind}' AND {RUNNING}"),
        (False, f"WorkflowType = '{kind}' AND NOT {RUNNING}"),
    ):
        async for one, history in _histories(client, query, most):
            seen[is_open] += 1
            why = await _trouble(client, replayer, history)
            if why is not None:
                broken.append(Broken(kind=kind, workflow=one.id, run=one.run_id, why=why))
    running = await client.count_workflows(f"WorkflowType = '{kind}' AND {RUNNING}")
    left_out = max(0, running.count - seen[True]) if seen[True] >= most else 0
    return Looked(kind=kind, open=seen[True], closed=seen[False], open_left_out=left_out)


async def _histories(
    client: Client, query: str, most: int
) -> AsyncIterator[tuple[WorkflowExecution, WorkflowHistory]]:
    async for one in client.list_workflows(query, limit=most):
        handle = client.get_workflow_handle(one.id, run_id=one.run_id)
        try:
            yield one, await handle.fetch_history()
        except RPCError as gone:  # its retention ended meanwhile
            if gone.status is not RPCStatusCode.NOT_FOUND:
                raise


async def _trouble(client: Client, replayer: Replayer, history: WorkflowHistory) -> str | None:
    """Return in one line why a history does not replay, or None when it does."""
    if not await _is_readable(client, history):
        return "its payloads are encrypted with a key that is not here"
    found = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
    if found is None:
        return None
    lines = str(found).strip().splitlines()
    return lines[0][:REASON] if lines else "no reason given"


async def _is_readable(client: Client, history: WorkflowHistory) -> bool:
    """Whether the input can be decrypted here: the codec leaves what it cannot read as it is."""
    codec = client.data_converter.payload_codec
    begun = history.events[0].workflow_execution_started_event_attributes
    if codec is None or not begun.input.payloads:
        return True
    decoded = await codec.decode(list(begun.input.payloads))
    return all(one.metadata.get("encoding") != ENCODING for one in decoded)


async def _unknown(client: Client, most: int) -> AsyncIterator[Broken]:
    """Yield what runs on our task queue and is of no type that this code knows."""
    known = ", ".join(f"'{one}'" for one in TYPES)
    query = f"TaskQueue = '{names.PROCESSES}' AND {RUNNING} AND WorkflowType NOT IN ({known})"
    async for one in client.list_workflows(query, limit=most):
        why = f"this code has no workflow of the type {one.workflow_type}"
        yield Broken(kind=one.workflow_type, workflow=one.id, run=one.run_id, why=why)
