"""Faults around Temporal: no workers, a killed or forgetful server, floods, many ends at once."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import URL
from temporalio.client import Client
from temporalio.service import RPCError

from approvals.checkpoints import Published
from approvals.people import Directory, Role, RoleAssignment, Tenant
from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import KIND, process_id_of
from identity.signing import Ed25519Signatures, SigningKey
from starter.client import UnreachableError
from starter.temporal_server import TemporalServer, free_port
from store import tables as t
from store.checkpoint_file import CheckpointFile, lines_of
from store.engine import Engines
from store.heads import SqlHeads
from store.trail import Trail
from tests.factories import (
    BECKY,
    CAROLINE,
    ELIZABETH,
    HOUR,
    MINUTE,
    TOM,
    TOM_SAWYER,
    make_id,
    make_submit,
)
from tests.faults.plan import FULL, PEOPLE, FaultPlan, fault, fits
from tests.installation import CarriedClock, Installation, commit, write_directory
from tests.workflows.losing import kill, lose
from tests.workflows.stage import QUICK, Stage, connected, eventually, until

SECOND = timedelta(seconds=1)
PATIENCE = 900.0 if FULL else 60.0
AT_ONCE = timedelta(0)
MANY_PATIENCE = 3600.0 if FULL else 60.0  # for thousands of ends
EACH = timedelta(milliseconds=45)  # in which one is granted, and its workflow waits for the end


@pytest.fixture
def database() -> str:
    """What is lost here is Temporal's; the databases are compared at the door."""
    return "sqlite"


@pytest.fixture
def clock() -> CarriedClock | None:
    """The shipped clocks."""
    return None


@pytest.fixture
def stage(installation: Installation, client: Client) -> Stage:
    """The example directory in a fresh database, and a namespace of Temporal for it alone."""
    return Stage(installation, client)


@pytest.fixture
def told() -> list[str]:
    """What is told of a file that Temporal cannot use."""
    return []


@pytest.fixture
async def own_server(tmp_path: Path, told: list[str]) -> AsyncIterator[TemporalServer]:
    """A server of this test alone, to be killed."""
    server = TemporalServer(tmp_path / "temporal.db", free_port(), tells=told.append)
    await server.start()
    yield server
    await server.stop()


async def statuses(engines: Engines) -> dict[UUID, str]:
    """Return the status of every process."""
    async with engines.read.connect() as connection:
        found = await connection.execute(select(t.process.c.id, t.process.c.status))
        return {row.id: row.status for row in found}


async def insisted(stage: Stage, said: bytes, *, is_new: bool = False) -> str:
    """Say the same until it is answered."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if is_new:
                    return await stage.gatehouse.submit(KIND, said, TOM_SAWYER.id)
                return await stage.send(said)
            except UnreachableError:
                await asyncio.sleep(0.2)


async def submitted(stage: Stage, count: int) -> list[UUID]:
    """Send so many requests, some at a time."""
    slots = asyncio.Semaphore(20)

    async def one() -> UUID:
        process, said = stage.submission()
        async with slots:
            await insisted(stage, said, is_new=True)
        return process

    return list(await asyncio.gather(*(one() for _ in range(count))))


@fault("R3", "all workers gone, messages waiting")
async def test_what_waited_for_workers_is_taken_and_what_is_too_old_is_refused(
    plan: FaultPlan, stage: Stage
) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        waiting = await submitted(stage, plan.times(8, 1_000))
        (ending,) = await submitted(stage, 1)
        await insisted(stage, await stage.grant(ending, lasting=4 * SECOND))
    fresh, old = waiting[::2], waiting[1::2]
    long_ago = datetime.now(UTC) - 6 * MINUTE
    for process in fresh:
        await stage.signal(process, "approve", await stage.grant(process))
    for process in old:
        said = await stage.grant(process, lasting=HOUR, at=long_ago)
        await stage.signal(process, "approve", said)
    await until(datetime.now(UTC) + 4 * SECOND)
    assert not await stage.is_open()  # no worker closed it
    plan.tries(len(waiting))

    async with stage.installation.working(stage.client, policies=QUICK):

        async def is_drained() -> bool:
            found = await statuses(stage.installation.engines)
            return found[ending] == "expired" and all(found[one] == "granted" for one in fresh)

        await eventually(is_drained, within=PATIENCE)
        found = await statuses(stage.installation.engines)
        refused = [found[one] == "pending" for one in old]
        await plan.holds(stage.installation.engines, client=stage.client, canaries=PEOPLE)
    assert all(refused)


@fault("R4", "Temporal killed, its file as it is, lost, an old one, or without its journal")
@pytest.mark.parametrize("how", ["killed", "lost", "old", "torn"])
async def test_processes_go_on_after_temporal_was_killed(
    plan: FaultPlan,
    installation: Installation,
    own_server: TemporalServer,
    payload_keys: Path,
    told: list[str],
    tmp_path: Path,
    how: str,
) -> None:
    stage = Stage(installation, await connected(own_server.address, payload_keys))
    old = tmp_path / "old"
    decided: list[UUID] = []
    if how == "old":
        async with installation.working(stage.client, policies=QUICK):
            decided += await submitted(stage, 1)
        await own_server.stop()
        _copied(tmp_path, old)
        await own_server.start()
    for _ in range(plan.times(1, 30 if how == "killed" else 10)):
        async with installation.working(stage.client, policies=QUICK):
            begun = await submitted(stage, 4)
            await insisted(stage, await stage.grant(begun[0], lasting=5 * SECOND))
            await insisted(stage, await stage.deny(begun[1]))
        said = await stage.grant(begun[2])
        await stage.signal(begun[2], "grant", said)
        await asyncio.sleep(plan.chance.random() / 10)
        await kill(own_server)
        damaged(tmp_path, how, old)
        await own_server.start()
        plan.tries()
        async with installation.working(stage.client, policies=QUICK):
            await stage.reconciled()
            assert await insisted(stage, said) == str(begun[2])
            decided += begun

    async with installation.working(stage.client, policies=QUICK):
        await minutes_of_upkeep(stage)  # what an older file brought back ends after one

        async def is_over() -> bool:
            return "expired" in [(await statuses(installation.engines))[one] for one in decided]

        await eventually(is_over, within=PATIENCE)
        await eventually(partial(fits, installation.engines, stage.client), within=PATIENCE)
        await plan.holds(installation.engines, client=stage.client)
    events = [await stage.audited(one) for one in decided]
    assert all(len(one) == len(set(one)) for one in events)  # nothing was done twice
    assert how == "torn" or told == []


def damaged(folder: Path, how: str, old: Path) -> None:
    """Do to the server's file what the test is about."""
    if how in ("lost", "old"):
        lose(folder)
    if how == "old":
        _copied(old, folder)
    if how == "torn":
        for end in ("-wal", "-shm"):
            (folder / f"temporal.db{end}").unlink(missing_ok=True)


@fault("R11", "thousands of ends at one instant")
async def test_access_that_ends_for_many_at_one_instant_ends_then(
    plan: FaultPlan, stage: Stage
) -> None:
    installation, engines = stage.installation, stage.installation.engines
    count = plan.times(20, 10_000)
    tenants = await crowd(installation, min(count, 100))
    ends_at = datetime.now(UTC) + 5 * SECOND + count * EACH
    door = installation.door(policies=QUICK)
    for one in itertools.islice(itertools.cycle(tenants), count):
        batch = uuid4()
        process = process_id_of(batch, one.slug)
        submit = make_submit(one, batch=batch)
        await commit(door, process, installation.signed(ELIZABETH, process, submit))
        grant = Grant(ends_at=ends_at, shown=await installation.shown(process))
        granted = await commit(door, process, installation.signed(TOM, process, grant))
        assert granted.refusal is None

    async with installation.working(stage.client, policies=QUICK):
        started = await stage.reconciled()
        assert (started.open, started.started) == (count, count)
        assert datetime.now(UTC) < ends_at
        assert all([await stage.is_open(tenant=one) for one in tenants])
        await until(ends_at)
        async with stage.shut_gate(tenants, every=0.1):

            async def is_over() -> bool:
                left = select(func.count()).where(t.process.c.status != "expired")
                async with engines.read.connect() as connection:
                    return (await connection.execute(left)).scalar_one() == 0

            await eventually(is_over, within=MANY_PATIENCE, every=0.2)
            await eventually(partial(fits, engines, stage.client), within=MANY_PATIENCE, every=1)
    plan.tries(count)
    async with engines.read.connect() as connection:
        closed = (await connection.execute(select(t.access_grant.c.closed_at))).scalars().all()
    plan.lags += [(one - ends_at).total_seconds() for one in closed]

    plan.notes([f"closed {-one} s early" for one in plan.lags if one < 0])
    await plan.holds(engines, client=stage.client, settling=MINUTE, canaries=PEOPLE)


async def crowd(installation: Installation, count: int) -> list[Tenant]:
    """Write so many tenants of one customer, all with the same admin."""
    tenants = [
        TOM_SAWYER.model_copy(update={"id": make_id(f"fence.{number}"), "slug": f"fence-{number}"})
        for number in range(count)
    ]
    admin = [RoleAssignment(person=TOM.id, role=Role.TENANT_ADMIN, scope=one.id) for one in tenants]
    async with installation.engines.write.begin() as connection:
        await write_directory(connection, Directory(tenants=tuple(tenants), roles=tuple(admin)))
    return tenants


@fault("R18", "ten signals a process, shuffled and doubled, trash among them")
async def test_signals_in_any_order_leave_each_process_in_a_state_that_holds(
    plan: FaultPlan, stage: Stage
) -> None:
    engines = stage.installation.engines
    sent: list[UUID] = []
    async with stage.installation.working(stage.client, policies=QUICK):
        for process in await submitted(stage, plan.times(3, 60)):
            shown = await stage.installation.shown(process)
            later = datetime.now(UTC) + HOUR
            said = [
                (name, stage.installation.signed(by, process, command))
                for name, by, command in (
                    ("approve", TOM, Grant(ends_at=later, shown=shown)),
                    ("grant", BECKY, Grant(no_end=True, shown=shown)),
                    ("deny", BECKY, Deny(reason="No.", shown=shown)),
                    ("withdraw", ELIZABETH, Withdraw()),
                    ("finish", CAROLINE, Finish()),
                    ("begin_session", CAROLINE, BeginSession(mode=Mode.SUPPORT)),
                    ("change_end", TOM, ChangeEnd(no_end=True, shown=shown)),
                    ("revoke", TOM, Revoke(reason="Now.", shown=shown)),
                )
            ]
            said += [("grant", b"{}"), ("grant", said[0][1][:-9])]
            said *= 2
            plan.chance.shuffle(said)
            for name, message in said:
                with suppress(RPCError):  # it is over, and the server says so
                    await stage.signal(process, name, message)
            plan.tries(len(said))
            sent.append(process)

        async def is_quiet() -> bool:
            found = await statuses(engines)
            return "pending" not in found.values()

        await eventually(is_quiet, within=PATIENCE)
        for process in sent:
            broken = await stage.broken_tasks(process)
            plan.notes([f"{process}: {broken} tasks failed"] if broken else [])
        await plan.holds(engines, client=stage.client, canaries=PEOPLE)
    assert plan.tried == 20 * len(sent) > 0


@fault("R19", "whoever asked is gone when the answer comes, and asks again")
async def test_a_caller_who_lost_the_answer_repeats_and_one_effect_counts(
    plan: FaultPlan, stage: Stage
) -> None:
    async with stage.installation.working(stage.client, policies=QUICK):
        for process in await submitted(stage, plan.times(3, 60)):
            said = await stage.grant(process)
            asking = asyncio.create_task(stage.send(said))
            await stage.recorded(said)
            asking.cancel()
            await asyncio.wait([asking])
            receipts = {await insisted(stage, said) for _ in range(2)}
            plan.tries()
            events = await stage.audited(process)
            plan.notes([] if receipts == {str(process)} else sorted(receipts))
            plan.notes([] if events == ["submitted", "granted"] else events)
        await plan.holds(stage.installation.engines, client=stage.client, canaries=PEOPLE)
    assert plan.tried > 0


@fault("R21", "an old database restored while Temporal is ahead")
async def test_a_restored_database_opens_nothing_and_the_record_names_the_gap(
    plan: FaultPlan, installation: Installation, client: Client, database_url: URL, tmp_path: Path
) -> None:
    engines, key = installation.engines, SigningKey.fresh()
    file = Path(str(database_url.database))
    published = tmp_path / "checkpoints.jsonl"
    signatures, trusted = Ed25519Signatures(), frozenset([key.public])
    for _ in range(plan.times(1, 20)):
        stage = Stage(installation, client)
        writer = CheckpointFile(published, SqlHeads(engines), key, signatures, trusted)
        async with installation.working(client, policies=QUICK):
            (pending,) = await submitted(stage, 1)
        await engines.close()
        backup = shutil.copy(file, tmp_path / "backup.db")
        async with installation.working(client, policies=QUICK):
            (later,) = await submitted(stage, 1)
            for process in (pending, later):
                await insisted(stage, await stage.grant(process))
        await writer.publish(at_once=True)
        await engines.close()
        _put_back(Path(backup), file)
        plan.tries()

        async with installation.working(client, policies=QUICK):
            await minutes_of_upkeep(stage)
            await eventually(partial(fits, engines, client))
            assert not await stage.is_open()
            found = await statuses(engines)
            assert (found[pending], found.get(later)) == ("pending", None)
            seen = Published(signatures, trusted)
            seen.add(lines_of(published))
            named = await behind(engines, seen)
            plan.notes([f"{one} is not named" for one in (pending, later) if one not in named])
            await plan.holds(engines, client=client, settling=AT_ONCE)
            published.unlink()
            await insisted(stage, await stage.deny(pending))


async def minutes_of_upkeep(stage: Stage) -> None:
    """Reconcile as a worker does, which looks for a minute before it ends a workflow."""
    clock = CarriedClock()
    clock.fixed = now = datetime.now(UTC)
    reconciler = stage.reconciler(lambda: clock.fixed or now)
    for _ in range(3):
        await reconciler.run_once()
        clock.fixed += MINUTE


def _copied(from_folder: Path, to: Path) -> None:
    """Copy the server's file with its journal, without which it would hold nothing."""
    to.mkdir(exist_ok=True)
    for file in from_folder.glob("temporal.db*"):
        shutil.copy(file, to / file.name)


def _put_back(backup: Path, file: Path) -> None:
    for leftover in file.parent.glob(f"{file.name}*"):
        leftover.unlink()
    shutil.copy(backup, file)


async def behind(engines: Engines, seen: Published) -> set[UUID]:
    """Return the processes whose chain ends before what was published."""
    return {
        process
        async for process, _, breaches in Trail(engines).all_breaches(seen.wanted)
        if breaches
    }
