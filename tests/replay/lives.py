"""The lives whose histories are kept: every way in which a process can go and end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper

from activities import names
from activities.commit import CommitActivities
from activities.starting import start_process
from approvals.commands import Command
from approvals.customer_access import record as customer_access
from approvals.customer_access.commands import BeginSession as BeginPlatformSession
from approvals.customer_access.commands import Disable
from approvals.delivery import Start
from approvals.errors import ApprovalError
from approvals.people import Person
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.commands import Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import KIND
from identity.signing import Ed25519Signatures
from starter.workers import process_worker
from tests.factories import (
    CAROLINE,
    CHARLOTTE,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    JANE,
    MARY,
    MERYTON,
    MINUTE,
    TOM,
    TOM_SAWYER,
    WICKHAM,
)
from tests.installation import CODES, NoMailQueue, RecordingMailer
from tests.replay import pairing_lives, site_lives
from tests.switching import ON, OTHER_SWITCH, SWITCH, accepting, fill
from tests.workflows.faults import AwayLedger
from tests.workflows.sign_ins import SigningIn
from tests.workflows.stage import QUICK, Stage, as_json, eventually
from tests.workflows.strangers import NAMES, TRASH, raw, updated

SECOND = timedelta(seconds=1)
Handle = WorkflowHandle[object, object]
Life = Callable[["Theatre"], Awaitable[WorkflowHandle[object, object]]]


class Theatre:
    """A stage, its mail, and the means to let time pass."""

    def __init__(self, stage: Stage, mailer: RecordingMailer, skipper: TimeSkipper) -> None:
        self.stage, self.mailer, self.skipper = stage, mailer, skipper

    async def gives(self, process: UUID, command: Command, by: Person) -> str:
        """Let a person give a command on what they see."""
        if command.needs_shown:
            shown = await self.stage.installation.shown(process)
            command = command.model_copy(update={"shown": shown})
        return await self.stage.send(self.stage.installation.signed(by, process, command))

    async def granted(self, lasting: timedelta = DAY) -> UUID:
        """Send a request and have it granted."""
        process = await self.stage.submitted()
        await self.stage.send(await self.stage.grant(process, lasting))
        return process

    async def over(self, process: UUID) -> Handle:
        """Wait for the end of a process."""
        await self.stage.ended(process)
        return self.stage.handle(process)


async def expired(at: Theatre) -> Handle:
    return await at.over(await at.granted(SECOND))


async def denied(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    await at.stage.send(await at.stage.deny(process))
    return await at.over(process)


async def withdrawn(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    await at.gives(process, Withdraw(), ELIZABETH)
    return await at.over(process)


async def revoked(at: Theatre) -> Handle:
    process = await at.granted()
    await at.gives(process, Revoke(reason="The fence is painted."), TOM)
    return await at.over(process)


async def without_an_end(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    await at.gives(process, Grant(no_end=True), TOM)
    await at.gives(process, Revoke(reason="After all."), TOM)
    return await at.over(process)


async def refused_without_an_end(at: Theatre) -> Handle:
    """Refuse something while nothing is due: the run goes on waiting, without a timer."""
    process = await at.stage.submitted()
    await at.gives(process, Grant(no_end=True), TOM)
    with suppress(ApprovalError):
        await at.stage.send(await at.stage.grant(process))
    await at.gives(process, Revoke(reason="After all."), TOM)
    return await at.over(process)


async def finished(at: Theatre) -> Handle:
    process = await at.granted()
    await at.gives(process, Finish(), CAROLINE)
    await at.gives(process, Finish(), CHARLOTTE)
    return await at.over(process)


async def end_moved(at: Theatre) -> Handle:
    process = await at.granted()
    await at.stage.send(await at.stage.change_end(process, 30 * DAY))
    await at.stage.send(await at.stage.change_end(process, SECOND))
    return await at.over(process)


async def visited(at: Theatre) -> Handle:
    process = await at.granted()
    session = await at.gives(process, BeginSession(mode=Mode.SUPPORT), CAROLINE)
    await at.gives(process, EndSession(session=UUID(session)), CAROLINE)
    await at.gives(process, Finish(for_all=True), ELIZABETH)
    return await at.over(process)


async def lapsed_with_reminders(at: Theatre) -> Handle:
    process, submission = at.stage.submission()
    await Stage(at.stage.installation, at.skipper.client).gatehouse.submit(KIND, submission, None)
    return await at.over(process)


async def expired_with_reminders(at: Theatre) -> Handle:
    process = await at.granted(200 * DAY)
    await at.skipper.fast_forward(at.stage.handle(process))
    return await at.over(process)


async def refused_submission(at: Theatre) -> Handle:
    process, submission = at.stage.submission()
    start = Start(process=process, submission=submission.replace(b"Support", b"Root"))
    await start_process(at.stage.client, KIND, start, TOM_SAWYER.id)
    return await at.over(process)


async def trash(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    handle = at.stage.handle(process)
    for name, (kind, args) in zip(NAMES * 3, TRASH.items(), strict=False):
        if kind == "deep nesting":  # it would be the largest part of all that is kept
            continue
        await handle.signal(name, args=args)
        await updated(at.stage.client, handle.id, name, *args)
    await at.stage.send(await at.stage.deny(process))
    return await at.over(process)


async def raced(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    grant, deny = await at.stage.grant(process, SECOND), await at.stage.deny(process)
    with suppress(ApprovalError):
        await asyncio.gather(at.stage.send(grant), at.stage.send(deny))
    with suppress(RPCError, TimeoutError):  # where the denial came first, nothing hears it
        await at.stage.signal(process, "approve", grant)
        await at.stage.recorded(grant)
    return await at.over(process)


async def by_signal(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    grant = await at.stage.grant(process, SECOND)
    await at.stage.signal(process, "approve", grant)
    await at.stage.recorded(grant)
    await at.stage.send(grant)
    return await at.over(process)


async def from_its_row(at: Theatre) -> Handle:
    process = await at.granted(2 * SECOND)
    await at.stage.handle(process).terminate()
    await start_process(at.stage.client, KIND, Start(process=process), TOM_SAWYER.id)
    return await at.over(process)


async def cancelled(at: Theatre) -> Handle:
    process = await at.stage.submitted()
    handle = at.stage.handle(process)
    await handle.cancel()

    async def is_over() -> bool:
        return (await handle.describe()).close_time is not None

    await eventually(is_over)
    return handle


async def proved_and_signed_out(at: Theatre) -> Handle:
    signing_in = SigningIn(at.stage, at.mailer)
    await signing_in.begin()
    await signing_in.prove(await signing_in.code())
    await signing_in.sign_out()
    await signing_in.handle.result()
    return signing_in.handle


async def key_revoked(at: Theatre) -> Handle:
    signing_in = SigningIn(at.stage, at.mailer, CAROLINE)
    await signing_in.begin()
    await signing_in.prove(await signing_in.code())
    await signing_in.is_revoked_by(MARY)
    await signing_in.handle.result()
    return signing_in.handle


async def guessed(at: Theatre) -> Handle:
    signing_in = SigningIn(at.stage, at.mailer, CHARLOTTE)
    await signing_in.begin("nobody@classics.example")
    for guess in range(5):
        with suppress(ApprovalError):
            await signing_in.prove(f"{guess:08d}")
    await signing_in.handle.result()
    return signing_in.handle


async def code_lapsed(at: Theatre) -> Handle:
    skipping = Stage(at.stage.installation, at.skipper.client)
    signing_in = SigningIn(skipping, at.mailer, CHARLOTTE)
    await signing_in.begin()
    await signing_in.handle.result()
    return signing_in.handle


async def key_expired(at: Theatre) -> Handle:
    signing_in = SigningIn(at.stage, at.mailer, MARY)
    await signing_in.begin()
    await at.skipper.fast_forward(signing_in.handle, MINUTE)
    now = await at.skipper.get_current_time(signing_in.handle)
    await signing_in.prove(await signing_in.code(), at=now)
    await at.skipper.fast_forward(signing_in.handle)
    await signing_in.handle.result()
    return signing_in.handle


async def switched(at: Theatre) -> Handle:
    """Turn a switch off and on, with an acceptance and a visit between; it is never over."""
    await fill(at.stage.installation.engines)
    said = at.stage.installation.signed(JANE, SWITCH, ON)
    await at.stage.gatehouse.submit(customer_access.KIND, said, FENCE_PAINTING.id)
    for by, command in (
        (TOM, accepting()),
        (TOM, BeginPlatformSession()),
        (JANE, ON),
        (JANE, Disable()),
        (JANE, ON),
    ):
        with suppress(ApprovalError):
            said = at.stage.installation.signed(by, SWITCH, command)
            await at.stage.gatehouse.send(customer_access.KIND, said)
    return at.stage.client.get_workflow_handle(names.workflow_id(customer_access.KIND, SWITCH))


async def visit_ran_out(at: Theatre) -> Handle:
    """Begin a visit to the platform and let its twelve hours pass."""
    await fill(at.stage.installation.engines)
    facade, signed = at.stage.gatehouse, at.stage.installation.signed
    on = signed(WICKHAM, OTHER_SWITCH, ON)
    await facade.submit(customer_access.KIND, on, FENCE_PAINTING.id)
    for command in (accepting(partner=MERYTON), BeginPlatformSession()):
        await facade.send(customer_access.KIND, signed(TOM, OTHER_SWITCH, command))
    workflow = names.workflow_id(customer_access.KIND, OTHER_SWITCH)
    handle: Handle = at.stage.client.get_workflow_handle(workflow)
    await at.skipper.fast_forward(handle, DAY)
    return handle


PLAYED: dict[str, tuple[Life, ...]] = {
    "customer_access": (switched, visit_ran_out),
    "tenant_access": (
        expired,
        denied,
        withdrawn,
        revoked,
        without_an_end,
        refused_without_an_end,
        finished,
        end_moved,
        visited,
        lapsed_with_reminders,
        expired_with_reminders,
        refused_submission,
        trash,
        raced,
        by_signal,
        from_its_row,
        cancelled,
    ),
    "pairing": pairing_lives.LIVES,
    "site_access": site_lives.ACCESS,
    "contacts": site_lives.CONTACTS,
    "reviews": site_lives.REVIEWS,
    "sign_in": (proved_and_signed_out, key_revoked, guessed, code_lapsed, key_expired),
}


async def decided_in_its_first_task(stage: Stage) -> Handle:
    """Withdraw what no worker has seen yet; the worker comes last."""
    process, submission = stage.submission()
    await start_process(stage.client, KIND, Start(process=process, submission=submission), None)
    withdrawal = stage.installation.signed(ELIZABETH, process, Withdraw())
    await stage.signal(process, "withdraw", withdrawal)
    async with stage.installation.working(stage.client):
        await stage.ended(process)
    return stage.handle(process)


async def decided_while_the_database_was_away(stage: Stage) -> Handle:
    """Grant in spite of a door that is shut for longer than the quick tries."""
    ledger = AwayLedger(stage.installation.engines)

    door = CommitActivities(ledger, Ed25519Signatures(), CODES, NoMailQueue(), QUICK)
    async with process_worker(stage.client, door):
        process = await stage.submitted()
        grant = as_json(await stage.grant(process, 20 * SECOND))
        ledger.is_away = True
        handle = stage.handle(process)
        granting = asyncio.create_task(handle.execute_update("grant", grant, id="grant"))

        async def is_handed_on() -> bool:
            return (await stage.counted(process))["ACTIVITY_TASK_SCHEDULED"] > 0

        await eventually(is_handed_on, within=20)
        ledger.is_away = False
        await granting
        await stage.send(await stage.change_end(process, SECOND))
        await stage.ended(process)
    return handle


BY_HAND = (decided_in_its_first_task, decided_while_the_database_was_away)


async def continued_as_new(stage: Stage) -> list[Handle]:
    """Make a history long, on a server that finds thirty events long; return its runs."""
    async with stage.installation.working(stage.client, policies=QUICK):
        process = await stage.submitted()
        first = await stage.handle(process).describe()
        for _ in range(8):
            await updated(stage.client, first.id, "x", raw(b"{}"))
        await stage.send(await stage.grant(process, SECOND))
        await stage.ended(process)
        last = await stage.handle(process).describe()
    runs = (first.run_id, last.run_id)
    return [stage.client.get_workflow_handle(first.id, run_id=one) for one in runs]
