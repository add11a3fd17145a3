"""R19: the portal killed between the commit and its answer; whoever asked sends the form again."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.engine import URL
from temporalio.client import Client

from config.settings import Settings
from portal import cookies
from portal.keys import ensured
from tests.factories import TOM
from tests.faults.plan import PEOPLE, FaultPlan, fault
from tests.installation import Installation, home_of
from tests.portal.site import OUR_OWN, Page, Site
from tests.portal.windows import listening
from tests.workflows.programs import ROOT, environment
from tests.workflows.stage import Stage, eventually

PATIENCE = 60.0  # seconds


@pytest.fixture
def database() -> str:
    """One kind of database; the door is compared on both elsewhere."""
    return "sqlite"


@pytest.fixture
def clock() -> None:
    """The shipped clocks."""


@pytest.fixture
def settings(tmp_path: Path, payload_keys: Path) -> Settings:
    """The portal's settings on a free port, with the keys of the worker's payloads."""
    home = home_of(tmp_path)
    shutil.copytree(payload_keys, home / "keys" / "payload")
    with listening() as taken:
        port = taken.getsockname()[1]
    return Settings(home=home, portal_port=port, portal_url=f"http://127.0.0.1:{port}")


class Portal:
    """`python -m portal`, and a browser in which Tom is signed in."""

    def __init__(self, settings: Settings, variables: dict[str, str], cookie: str) -> None:
        self._variables = {**variables, "GATEHOUSE_PORTAL_PORT": str(settings.portal_port)}
        self._url, self._cookie = settings.portal_url or "", cookie
        self.log = settings.home / "portal.log"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it while the block lasts, and until it answers before."""
        with self.log.open("ab") as told:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "portal"), env=self._variables, cwd=ROOT, stderr=told
            )
        try:
            await eventually(self._is_alive, within=PATIENCE)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def get(self, path: str) -> Page:
        """Look at a page."""
        async with self._browser() as browser:
            return Page(await browser.get(path))

    async def post(self, path: str, fields: dict[str, Any]) -> Page:
        """Send a form."""
        async with self._browser() as browser:
            return Page(await browser.post(path, data=fields, headers=OUR_OWN))

    def _browser(self) -> httpx2.AsyncClient:
        headers = {"cookie": self._cookie}
        return httpx2.AsyncClient(base_url=self._url, headers=headers, timeout=PATIENCE)

    async def _is_alive(self) -> bool:
        try:
            return (await self.get("/healthz")).status == 200
        except httpx2.TransportError:
            return False


@fault("R19", "the portal killed between the commit and its answer; the form is sent again")
async def test_a_form_whose_answer_was_lost_counts_once_when_it_is_sent_again(
    plan: FaultPlan,
    installation: Installation,
    settings: Settings,
    client: Client,
    database_url: URL,
) -> None:
    installation.portals = (ensured(settings.keys).service.public,)
    site, stage = Site(installation, settings, client), Stage(installation, client)
    name = cookies.name_of(site.parts, cookies.SIGN_IN)
    variables = environment(settings.home, database_url, client, smtp_port=1)
    portal = Portal(settings, variables, f"{name}={await site.token_of(TOM)}")

    async with installation.working(client):
        for _ in range(plan.times(1, 20)):
            request = await stage.submitted()
            path = f"/requests/{request}/grant"
            async with portal.running() as process:
                form = (await portal.get(f"/requests/{request}")).form(path)
                fields = {**form, "end": "7d", "message": "Welcome."}
                asking = asyncio.create_task(portal.post(path, fields))
                await eventually(lambda: is_granted(stage, request), within=PATIENCE, every=0.002)  # noqa: B023  # awaited here
                process.kill()
                await process.wait()
                await asyncio.wait([asking])
                if isinstance(asking.exception(), httpx2.TransportError):
                    plan.tries()  # else the answer was quicker
            async with portal.running():
                again = await portal.post(path, fields)
            events = await stage.audited(request)
            plan.notes([] if again.status == 303 else [f"the form was answered {again.status}"])
            plan.notes([] if events == ["submitted", "granted"] else events)
            assert again.status == 303
        await plan.holds(installation.engines, client=client, logs=(portal.log,), canaries=PEOPLE)
    await site.close()


async def is_granted(stage: Stage, request: UUID) -> bool:
    """Whether the database says so, whoever has heard of it."""
    return (await stage.request(request)).status == "granted"
