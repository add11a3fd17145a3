"""The portal as a process of its own: it starts, answers, and ends cleanly when it is told to."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.engine import URL

from config.settings import Settings
from portal import cookies
from tests.factories import TOM
from tests.installation import Installation
from tests.portal.site import Site
from tests.portal.windows import listening

PATIENCE = 30.0  # seconds


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The portal's settings on a free port."""
    with listening() as taken:
        port = taken.getsockname()[1]
    return settings.model_copy(
        update={"portal_port": port, "portal_url": f"http://127.0.0.1:{port}"}
    )


@pytest.fixture
async def portal(
    database_url: URL, settings: Settings, installation: Installation
) -> AsyncIterator[Process]:
    """`python -m portal` on the installation's database, without Temporal."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "portal"),
        env={
            **os.environ,
            "GATEHOUSE_HOME": str(settings.home),
            "GATEHOUSE_DATABASE_URL": database_url.render_as_string(hide_password=False),
            "GATEHOUSE_PORTAL_PORT": str(settings.portal_port),
            "TEMPORAL_ADDRESS": "127.0.0.1:1",
        },
        cwd=Path(__file__).parents[2],
        stderr=asyncio.subprocess.PIPE,
    )
    yield running
    if running.returncode is None:
        running.kill()
        await running.wait()


@asynccontextmanager
async def answering(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """Wait until the portal answers; yield a client of it."""
    async with httpx2.AsyncClient(base_url=settings.portal_url or "", timeout=PATIENCE) as client:
        async with asyncio.timeout(PATIENCE):
            while not await _is_alive(client):  # noqa: ASYNC110  # it is another process
                await asyncio.sleep(0.05)
        yield client


async def _is_alive(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).status_code == 200
    except httpx2.ConnectError:
        return False


async def test_told_to_end_it_ends_open_streams_and_itself(
    portal: Process, settings: Settings, installation: Installation
) -> None:
    site = Site(installation, settings, None)
    name = cookies.name_of(site.parts, cookies.SIGN_IN)
    cookie = {"cookie": f"{name}={await site.token_of(TOM)}"}

    async with (
        answering(settings) as client,
        client.stream("GET", "/live/incoming", headers=cookie) as stream,
    ):
        lines = stream.aiter_lines()
        first = [await anext(lines) for _ in range(2)]
        portal.send_signal(signal.SIGTERM)
        rest = [line async for line in lines]
    _, said = await asyncio.wait_for(portal.communicate(), PATIENCE)

    assert first == ["retry: 2000", "event: pulse"]
    assert "Traceback" not in said.decode()
    assert rest
    assert portal.returncode == 0
    await site.close()


async def test_it_is_alive_without_temporal_and_says_what_is_away(
    portal: Process, settings: Settings
) -> None:
    async with answering(settings) as client:
        ready = await client.get("/readyz")
        page = await client.get("/sign-in")

    assert (ready.status_code, ready.json()["away"]) == (503, ["temporal"])
    assert page.status_code == 200


async def test_a_portal_that_others_could_reach_in_clear_does_not_start(tmp_path: Path) -> None:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "starter", "portal"),
        env={**os.environ, "GATEHOUSE_HOME": str(tmp_path), "GATEHOUSE_PORTAL_HOST": "0.0.0.0"},
        cwd=Path(__file__).parents[2],
        stderr=asyncio.subprocess.PIPE,
    )

    _, said = await asyncio.wait_for(running.communicate(), PATIENCE)

    assert running.returncode == 2
    assert said.decode().startswith("GATEHOUSE_PORTAL_HOST is 0.0.0.0")
    assert "Traceback" not in said.decode()
