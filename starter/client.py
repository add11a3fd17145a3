"""The facade for those who give commands: signed bytes go out, receipts or refusals return."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    ActivityFailureError,
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowUpdateFailedError,
)
from temporalio.common import ActivityIDConflictPolicy, RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities import names
from activities.starting import start_process
from approvals.commands import Signed, parsed
from approvals.delivery import Delivery, Outcome, Start
from approvals.errors import ApprovalError, restored
from approvals.rules import KINDS

ENDED = "AcceptedUpdateCompletedWorkflow"  # Temporal's word for an update that lost its run
POLL = (0.02, 0.05, 0.1, 0.2)  # seconds between looks for a recorded outcome; the last repeats
PATIENCE = 0.6  # of a person's time that a process's workflow has; then the door is asked itself
Recorded = Callable[[UUID, str], Awaitable[Outcome | None]]
REFUSALS = (  # with these Temporal refuses a call at every try, and has done nothing
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
)
UNKNOWN = (
    "No answer came in time, so the outcome is unknown. Look with 'show' or 'list' before you"
    " give the command again."
)


class UnreachableError(Exception):
    """Temporal or the database did not answer; the text says whether anything was changed."""


class _RefusedError(UnreachableError):
    """Temporal refused a call, and so certainly did nothing."""

    def __init__(self, status: RPCStatusCode) -> None:
        super().__init__(f"Temporal refused the call: {status.name}. Nothing was changed.")
        self.status = status


class _SilenceError(Exception):
    """Temporal did not answer a call that it may have taken."""


@contextmanager
def after_sending() -> Iterator[None]:
    """Turn a database that is away into what is true of a command that may have been sent.

    Raises UnreachableError: nobody knows the outcome then.
    """
    try:
        yield
    except BrokenPipeError:  # an OSError, but of stdout
        raise
    except (SQLAlchemyError, OSError) as away:
        raise UnreachableError(UNKNOWN) from away


class Gatehouse:
    """Carries signed commands to their processes.

    *recorded* reads a command's outcome from the database by key and nonce, which costs no
    history event and also tells what became of a call that was never answered. A person waits
    *seconds* for a command, all its calls together.
    """

    def __init__(self, client: Client, recorded: Recorded, seconds: float) -> None:
        self._client, self._recorded = client, recorded
        self._answer = timedelta(seconds=seconds)

    async def submit(
        self, kind: str, said: bytes, tenant: UUID | None, *, wait: bool = True
    ) -> str:
        """Start a process with its submission, wait for the door, and return the receipt.

        Without *wait* it returns "" as soon as Temporal has taken it.

        Raises the refusal's ApprovalError, or UnreachableError.
        """
        signed, end = parsed(said, KINDS[kind].commands), self._end()
        start = Start(process=signed.process, submission=said)
        try:
            async with _answered(end):
                await start_process(self._client, kind, start, tenant)
        except _SilenceError:
            return await self._awaited(signed, end)
        return await self._awaited(signed, end) if wait else ""

    async def send(self, kind: str, said: bytes) -> str:
        """Give a command to a running process, or to the door if it runs no more; return a receipt.

        A workflow that hangs holds nobody up: after a while the door is asked past it, which takes
        a command once, however often it comes.

        Raises the refusal's ApprovalError, or UnreachableError.
        """
        signed, end = parsed(said, KINDS[kind].commands), self._end()
        try:
            async with _answered(self._end(PATIENCE)):
                return await self._carried(kind, signed, said)
        except _SilenceError:
            outcome = await self._looked_up(signed)
        if outcome is not None:
            return accepted(outcome)
        try:
            async with _answered(end):
                return await self._direct(signed, said)
        except (_SilenceError, _RefusedError):
            return await self._awaited(signed, end)

    async def _carried(self, kind: str, signed: Signed, said: bytes) -> str:
        try:
            return await self._update(kind, signed, said)
        except RPCError as trouble:
            if trouble.status is RPCStatusCode.NOT_FOUND:
                return await self._direct(signed, said)
            if trouble.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise
        try:
            return await self._repeated(kind, signed, said)
        except RPCError as trouble:  # a refusal now says nothing of what went before
            raise _SilenceError from trouble

    async def _repeated(self, kind: str, signed: Signed, said: bytes) -> str:
        """Ask again: a workflow task that fails takes its updates along.

        So it is when a process continues as new under fresh messages. Whether the door was reached,
        only asking again tells.
        """
        for pause in POLL:
            await asyncio.sleep(pause)
            try:
                return await self._update(kind, signed, said)
            except RPCError as trouble:
                if trouble.status is RPCStatusCode.NOT_FOUND:
                    break
                if trouble.status is not RPCStatusCode.FAILED_PRECONDITION:
                    raise
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
                rpc_timeout=self._answer,
            )
        except WorkflowUpdateFailedError as refused:
            if isinstance(refused.cause, ApplicationError) and refused.cause.type != ENDED:
                raise _refusal(refused.cause) from None
        else:
            return receipt
        try:  # the run ended under the update, which may have reached the door
            return await self._direct(signed, said)
        except RPCError as trouble:
            raise _SilenceError from trouble

    async def signal(self, kind: str, said: bytes) -> None:
        """Leave a command with Temporal; its outcome will stand on the timeline.

        Raises UnreachableError, also when the process runs no more.
        """
        signed = parsed(said, KINDS[kind].commands)
        handle = self._client.get_workflow_handle(names.workflow_id(kind, signed.process))
        payload = Payload(metadata={"encoding": b"json/plain"}, data=said)
        try:
            async with _answered(self._end()):
                await handle.signal(
                    signed.command.kind, RawValue(payload), rpc_timeout=self._answer
                )
        except _SilenceError as silence:
            raise UnreachableError(UNKNOWN) from silence
        except _RefusedError as refused:
            if refused.status is not RPCStatusCode.NOT_FOUND:
                raise
            raise UnreachableError(
                "This process takes no signals any more. Nothing was changed."
            ) from refused

    async def _direct(self, signed: Signed, said: bytes) -> str:
        """Run the door without a workflow: it refuses what is closed, with who and when."""
        delivery = Delivery(process=signed.process, said=said, at=datetime.now(UTC))
        outcome = await self._client.execute_activity(
            "commit",
            delivery,
            id=names.commit_id(signed.nonce),
            id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING,
            task_queue=names.PROCESSES,
            result_type=Outcome,
            schedule_to_close_timeout=self._answer,
            rpc_timeout=self._answer,
        )
        return accepted(outcome)

    async def _awaited(self, signed: Signed, end: float) -> str:
        """Look into the database until the command's outcome is recorded there."""
        for pause in itertools.chain(POLL, itertools.repeat(POLL[-1])):
            outcome = await self._looked_up(signed)
            if outcome is not None:
                return accepted(outcome)
            if asyncio.get_running_loop().time() >= end:
                break
            await asyncio.sleep(pause)
        raise UnreachableError(UNKNOWN)

    async def _looked_up(self, signed: Signed) -> Outcome | None:
        try:
            return await self._recorded(signed.key, signed.nonce)
        except (SQLAlchemyError, OSError):  # away for now, and the command may count meanwhile
            return None

    def _end(self, share: float = 1.0) -> float:
        return asyncio.get_running_loop().time() + share * self._answer.total_seconds()


@asynccontextmanager
async def _answered(end: float) -> AsyncIterator[None]:
    """Let calls to Temporal take until *end*, a time of the running loop.

    Raises UnreachableError where Temporal certainly did nothing, _SilenceError where nobody knows:
    its client repeats a call whose answer was lost, and so tells of the last try alone.
    """
    try:
        async with asyncio.timeout_at(end):
            yield
    except (asyncio.CancelledError, RPCTimeoutOrCancelledError) as ended:
        if _is_interrupted():  # by a person; Temporal's client may call that a time-out
            raise asyncio.CancelledError from ended
        raise _SilenceError from ended
    except (TimeoutError, ActivityFailureError) as silence:
        raise _SilenceError from silence
    except RPCError as trouble:
        if trouble.status not in REFUSALS:
            raise _SilenceError from trouble
        raise _RefusedError(trouble.status) from trouble


def _is_interrupted() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def accepted(outcome: Outcome) -> str:
    """Return an outcome's receipt, or raise the refusal that it holds."""
    if outcome.refusal is not None:
        raise restored(outcome.refusal.code, outcome.refusal.sentence)
    return outcome.receipt or ""


def _refusal(cause: ApplicationError) -> ApprovalError:
    return restored(cause.type or "refused", cause.message)
