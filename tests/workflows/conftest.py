"""The stage of these tests, on the clocks that are shipped."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from starter.temporal_server import TemporalServer, free_port
from tests.installation import CarriedClock, Installation
from tests.workflows.stage import Stage


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """SQLite; the tests for which the database matters are marked ``on_both_databases``."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def clock() -> CarriedClock | None:
    """No injected clock: each database's own decides, as in production."""
    return None


@pytest.fixture
def stage(installation: Installation, client: Client) -> Stage:
    """The example directory in a fresh database, and a namespace of Temporal for it alone."""
    return Stage(installation, client)


@pytest.fixture
async def played(stage: Stage) -> AsyncIterator[Stage]:
    """The stage with a worker."""
    async with stage.installation.working(stage.client):
        yield stage


@pytest.fixture
async def stranger(client: Client) -> Client:
    """A plain client of the same namespace, held by somebody who signs nothing."""
    return await Client.connect(
        client.service_client.config.target_host, namespace=client.namespace
    )


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A server of this test alone, to be killed."""
    server = TemporalServer(tmp_path / "temporal.db", free_port())
    await server.start()
    yield server
    await server.stop()
