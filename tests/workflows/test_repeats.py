"""The same command again, by whatever way: one effect, and the same receipt."""

import asyncio

from approvals.tenant_access.record import KIND
from tests.workflows.stage import Stage, as_json, on_both_databases


@on_both_databases
async def test_a_command_that_comes_by_every_way_counts_once(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        process = await stage.submitted()
        said = await stage.grant(process)
        handle = stage.handle(process)

        receipts = [await stage.send(said)]
        receipts += await asyncio.gather(
            *(
                handle.execute_update("grant", as_json(said), id=f"again-{one}", result_type=str)
                for one in range(5)
            )
        )
        await stage.signal(process, "approve", said)
        outcome = await stage.commit(process, said)
        await handle.terminate("a stranger was here")
        await stage.sees(process)
        await stage.reconciled()
        receipts.append(await handle.execute_update("grant", as_json(said), result_type=str))

        assert {*receipts, outcome.receipt} == {str(process)}
        assert outcome.refusal is None
        assert (await stage.request(process)).version == 2
        assert await stage.audited(process) == ["submitted", "granted"]
        mails = [one for one in await stage.mails(process) if one.version == 2]
        assert len({one.to for one in mails}) == len(mails) == 3


async def test_a_submission_that_comes_again_after_the_close_changes_nothing(
    stage: Stage,
) -> None:
    process, submission = stage.submission()
    async with stage.installation.working(stage.client):
        await stage.gatehouse.submit(KIND, submission, None)
        await stage.send(await stage.deny(process))
        await stage.ended(process)

        receipt = await stage.gatehouse.submit(KIND, submission, None)
        again = await asyncio.wait_for(stage.handle(process).result(), 3)

    assert receipt == str(process)
    assert (again.status, again.receipt) == ("denied", str(process))
    assert (await stage.request(process)).status == "denied"
    assert await stage.audited(process) == ["submitted", "denied"]
