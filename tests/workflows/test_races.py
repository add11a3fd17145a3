"""Two who decide at once: one wins, and the other is told who did and when."""

import asyncio
from uuid import UUID

from approvals.errors import AlreadyDecidedError, say
from approvals.tenant_access.record import TenantAccess
from tests.factories import BECKY, TOM
from tests.workflows.stage import Stage, on_both_databases

TRIALS = 20
CHANNELS = ("update", "signal", "standalone")


async def heard(stage: Stage, process: UUID, said: bytes, channel: str) -> str:
    """Give a command by one of the ways in; return "" or the refusal's sentence."""
    if channel == "update":
        try:
            await stage.send(said)
        except AlreadyDecidedError as refusal:
            return str(refusal)
        return ""
    if channel == "signal":
        await stage.signal(process, "decide", said)
    else:
        await stage.commit(process, said)
    outcome = await stage.recorded(said)
    if outcome.refusal is None:
        return ""
    assert outcome.refusal.code == "already_decided"
    return outcome.refusal.sentence


async def raced(stage: Stage, trial: int) -> tuple[TenantAccess, str, str]:
    process = await stage.submitted()
    granting, denying = await stage.grant(process, by=TOM), await stage.deny(process, by=BECKY)
    ways = [CHANNELS[(trial + one) % 3] for one in (0, trial // 3)]

    grant, deny = await asyncio.gather(
        heard(stage, process, granting, ways[0]),
        heard(stage, process, denying, ways[1]),
    )

    return await stage.request(process), grant, deny


@on_both_databases
async def test_of_a_grant_and_a_denial_at_once_exactly_one_wins(stage: Stage) -> None:
    async with stage.installation.working(stage.client):
        trials = await asyncio.gather(*(raced(stage, trial) for trial in range(TRIALS)))

        for state, grant, deny in trials:
            is_granted = state.status == "granted"
            assert (grant == "", deny == "") == (is_granted, not is_granted)
            winner = TOM if is_granted else BECKY
            assert state.decided_at is not None
            assert (state.decided_by, state.version) == (winner.id, 2)
            assert (grant or deny) == (
                f"This request was already {state.status} by {winner.name}"
                f" on {say(state.decided_at)}. Nothing was changed."
            )
            changes = await stage.audited(state.process_id)
            assert changes == ["submitted", str(state.status), "refused.already_decided"]
            told = [one for one in await stage.mails(state.process_id) if one.version == 2]
            assert {one.kind for one in told} == {f"request_{state.status}"}
            assert len({one.to for one in told}) == len(told) == 3
