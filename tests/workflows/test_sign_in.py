"""Sign-in on the real server: the mailed code, the key, and what no history may hold."""

import pytest

from approvals.errors import WrongCodeError
from tests.factories import MARY
from tests.workflows.sign_ins import SigningIn
from tests.workflows.stage import Stage, broken_tasks


async def test_a_mailed_code_enrols_a_key_that_signs_until_the_sign_out(stage: Stage) -> None:
    async with stage.installation.working(stage.client) as mailer:
        signing_in = SigningIn(stage, mailer)
        await signing_in.begin()
        code = await signing_in.code()

        assert await signing_in.prove(code) == str(signing_in.process)
        assert (await signing_in.state()).status == "enrolled"
        await signing_in.sign_out()
        result = await signing_in.handle.result()

    assert (result.status, (await signing_in.state()).status) == ("finished", "finished")
    assert await stage.audited(signing_in.process) == ["asked", "enrolled", "signed_out"]


async def test_the_code_is_in_no_history(stage: Stage) -> None:
    async with stage.installation.working(stage.client) as mailer:
        signing_in = SigningIn(stage, mailer)
        await signing_in.begin()
        code = await signing_in.code()
        await signing_in.prove(code)
        await signing_in.sign_out()
        await signing_in.handle.result()

    events = (await signing_in.handle.fetch_history()).events
    assert broken_tasks(events) == 0
    assert code.encode() not in b"".join(one.SerializeToString() for one in events)


async def test_the_fifth_wrong_code_ends_the_sign_in(stage: Stage) -> None:
    async with stage.installation.working(stage.client) as mailer:
        signing_in = SigningIn(stage, mailer)
        await signing_in.begin()
        right = await signing_in.code()
        wrong = f"{(int(right) + 1) % 10**8:08d}"

        for left in (4, 3, 2, 1):
            with pytest.raises(WrongCodeError, match=f"{left} of 5 attempts are left"):
                await signing_in.prove(wrong)
        with pytest.raises(WrongCodeError, match="Ask for a new code"):
            await signing_in.prove(wrong)
        result = await signing_in.handle.result()

    assert (result.status, result.version) == ("denied", 6)


async def test_an_operator_ends_a_key_from_elsewhere(stage: Stage) -> None:
    async with stage.installation.working(stage.client) as mailer:
        signing_in = SigningIn(stage, mailer)
        await signing_in.begin()
        await signing_in.prove(await signing_in.code())

        await signing_in.is_revoked_by(MARY)
        result = await signing_in.handle.result()

    assert result.status == "revoked"
