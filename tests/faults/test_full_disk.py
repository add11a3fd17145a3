"""A full disk: what does not fit is refused whole, and goes on when there is room again."""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from starter.evidence import Call
from store.engine import Engines, connect
from store.gate import SqlGate
from tests.factories import CAROLINE, ELIZABETH, TOM_SAWYER, make_submit
from tests.faults.plan import FaultPlan, fault
from tests.faults.test_at_the_door import called, new_life
from tests.installation import Installation
from tests.postgres import address, execute
from tests.racing import Creeping
from tests.stored_life import StoredLife

SAYS_FULL = ("disk is full", "No space left on device", "disk I/O error")


@pytest.fixture
def clock() -> Creeping:
    """A clock that stands still."""
    return Creeping()


class Disk:
    """A small file system in memory, and a file that fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._filler = folder, folder / "filler"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"0" * 4096)
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A file system of 32 MiB; only root can make one."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m,mode=755", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("A file system of its own can be made by root alone.")
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def url_on_disk(request: pytest.FixtureRequest, database: str, disk: Disk) -> Iterator[URL]:
    """The address of a migrated, empty database that lies on the small file system."""
    if database == "sqlite":
        file = disk.folder / "gatehouse.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield URL.create("sqlite+aiosqlite", database=str(file))
        return
    template: str = request.getfixturevalue("postgres_template")
    host: Path = request.getfixturevalue("postgres_folder")
    place, name = disk.folder / "tablespace", f"small_{uuid4().hex}"
    place.mkdir()
    shutil.chown(place, host.stat().st_uid, host.stat().st_gid)
    execute(host, f"CREATE TABLESPACE {name} LOCATION '{place}'")
    execute(host, f"CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {name}")
    yield address(host, name)
    execute(host, f"DROP DATABASE {name} WITH (FORCE)")
    execute(host, f"DROP TABLESPACE {name}")


@pytest.fixture
async def on_disk(url_on_disk: URL, clock: Creeping) -> AsyncIterator[Installation]:
    """The example directory with everybody's key, on the small file system."""
    engines = connect(url_on_disk, clock)
    installation = Installation(engines)
    await installation.fill()
    yield installation
    await engines.close()


@fault("R14", "a database that may not grow any more")
@pytest.mark.parametrize("database", ["sqlite"], indirect=False)
async def test_a_file_that_may_not_grow_refuses_everything_and_spoils_nothing(
    plan: FaultPlan, installation: Installation, clock: Creeping
) -> None:
    engines = installation.engines
    calls: list[Call] = []

    for _ in range(plan.times(3, 50)):
        await _pages(engines, plan.chance.randint(1, 12))
        life, said = await _until_full(plan, installation, clock, calls)
        await _is_sound(engines)
        assert await _is_unheard(life)
        await _pages(engines, None)
        calls.append(await _taken(life, said))

    await plan.holds(engines, calls=tuple(calls))
    assert plan.tried == plan.times(3, 50)


@fault("R14", "a file system without room")
async def test_a_full_file_system_refuses_everything_and_spoils_nothing(
    plan: FaultPlan, on_disk: Installation, disk: Disk, clock: Creeping
) -> None:
    engines = on_disk.engines
    calls: list[Call] = []

    for _ in range(plan.times(2, 30)):
        disk.fill()
        life, said = await _until_full(plan, on_disk, clock, calls)
        await _is_sound(engines)
        assert await _is_unheard(life)
        disk.free()
        calls.append(await _taken(life, said))

    await plan.holds(engines, calls=tuple(calls))
    assert plan.tried == plan.times(2, 30)


async def _until_full(
    plan: FaultPlan, installation: Installation, clock: Creeping, calls: list[Call]
) -> tuple[StoredLife, bytes]:
    """Send requests until one finds no room; return it. The others are *calls* that were taken."""
    while True:
        batch, life = new_life(installation, clock)
        said = await life.signed(ELIZABETH, make_submit(batch=batch))
        try:
            taken = await called(life, said, by_signal=False)
        except DBAPIError as trouble:
            plan.notes([] if any(one in str(trouble) for one in SAYS_FULL) else [str(trouble)])
            plan.tries()
            return life, said
        assert taken is not None
        calls.append(taken)


async def _is_unheard(life: StoredLife) -> bool:
    """Whether nothing of a request is there: no row, no entry of the record, no mail."""
    mails = [one for one in await life.outbox() if one["process_id"] == life.process]
    state = await life.installation.inbox.state(life.process)
    return (state, await life.audit(), mails) == (None, [], [])


async def _taken(life: StoredLife, said: bytes) -> Call:
    """Say again what found no room, now that there is some."""
    taken = await called(life, said, by_signal=False)
    assert taken is not None
    return taken


async def _pages(engines: Engines, more: int | None) -> None:
    """Let the file grow by so many pages and no more; None takes the limit away."""
    async with engines.write.connect() as connection:
        now = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        most = 1_000_000_000 if more is None else now + more
        await connection.exec_driver_sql(f"PRAGMA max_page_count={most}")


async def _is_sound(engines: Engines) -> None:
    if engines.is_sqlite:
        async with engines.read.connect() as connection:
            found = (await connection.exec_driver_sql("PRAGMA integrity_check")).scalar_one()
        assert found == "ok"
    assert not (await SqlGate(engines).check(CAROLINE.id, TOM_SAWYER.id)).is_open
