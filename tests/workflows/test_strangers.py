"""A stranger with a plain Temporal client: nothing happens but what the clock demands anyway."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities import names
from activities.starting import start_process
from approvals.audit import INSTALLATION
from approvals.delivery import Start
from approvals.errors import InvalidDecisionError
from approvals.ports import Letter, NoticesOf, Posting
from approvals.sign_in.record import KIND as SIGN_IN
from approvals.tenant_access.record import KIND
from tests.bad_inputs import rows
from tests.factories import TOM_SAWYER
from tests.installation import RecordingMailer
from tests.workflows.stage import Stage, broken_tasks, eventually, short_window, until
from tests.workflows.strangers import code_of, ran, raw

YEAR = timedelta(days=365)
NONSENSE = {
    "nothing": (),
    "no JSON": (raw(b"x"),),
    "an empty object": (raw(b"{}"),),
    "no encoding": (raw(b"\xff\x00", None),),
    "a lone surrogate": (raw(b'{"process":"\\ud800"}'),),
    "an id that is none": (raw(b'{"process":"tom.sawyer@example.com"}'),),
}


async def refusal_of_start(stranger: Client, kind: str, *args: object) -> str | None:
    """Start a process as a stranger; return the code with which it failed at once."""
    with pytest.raises(WorkflowFailureError) as caught:
        await stranger.execute_workflow(
            kind,
            args=args,
            id=f"{kind}/{uuid4()}",
            task_queue=names.PROCESSES,
            execution_timeout=timedelta(seconds=15),
        )
    return code_of(caught.value)


@pytest.mark.parametrize("kind", [KIND, SIGN_IN])
@pytest.mark.parametrize("what", NONSENSE)
async def test_a_process_that_is_started_with_nonsense_fails_at_once(
    played: Stage, stranger: Client, kind: str, what: str
) -> None:
    assert await refusal_of_start(stranger, kind, *NONSENSE[what]) == "invalid_request"


async def test_a_process_that_is_started_with_two_arguments_wedges_alone(
    played: Stage, stranger: Client
) -> None:
    process = await played.submitted()

    wedged = await stranger.start_workflow(
        KIND, args=[1, 2], id=f"{KIND}/{uuid4()}", task_queue=names.PROCESSES
    )
    await eventually(lambda: is_broken(stranger, wedged.id))

    assert await played.send(await played.grant(process)) == str(process)
    assert await played.broken_tasks(process) == 0
    await wedged.terminate()


async def test_a_decision_goes_past_a_workflow_that_hangs(played: Stage, stranger: Client) -> None:
    played.installation.answer_seconds = 5
    process = await played.submitted()
    await played.handle(process).terminate()
    wedged = await stranger.start_workflow(
        KIND, args=[1, 2], id=f"{KIND}/{process}", task_queue=names.PROCESSES
    )
    await eventually(lambda: is_broken(stranger, wedged.id))
    gatehouse = played.installation.gatehouse(played.client)

    receipt = await gatehouse.send(KIND, await played.grant(process))

    assert receipt == str(process)
    assert await played.audited(process) == ["submitted", "granted"]
    assert await played.is_open()
    await wedged.terminate()


async def test_a_process_that_nobody_submitted_ends_at_once_and_leaves_no_row(
    played: Stage, stranger: Client
) -> None:
    process = uuid4()

    await stranger.start_workflow(
        KIND, {"process": str(process)}, id=f"{KIND}/{process}", task_queue=names.PROCESSES
    )
    result = await played.ended(process)

    assert (result.version, result.status) == (0, "")
    assert await played.installation.inbox.state(process) is None


async def test_a_submission_that_nobody_signed_opens_nothing(
    played: Stage, stranger: Client
) -> None:
    process, said = played.submission()
    forged = said.replace(b"SupportAccess", b"EverythingPlease")

    start = Start(process=process, submission=forged)
    handle = await start_process(played.client, KIND, start, None)
    result = await asyncio.wait_for(handle.result(), 10)

    assert (result.version, result.refusal and result.refusal.code) == (0, "invalid_decision")
    assert await played.installation.inbox.state(process) is None
    assert await played.audited(INSTALLATION) == ["refused.invalid_decision"]


async def too_large(stage: Stage, stranger: Client) -> None:
    with pytest.raises(RPCError, match="exceeds limit"):
        await stranger.start_workflow(
            KIND, raw(b"x" * 3_000_000), id=f"{KIND}/{uuid4()}", task_queue=names.PROCESSES
        )


async def old_schema(stage: Stage, stranger: Client) -> None:
    older = {"process_id": str(uuid4()), "state": "granted"}
    assert await refusal_of_start(stranger, KIND, older) == "invalid_request"


async def missing(stage: Stage, stranger: Client) -> None:
    assert await refusal_of_start(stranger, KIND) == "invalid_request"


async def already_running(stage: Stage, stranger: Client) -> None:
    process = await stage.submitted()
    before = (await stage.handle(process).describe()).run_id

    again = await start_process(stage.client, KIND, Start(process=process), TOM_SAWYER.id)

    assert (await again.describe()).run_id == before


async def with_cron_and_memo(stage: Stage, stranger: Client) -> None:
    process = await stage.submitted()

    handle = await stranger.start_workflow(
        KIND, {"process": str(process), "status": "granted", "version": 9},
        id="whatever", task_queue=names.PROCESSES,
        cron_schedule="* * * * *", memo={"status": "granted"},
    )  # fmt: skip

    assert (await stage.request(process)).version == 1
    await handle.terminate()


STARTS: dict[str, Callable[[Stage, Client], Awaitable[None]]] = {
    "start payload missing": missing,
    "start payload of an old schema": old_schema,
    "start payload > 2 MiB": too_large,
    "workflow id already running: returns the running one": already_running,
    "start with cron/schedule/memo set": with_cron_and_memo,
}


@pytest.mark.parametrize(
    "recipe", [one.recipe for one in rows("temporal") if one.expect == "workflow start refused"]
)
async def test_a_bad_start_is_refused_or_changes_nothing(
    played: Stage, stranger: Client, recipe: str
) -> None:
    await STARTS[recipe](played, stranger)

    process = await played.submitted()  # others are served as before
    assert await played.audited(process) == ["submitted"]


async def test_a_commit_with_forged_content_does_nothing(played: Stage, stranger: Client) -> None:
    process = await played.submitted()
    later = (datetime.now(UTC) + 2 * YEAR).isoformat()
    forged: dict[str, object] = {
        "process": str(process), "said": None, "at": later,
        "version": 9, "status": "granted", "grants": [{"person": "x"}], "transition": {},
    }  # fmt: skip

    standing = await ran(stranger, "commit", forged, reader=played.client)
    heard = await ran(stranger, "commit", {**forged, "said": "e30="}, reader=played.client)

    assert (standing["version"], standing["status"], standing["refusal"]) == (1, "pending", None)
    assert heard["refusal"]["code"] == "invalid_decision"
    assert await played.audited(process) == ["submitted", "refused.invalid_decision"]


async def test_a_commit_for_another_process_than_the_signed_one_is_refused(
    played: Stage, stranger: Client
) -> None:
    process, other = await played.submitted(), await played.submitted()

    outcome = await played.commit(other, await played.grant(process))

    assert outcome.refusal is not None
    assert outcome.refusal.code == InvalidDecisionError.code
    assert (await played.request(other)).version == (await played.request(process)).version == 1


async def test_a_commit_of_a_tick_does_what_was_due_and_no_more(
    stage: Stage, stranger: Client
) -> None:
    async with stage.installation.working(stage.client, policies=short_window(SHORT)):
        process = await stage.submitted()
        await stage.handle(process).terminate("a stranger wants nobody to watch the clock")
        early = await stage.commit(process, None)
        await until((await stage.request(process)).due_at)

        due = await stage.commit(process, None)
        again = await stage.commit(process, None)

    assert (early.status, early.version) == ("pending", 1)
    assert (due.status, due.version) == (again.status, again.version) == ("lapsed", 2)
    assert await stage.audited(process) == ["submitted", "lapsed"]


SHORT = timedelta(seconds=3)


@pytest.mark.parametrize("activity", ["commit", "send_notices"])
@pytest.mark.parametrize("what", NONSENSE)
async def test_an_activity_with_nonsense_fails_once(
    played: Stage, stranger: Client, activity: str, what: str
) -> None:
    with pytest.raises(ApplicationError) as caught:
        await ran(stranger, activity, *NONSENSE[what])

    assert (caught.value.type, caught.value.non_retryable) == ("invalid_input", True)


async def undecodable(stage: Stage, stranger: Client, process: UUID) -> None:
    with pytest.raises(ApplicationError) as caught:
        await ran(stranger, "commit", raw(b"\x00" * 40, b"binary/encrypted"))
    assert (caught.value.type, caught.value.non_retryable) == ("invalid_input", True)


async def twice(stage: Stage, stranger: Client, process: UUID) -> None:
    said = await stage.grant(process)
    first, second = await stage.commit(process, said), await stage.commit(process, said)
    assert first == second
    assert (await stage.request(process)).version == 2


async def unknown_type(stage: Stage, stranger: Client, process: UUID) -> None:
    with pytest.raises(ApplicationError, match="NotFoundError: Encoded failure"):
        await ran(stranger, "grant_everything", {"process": str(process)}, attempts=1)


async def large_result(stage: Stage, stranger: Client, process: UUID) -> None:
    outcome = await stage.commit(process, b"x" * 64_000)  # the answer does not grow with it
    assert len(outcome.model_dump_json()) < 1_000


BY_ACTIVITY = {
    "undecodable activity argument": undecodable,
    "activity runs twice (same idempotency key)": twice,
    "activity result > 2 MiB": large_result,
    "activity type unknown on the worker": unknown_type,
}


@pytest.mark.parametrize(
    "recipe", [one.recipe for one in rows("temporal") if one.expect.startswith("activity:")]
)
async def test_a_bad_activity_fails_once_or_changes_nothing(
    played: Stage, stranger: Client, recipe: str
) -> None:
    process = await played.submitted()

    await BY_ACTIVITY[recipe](played, stranger, process)

    happened = await played.audited(process)
    assert len(happened) == len(set(happened))


async def test_a_mail_job_that_is_run_again_sends_nothing_twice(stage: Stage) -> None:
    async with stage.installation.working(stage.client) as mailer:
        process = await stage.submitted()
        await eventually(lambda: has_letters(mailer, 2))

        notices = NoticesOf(process=process, version=1)
        tried = [await ran(stage.client, "send_notices", notices) for _ in range(3)]

    assert tried == [0, 0, 0]
    assert len(mailer.letters) == 2


class SlowMailer(RecordingMailer):
    """Takes a moment for each letter."""

    async def send(self, letter: Letter) -> Posting:
        await asyncio.sleep(0.3)
        return await super().send(letter)


async def test_a_mail_job_that_runs_beside_the_true_one_doubles_nothing(stage: Stage) -> None:
    async with stage.installation.working(stage.client, mailer=SlowMailer()) as mailer:
        process = await stage.submitted()
        notices = NoticesOf(process=process, version=1)
        jobs = (ran(stage.client, "send_notices", notices) for _ in range(2))
        await asyncio.gather(*jobs, return_exceptions=True)
        await eventually(lambda: are_sent(stage, process))

    assert len(mailer.letters) == 2


async def are_sent(stage: Stage, process: UUID) -> bool:
    return {one.status for one in await stage.mails(process)} == {"sent"}


async def is_broken(client: Client, workflow: str) -> bool:
    history = await client.get_workflow_handle(workflow).fetch_history()
    return broken_tasks(history.events) > 0


async def has_letters(mailer: RecordingMailer, number: int) -> bool:
    return len(mailer.letters) >= number
