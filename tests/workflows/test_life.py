"""One request's life on the real server: sent, granted, expired, and told by mail."""

from datetime import timedelta

import pytest

from approvals.errors import AlreadyDecidedError
from tests.factories import BECKY, CAROLINE, CHARLOTTE, ELIZABETH, TOM
from tests.installation import RecordingMailer
from tests.workflows.programs import signalled
from tests.workflows.stage import QUICK, Stage, eventually, on_both_databases


@on_both_databases
async def test_a_request_is_granted_and_expires_by_itself(stage: Stage) -> None:
    async with stage.installation.working(stage.client, policies=QUICK) as mailer:
        process = await stage.submitted()
        assert not await stage.is_open()

        assert await stage.send(await stage.grant(process, timedelta(seconds=2))) == str(process)
        assert (await stage.request(process)).status == "granted"
        assert await stage.is_open()

        assert (await stage.ended(process)).status == "expired"
        assert (await stage.request(process)).status == "expired"
        assert not await stage.is_open()
        late = await stage.deny(process)
        with pytest.raises(AlreadyDecidedError, match="already expired"):
            await stage.send(late)
        await eventually(lambda: has_told(mailer, 8))

    askers = (ELIZABETH, CAROLINE, CHARLOTTE)
    assert sorted(one.to for one in mailer.letters) == sorted(
        one.email for one in (TOM, BECKY, *askers, *askers)
    )


async def test_a_grant_that_the_plain_temporal_program_signals_counts(played: Stage) -> None:
    process = await played.submitted()
    grant = await played.grant(process)

    await signalled(played.client, played.handle(process).id, "approve", grant.decode())
    outcome = await played.recorded(grant)

    assert (outcome.status, outcome.refusal) == ("granted", None)
    assert [one.channel for one in await played.audit(process)] == ["cli", "signal"]


async def has_told(mailer: RecordingMailer, number: int) -> bool:
    return len(mailer.letters) >= number
