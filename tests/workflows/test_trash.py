"""Messages of any name, number and kind: refused, audited, and the process goes on (K1, K7)."""

import asyncio
from uuid import UUID

import pytest
from temporalio.client import Client

from approvals.canonical import canonical
from approvals.tenant_access.record import KIND
from tests.factories import TOM
from tests.workflows.stage import Stage, as_json, eventually
from tests.workflows.strangers import NAMES, TRASH, changed, raw, sealed, unsealed, updated

AUDIT_SECONDS = 5


async def assert_it_goes_on(stage: Stage, process: UUID, refused: int) -> None:
    """The row is untouched, all refusals are recorded, no task failed, and a grant works."""

    async def are_audited() -> bool:
        return await stage.refusals(process) >= refused

    await eventually(are_audited, within=AUDIT_SECONDS)
    state = await stage.request(process)
    assert (state.status, state.version) == ("pending", 1)
    assert await stage.broken_tasks(process) == 0
    assert await stage.send(await stage.grant(process)) == str(process)
    assert await stage.is_open()


@pytest.mark.parametrize("kind", TRASH)
async def test_trash_under_any_name_changes_nothing(
    played: Stage, stranger: Client, kind: str
) -> None:
    process = await played.submitted()
    handle = stranger.get_workflow_handle(f"{KIND}/{process}")

    for name in NAMES:
        await handle.signal(name, args=TRASH[kind])
    codes = await asyncio.gather(
        *(updated(stranger, handle.id, name, *TRASH[kind]) for name in NAMES)
    )

    assert codes == ["invalid_decision"] * len(NAMES)
    await assert_it_goes_on(played, process, refused=2 * len(NAMES))
    kinds = {one.event for one in await played.audit(process) if one.version is None}
    assert kinds == {"refused.invalid_decision"}


async def test_a_message_of_900_kilobytes_is_refused_for_its_size(
    played: Stage, stranger: Client
) -> None:
    process = await played.submitted()
    handle = stranger.get_workflow_handle(f"{KIND}/{process}")
    large = raw(b'"' + b"x" * 900_000 + b'"')

    await handle.signal("grant", large)
    code = await updated(stranger, handle.id, "grant", large)

    assert code == "invalid_decision"
    await assert_it_goes_on(played, process, refused=2)


@pytest.mark.parametrize("word", ["tick", "expire", "lapse", "close", "remind"])
async def test_nobody_can_say_what_only_the_clock_may(
    played: Stage, stranger: Client, word: str
) -> None:
    process = await played.submitted()
    handle = stranger.get_workflow_handle(f"{KIND}/{process}")
    grant = unsealed(await played.grant(process))
    signed = sealed(played.installation, TOM, changed(grant, ("command", "kind"), word))
    bare = raw(canonical({"kind": word}))

    await handle.signal(word, bare)
    await handle.signal(word, as_json(signed))
    codes = [
        await updated(stranger, handle.id, word),
        await updated(stranger, handle.id, word, bare),
        await updated(stranger, handle.id, word, as_json(signed)),
    ]

    assert codes == ["invalid_decision"] * 3
    await assert_it_goes_on(played, process, refused=5)


async def test_a_grant_behind_a_flood_of_junk_is_applied(played: Stage, stranger: Client) -> None:
    process = await played.submitted()
    handle = stranger.get_workflow_handle(f"{KIND}/{process}")

    await asyncio.gather(*(handle.signal(f"junk {one}", args=[one]) for one in range(300)))
    await played.signal(process, "approve", said := await played.grant(process))
    outcome = await played.recorded(said)

    assert (outcome.status, outcome.refusal) == ("granted", None)
    assert await played.audited(process) in (  # the cap counts by minute, and one may turn
        ["submitted", "refused.invalid_decision", "granted"],
        ["submitted", "refused.invalid_decision", "refused.invalid_decision", "granted"],
        ["submitted", "refused.invalid_decision", "granted", "refused.invalid_decision"],
    )
    await eventually(lambda: has_refused(played, process, 300))
    assert (await played.counted(process))["WORKFLOW_EXECUTION_SIGNALED"] == 301
    assert await played.broken_tasks(process) == 0


async def has_refused(stage: Stage, process: UUID, number: int) -> bool:
    return await stage.refusals(process) >= number
