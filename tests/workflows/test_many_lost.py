"""Hundreds of processes of every kind, and Temporal's file lost or older: the rows put it right."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from temporalio.client import Client

from activities import names
from activities.onboarding import OnboardingActivities
from activities.reconcile import OVERDUE, Reconciled, Reconciler
from activities.send_notices import TemporalMailQueue
from approvals.platform import PlatformAway
from approvals.rules import KINDS
from starter.temporal_server import TemporalServer
from starter.workers import process_worker, upkeep
from store.engine import Engines
from store.ledger import SqlLedger
from store.outbox import SqlOutbox
from tests.installation import NoMailQueue
from tests.many_processes import Crowd
from tests.platform_in_memory import InMemoryPlatform
from tests.workflows.losing import kill, lose
from tests.workflows.stage import connected, eventually

RUNNING = "ExecutionStatus = 'Running' AND GatehouseKind IS NOT NULL"
EACH, FEW = 72, 6  # processes of each kind
SOON, LONG = 1.0, 150.0  # seconds


class MovingClock:
    """The reconciler's clock, moved by the test."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


def reconciler(crowd: Crowd, client: Client, now: MovingClock | None = None) -> Reconciler:
    return Reconciler(SqlLedger(crowd.installation.engines), client, now or MovingClock())


def counted(done: Reconciled) -> Reconciled:
    """Return what a round did; how many fall due while nobody works says nothing here."""
    return done.model_copy(update={"watched": 0})


@asynccontextmanager
async def working(crowd: Crowd, client: Client) -> AsyncIterator[None]:
    """Run the worker of the processes while the block lasts. The customers' platform is away."""
    platform = InMemoryPlatform()
    platform.before = lambda _: PlatformAway("It is away.")
    ledger = SqlLedger(crowd.installation.engines)
    steps = OnboardingActivities(ledger, platform, NoMailQueue())
    async with process_worker(client, crowd.door, onboarding=steps):
        yield


@asynccontextmanager
async def kept(crowd: Crowd, client: Client) -> AsyncIterator[None]:
    """Reconcile now and then again and again, as each worker does every minute."""
    keeper = Reconciler(SqlLedger(crowd.installation.engines), client)
    outbox, queue = SqlOutbox(crowd.installation.engines), TemporalMailQueue(client)
    async with upkeep(keeper, outbox, queue, every=SOON):
        yield


async def running(client: Client) -> Counter[str]:
    """Count what Temporal lists as running, by workflow id."""
    return Counter([one.id async for one in client.list_workflows(RUNNING, page_size=1000)])


async def sees(client: Client, wanted: dict[UUID, str]) -> None:
    """Wait until Temporal's list, which lags, shows exactly these as running, once each."""
    ids = Counter(names.workflow_id(kind, process) for process, kind in wanted.items())

    async def is_listed() -> bool:
        return await running(client) == ids

    await eventually(is_listed, within=LONG, every=0.3)


async def runs_of(client: Client) -> dict[str, str]:
    """Return the run of each workflow that runs."""
    found = client.list_workflows(RUNNING, page_size=1000)
    return {one.id: str(one.run_id) async for one in found}


async def executions(client: Client) -> Counter[str]:
    """Count all that ever ran on this server, by workflow id."""
    found = client.list_workflows("GatehouseKind IS NOT NULL", page_size=1000)
    return Counter([one.id async for one in found])


async def test_every_open_process_of_every_kind_is_started_once_after_the_file_was_lost(
    engines: Engines, own_server: TemporalServer, payload_keys: Path, tmp_path: Path
) -> None:
    crowd = Crowd(engines, EACH)
    await crowd.fill()
    wanted = await crowd.opened(range(EACH))
    client = await connected(own_server.address, payload_keys)

    async with kept(crowd, client):  # nobody asks for it
        await sees(client, wanted)
        before = await runs_of(client)
        await kill(own_server)
        lose(tmp_path)
        await own_server.start()
        async with working(crowd, client):
            await sees(client, wanted)
            after = await runs_of(client)
    again = [counted(await reconciler(crowd, client).run_once()) for _ in range(2)]

    assert set(wanted.values()) == set(KINDS)
    assert len(wanted) == EACH * len(KINDS) > 500
    assert set(before.values()).isdisjoint(after.values())
    assert set((await executions(client)).values()) == {1}
    assert again == [Reconciled(open=len(wanted), started=0, replaced=0)] * 2
    assert await runs_of(client) == after


async def test_an_older_copy_of_the_file_is_brought_up_to_what_the_rows_say(
    engines: Engines, own_server: TemporalServer, payload_keys: Path, tmp_path: Path
) -> None:
    crowd = Crowd(engines, 3 * FEW)
    await crowd.fill()
    older = await crowd.opened(range(2 * FEW))
    client = await connected(own_server.address, payload_keys)
    async with working(crowd, client), kept(crowd, client):
        await sees(client, older)
    await own_server.stop()  # what happens from here on is not in its file
    closed = await crowd.closed(range(FEW))
    newer = await crowd.opened(range(2 * FEW, 3 * FEW))
    wanted = {**older, **newer}
    await own_server.start()
    keeper = reconciler(crowd, client, now := MovingClock())

    first = counted(await keeper.run_once())
    await sees(client, wanted)
    now.moment += OVERDUE
    second = counted(await keeper.run_once())
    await sees(client, wanted := {one: wanted[one] for one in wanted if one not in closed})
    third = counted(await keeper.run_once())

    assert len(closed) == 5 * FEW
    count = len(wanted)
    assert first == Reconciled(open=count, started=len(newer), replaced=0)
    assert second == Reconciled(open=count, started=0, replaced=0, ended=len(closed))
    assert third == Reconciled(open=count, started=0, replaced=0)
    asked = [*crowd.closing(FEW), *crowd.closing(2 * FEW)]  # of the older ones, and of the newer
    gatehouse = crowd.installation.gatehouse(client)
    async with working(crowd, client):
        for one in asked:
            assert await gatehouse.send(one.kind, one.said) == str(one.process)
