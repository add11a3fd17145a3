"""The rows of the `temporal` surface that are messages to a process."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from approvals.errors import AlreadyDecidedError
from approvals.tenant_access.commands import Deny
from approvals.tenant_access.record import KIND
from tests.bad_inputs import rows
from tests.factories import CHRISTOPHER, HOUR, HUNDRED_ACRE, TOM, WICKHAM
from tests.workflows.programs import signalled
from tests.workflows.stage import QUICK, Stage, as_json, eventually
from tests.workflows.strangers import changed, raw, sealed, unsealed, updated, without

REFUSED, IGNORED = "refused by commit and audited", "dropped or ignored, with an alert"
TOO_LONG = "x" * 2001
Make = Callable[[Stage, UUID], Awaitable[bytes]]


def tampered(change: Callable[[dict[str, object]], dict[str, object]]) -> Make:
    """Make Tom's own grant with something wrong in it, under his good signature."""

    async def make(stage: Stage, process: UUID) -> bytes:
        document = change(unsealed(await stage.grant(process)))
        return sealed(stage.installation, TOM, document)

    return make


def plain(data: bytes) -> Make:
    async def make(stage: Stage, process: UUID) -> bytes:
        return data

    return make


async def long_denial(stage: Stage, process: UUID) -> bytes:
    denial = unsealed(await stage.deny(process, by=TOM))
    return sealed(stage.installation, TOM, changed(denial, ("command", "args", "reason"), TOO_LONG))


async def surrogate(stage: Stage, process: UUID) -> bytes:
    denial = await stage.deny(process, by=TOM)
    return denial.replace(b"We paint it.", b"\\ud800")


async def of_another_tenant(stage: Stage, process: UUID) -> bytes:
    other = await stage.submitted(HUNDRED_ACRE)
    return await stage.grant(other, by=CHRISTOPHER)


async def other_shown(stage: Stage, process: UUID) -> bytes:
    said = await stage.grant(process)
    return said.replace((await stage.installation.shown(process)).encode(), b"0" * 64)


async def other_tenants_key(stage: Stage, process: UUID) -> bytes:
    return await stage.grant(process, by=CHRISTOPHER)


async def old(stage: Stage, process: UUID) -> bytes:
    shown = await stage.installation.shown(process)
    an_hour_ago = datetime.now(UTC) - HOUR
    return stage.installation.signed(TOM, process, Deny(reason="No.", shown=shown), at=an_hour_ago)


async def in_toms_name(stage: Stage, process: UUID) -> bytes:
    shown = await stage.installation.shown(process)
    deny = Deny(reason="No.", shown=shown)
    return stage.installation.signed(WICKHAM, process, deny, actor=TOM)


ARGS = ("command", "args")
NAIVE = "2030-03-29T14:00:00"
BY_UPDATE: dict[str, tuple[str, Make, str]] = {
    "null": ("grant", plain(b"null"), "invalid_decision"),
    "number": ("grant", plain(b"42"), "invalid_decision"),
    "{}": ("grant", plain(b"{}"), "invalid_decision"),
    "unknown update name": ("no such update", plain(b"{}"), "invalid_decision"),
    "decision 'GRANT'": (
        "grant", tampered(lambda it: changed(it, ("command", "kind"), "GRANT")), "invalid_decision",
    ),
    "decision missing": (
        "grant", tampered(lambda it: without(it, "command", "kind")), "invalid_decision",
    ),
    "reason 2001 chars": ("deny", long_denial, "invalid_decision"),
    "reason with lone surrogate": ("deny", surrogate, "invalid_decision"),
    "decision_id unknown in the DB": (
        "grant", tampered(lambda it: {**it, "process_id": str(uuid4())}), "invalid_decision",
    ),
    "decision_id of another tenant": ("grant", of_another_tenant, "invalid_decision"),
    "approver_id given in the payload": ("deny", in_toms_name, "key_refused"),
    "signature over another 'shown' digest": ("grant", other_shown, "invalid_decision"),
    "signature by a key of another tenant": ("grant", other_tenants_key, "not_found"),
    "iat 1 h old": ("deny", old, "command_stale"),
    "ends_at naive": (
        "grant", tampered(lambda it: changed(it, (*ARGS, "ends_at"), NAIVE)), "invalid_decision",
    ),
    "schema_version 'x'": (
        "grant", tampered(lambda it: {**it, "schema_version": "x"}), "invalid_decision",
    ),
}  # fmt: skip


@pytest.mark.parametrize("recipe", BY_UPDATE)
async def test_a_bad_update_is_refused_and_audited(
    played: Stage, stranger: Client, recipe: str
) -> None:
    name, make, expected = BY_UPDATE[recipe]
    process = await played.submitted()
    said = await make(played, process)

    code = await updated(stranger, f"{KIND}/{process}", name, as_json(said))

    assert code == expected
    assert await played.audited(process) == ["submitted", f"refused.{expected}"]
    assert (await played.request(process)).version == 1
    assert await played.broken_tasks(process) == 0
    assert await played.send(await played.grant(process)) == str(process)


async def reused_update_id(stage: Stage, stranger: Client, process: UUID) -> None:
    handle = stage.handle(process)
    await stage.send(good := await stage.grant(process))
    nonce = unsealed(good)["nonce"]

    again = await handle.execute_update("grant", raw(b"{}"), id=nonce, result_type=str)

    assert again == str(process)  # Temporal itself gives the first answer
    assert await stage.audited(process) == ["submitted", "granted"]


async def no_argument(stage: Stage, stranger: Client, process: UUID) -> None:
    assert await updated(stranger, f"{KIND}/{process}", "grant") == "invalid_decision"
    assert (await stage.request(process)).version == 1


async def junk(stage: Stage, stranger: Client, process: UUID, *args: object) -> None:
    await stranger.get_workflow_handle(f"{KIND}/{process}").signal("grant", args=args)
    await eventually(lambda: is_audited(stage, process, "refused.invalid_decision"))
    assert (await stage.request(process)).version == 1


async def wrong_type(stage: Stage, stranger: Client, process: UUID) -> None:
    await junk(stage, stranger, process, 7, ["seven"])


async def ciphertext(stage: Stage, stranger: Client, process: UUID) -> None:
    sealed_by_nobody = raw(b"\x00" * 40, b"binary/encrypted", **{"encryption-key-id": b"nobody"})
    await junk(stage, stranger, process, sealed_by_nobody)


async def plain_json(stage: Stage, stranger: Client, process: UUID) -> None:
    await junk(stage, stranger, process, {"kind": "grant", "ends_at": "2030-01-01T00:00:00Z"})


async def by_the_cli(stage: Stage, stranger: Client, process: UUID) -> None:
    await signalled(stranger, f"{KIND}/{process}", "granted", '{"decision": "granted"}')

    await eventually(lambda: is_audited(stage, process, "refused.invalid_decision"))
    assert (await stage.request(process)).version == 1


async def ten_thousand_times(stage: Stage, stranger: Client, process: UUID) -> None:
    said = await stage.grant(process)

    await asyncio.gather(*(stage.signal(process, "grant", said) for _ in range(200)))
    assert await stage.send(said) == str(process)

    assert await stage.audited(process) == ["submitted", "granted"]


async def after_expiry(stage: Stage, stranger: Client, process: UUID) -> None:
    await stage.send(await stage.grant(process, lasting=timedelta(seconds=0.5)))
    change = await stage.grant(process)
    await stage.ended(process)

    with pytest.raises(RPCError, match="already completed"):
        await stage.signal(process, "grant", change)
    with pytest.raises(AlreadyDecidedError, match="already expired"):
        await stage.send(change)

    assert (await stage.request(process)).status == "expired"


async def cancelled(stage: Stage, stranger: Client, process: UUID) -> None:
    await stranger.get_workflow_handle(f"{KIND}/{process}").cancel()
    await stage.sees(process)

    assert (await stage.request(process)).version == 1
    assert (await stage.reconciled()).started == 1
    assert await stage.send(await stage.grant(process)) == str(process)
    assert (await stage.counted(process))["WORKFLOW_EXECUTION_UPDATE_COMPLETED"] == 1


async def reset(stage: Stage, stranger: Client, process: UUID) -> None:
    await stage.send(await stage.grant(process))
    before = await stage.mails(process)
    first = next(
        one.event_id
        for one in await stage.events(process)
        if one.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )

    await stranger.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stranger.namespace,
            workflow_execution=WorkflowExecution(workflow_id=f"{KIND}/{process}"),
            workflow_task_finish_event_id=first,
            request_id=str(uuid4()),
        )
    )
    with pytest.raises(AlreadyDecidedError):
        await stage.send(await stage.deny(process))

    assert await stage.audited(process) == ["submitted", "granted", "refused.already_decided"]
    assert [one.kind for one in await stage.mails(process)] == [one.kind for one in before]


Play = Callable[[Stage, Client, UUID], Awaitable[None]]
CANCEL = "cancel request by a stranger: no row changes, the process is restarted from its row"
PLAYED: dict[str, Play] = {
    "no argument": no_argument,
    "update id reused with another body: first answer returned": reused_update_id,
    "signal with wrong type (SDK logs 'dropping the signal')": wrong_type,
    "signal with ciphertext under an unknown key id": ciphertext,
    "signal with a plain JSON payload while encryption is required": plain_json,
    "signal 'granted' forged with tctl/temporal CLI, no valid decision_id": by_the_cli,
    "the same signal 10_000 times": ten_thousand_times,
    "grant signal after expiry timer fired": after_expiry,
    CANCEL: cancelled,
    "reset to an earlier event by an operator: DB state wins, no second mail": reset,
}
ELSEWHERE = {"signal during continue-as-new"}  # test_long_histories.py


@pytest.mark.parametrize("recipe", PLAYED)
async def test_a_bad_message_does_nothing(stage: Stage, stranger: Client, recipe: str) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        process = await stage.submitted()

        await PLAYED[recipe](stage, stranger, process)

        assert await stage.broken_tasks(process) == 0


def test_every_row_about_messages_is_played() -> None:
    listed = {one.recipe for one in rows("temporal") if one.expect in (REFUSED, IGNORED)}

    assert listed == {*BY_UPDATE, *PLAYED, *ELSEWHERE}


async def is_audited(stage: Stage, process: UUID, event: str) -> bool:
    return event in await stage.audited(process)
