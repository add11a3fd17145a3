"""Temporal's server killed, and its file lost: the rows are the truth, and processes go on."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from starter.temporal_server import TemporalServer
from tests.installation import Installation
from tests.workflows.losing import kill, lose
from tests.workflows.stage import QUICK, Stage, connected

MOMENT = timedelta(seconds=1.5)


@pytest.fixture
async def stage(
    installation: Installation, own_server: TemporalServer, payload_keys: Path
) -> Stage:
    """The stage on that server."""
    return Stage(installation, await connected(own_server.address, payload_keys))


async def test_processes_go_on_after_the_server_was_killed(
    stage: Stage, own_server: TemporalServer
) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        granted, pending = await stage.submitted(), await stage.submitted()
        await stage.send(await stage.grant(granted, lasting=MOMENT))
        late = await stage.grant(pending)

        await kill(own_server)
        assert await stage.is_open()  # the gate needs the database alone
        granting = asyncio.create_task(stage.send(late))
        await own_server.start()

        assert await granting == str(pending)
        assert (await stage.ended(granted)).status == "expired"
    assert await stage.audited(granted) == ["submitted", "granted", "expired"]
    assert await stage.audited(pending) == ["submitted", "granted"]


async def test_processes_are_started_from_their_rows_after_the_file_was_lost(
    stage: Stage, own_server: TemporalServer, tmp_path: Path
) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        granted, pending, denied = [await stage.submitted() for _ in range(3)]
        await stage.send(await stage.grant(granted, lasting=MOMENT))
        await stage.send(await stage.deny(denied))
    mails = [await stage.mails(one) for one in (granted, pending, denied)]

    await kill(own_server)
    lose(tmp_path)
    await own_server.start()
    async with stage.installation.working(stage.client, policies=QUICK):
        done = await stage.reconciled()

        assert (done.open, done.started) == (2, 2)
        assert (await stage.ended(granted)).status == "expired"
        assert await stage.send(await stage.grant(pending)) == str(pending)
    assert await stage.audited(granted) == ["submitted", "granted", "expired"]
    assert await stage.audited(pending) == ["submitted", "granted"]
    assert await stage.audited(denied) == ["submitted", "denied"]
    assert len(await stage.mails(denied)) == len(mails[2])
