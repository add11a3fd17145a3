"""The facade for those who give commands: signed bytes go out, receipts or refusals return."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    ActivityFailureError,
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import ActivityIDConflictPolicy, RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities import names
from activities.starting import start_process
from approvals.commands import Signed, parsed
from approvals.errors import ApprovalError, restored
from approvals.ports import Delivery, Outcome, Start

ANSWER = timedelta(seconds=10)
ENDED = "AcceptedUpdateCompletedWorkflow"  # Temporal's word for an update that lost its run
POLL = (0.02, 0.05, 0.1, 0.2)  # seconds between looks for a recorded outcome; the last repeats
Recorded = Callable[[UUID, str], Awaitable[Outcome | None]]


UNKNOWN = (
    "No answer came in time, so the outcome is unknown. Look with 'show', or give the same"
    " command again: it counts once."
)


class UnreachableError(Exception):
    """Temporal or the database did not answer; the text says whether anything was changed."""


class Gatehouse:
    """Carries signed commands to their processes.

    *recorded* reads a command's outcome from the database by key and nonce, which costs no
    history event and also tells what became of a call that was never answered.
    """

    def __init__(self, client: Client, recorded: Recorded) -> None:
        self._client, self._recorded = client, recorded

    async def submit(
        self, kind: str, said: bytes, tenant: UUID | None, *, wait: bool = True
    ) -> str:
        """Start a process with its submission, wait for the door, and return the receipt.

        Without *wait* it returns "" as soon as Temporal has taken it.

        Raises the refusal's ApprovalError, or UnreachableError.
        """
        signed = parsed(said)
        start = Start(process=signed.process, submission=said)
        try:
            await start_process(self._client, kind, start, tenant)
        except RPCError as trouble:
            raise _unreachable(trouble) from trouble
        return await self._awaited(signed, ANSWER) if wait else ""

    async def send(self, kind: str, said: bytes) -> str:
        """Give a command to a running process, or to the door if it runs no more; return a receipt.

        Raises the refusal's ApprovalError, or UnreachableError.
        """
        signed = parsed(said)
        for pause in POLL:
            try:
                return await self._update(kind, signed, said)
            except RPCError as trouble:
                if trouble.status is RPCStatusCode.NOT_FOUND:
                    break
                if trouble.status is not RPCStatusCode.FAILED_PRECONDITION:
                    raise _unreachable(trouble) from trouble
            # A workflow task that fails takes its updates along, as when a process continues as
            # new under fresh messages. Whether the door was reached, only asking again tells.
            await asyncio.sleep(pause)
        return await self._direct(signed, said)

    async def _update(self, kind: str, signed: Signed, said: bytes) -> str:
        """Ask the process's workflow once. Raises RPCError for what only Temporal refuses."""
        handle = self._client.get_workflow_handle(names.workflow_id(kind, signed.process))
        payload = Payload(metadata={"encoding": b"json/plain"}, data=said)
        try:
            receipt: str = await handle.execute_update(
                signed.command.kind,
                RawValue(payload),
                id=signed.nonce,
                result_type=str,
                rpc_timeout=ANSWER,
            )
        except WorkflowUpdateFailedError as refused:
            if not isinstance(refused.cause, ApplicationError) or refused.cause.type == ENDED:
                return await self._direct(signed, said)  # the run ended under the update
            raise _refusal(refused.cause) from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return await self._awaited(signed, timedelta(seconds=0))
        return receipt

    async def signal(self, kind: str, said: bytes) -> None:
        """Leave a command with Temporal; its outcome will stand on the timeline.

        Raises UnreachableError, also when the process runs no more.
        """
        signed = parsed(said)
        handle = self._client.get_workflow_handle(names.workflow_id(kind, signed.process))
        payload = Payload(metadata={"encoding": b"json/plain"}, data=said)
        try:
            await handle.signal(signed.command.kind, RawValue(payload), rpc_timeout=ANSWER)
        except RPCError as trouble:
            if trouble.status is RPCStatusCode.NOT_FOUND:
                raise UnreachableError(
                    "This process takes no signals any more. Nothing was changed."
                ) from trouble
            raise _unreachable(trouble) from trouble

    async def _direct(self, signed: Signed, said: bytes) -> str:
        """Run the door without a workflow: it refuses what is closed, with who and when."""
        delivery = Delivery(process=signed.process, said=said, at=datetime.now(UTC))
        try:
            outcome = await self._client.execute_activity(
                "commit",
                delivery,
                id=names.commit_id(signed.nonce),
                id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
                task_queue=names.PROCESSES,
                result_type=Outcome,
                schedule_to_close_timeout=ANSWER,
                rpc_timeout=ANSWER,
            )
        except RPCError as trouble:
            raise _unreachable(trouble) from trouble
        except ActivityFailureError as trouble:
            raise UnreachableError(UNKNOWN) from trouble
        return _accepted(outcome)

    async def _awaited(self, signed: Signed, wait: timedelta) -> str:
        """Look into the database until the command's outcome is recorded there."""
        end = asyncio.get_running_loop().time() + wait.total_seconds()
        for pause in itertools.chain(POLL, itertools.repeat(POLL[-1])):
            outcome = await self._recorded(signed.key, signed.nonce)
            if outcome is not None:
                return _accepted(outcome)
            if asyncio.get_running_loop().time() >= end:
                raise UnreachableError(UNKNOWN)
            await asyncio.sleep(pause)
        raise UnreachableError(UNKNOWN)


def _accepted(outcome: Outcome) -> str:
    if outcome.refusal is not None:
        raise restored(outcome.refusal.code, outcome.refusal.sentence)
    return outcome.receipt or ""


def _refusal(cause: ApplicationError) -> ApprovalError:
    return restored(cause.type or "refused", cause.message)


def _unreachable(trouble: RPCError) -> UnreachableError:
    if trouble.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
        return UnreachableError(UNKNOWN)
    return UnreachableError(f"Cannot reach Temporal: {trouble.status.name}. Nothing was changed.")
