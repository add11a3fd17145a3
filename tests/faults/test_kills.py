"""R1: the worker killed before and after its awaits, in the middle of processes of all kinds."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL
from temporalio.client import Client

from activities.reconcile import Reconciler
from activities.send_notices import TemporalMailQueue, sweep
from approvals.commands import Command
from approvals.contacts.record import process_id_of as contacts_of
from approvals.contacts.record import shown_digest as contacts_shown
from approvals.customer_access.commands import Disable
from approvals.customer_access.record import process_id_of as switch_of
from approvals.facts import Needed
from approvals.onboarding.record import process_id_of as onboarding_of
from approvals.pairing.commands import Decline
from approvals.pairing.record import process_id_of as pairing_of
from approvals.people import Person
from approvals.sessions import BeginSession, Mode
from approvals.site_access.commands import Ask
from approvals.site_access.record import process_id_of as access_of
from approvals.tenant_access.commands import Deny, Grant, Revoke
from approvals.tenant_access.record import process_id_of as request_of
from identity.files import write_secret
from starter.client import Gatehouse, UnreachableError
from starter.mailbox import Mailbox
from store import tables as t
from store.directory import part_of
from store.engine import Engines, connect
from store.ledger import SqlLedger
from store.outbox import SqlOutbox
from tests import onboardings, pairings, sites, switching
from tests.customer_platform.customers import ENVIRONMENT
from tests.customer_platform.running import RunningPlatform
from tests.customer_platform.running import running as platform_running
from tests.every_kind import EveryKind, renderer
from tests.factories import (
    BECKY,
    CAROLINE,
    CLASSICS,
    ELIZABETH,
    FENCE_PAINTING,
    JANE,
    LYDIA,
    TOM,
    TOM_SAWYER,
    make_submit,
)
from tests.faults.plan import FULL, PEOPLE, FaultPlan, fault, fits
from tests.installation import CarriedClock, home_of
from tests.pairings import CHARLES
from tests.workflows.programs import environment, running
from tests.workflows.stage import eventually
from tests.workflows.test_kills import QuickTasks

MORTAL = "tests/faults/mortal_worker.py"
EVERYWHERE = "everywhere"  # dies once at each place: around mails, calls, kinds of commits
PATIENCE = 900.0 if FULL else 240.0  # seconds
LONGEST = 60  # points of a life that ends by chance
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OVER = {"revoked", "denied", "expired", "declined", "disabled", "asked", "ready", "kept"}


class Step(NamedTuple):
    """What somebody does to a process. *opens* starts its workflow."""

    kind: str
    by: Person
    process: UUID
    command: Callable[[], Command]
    opens: bool = False


@pytest.fixture
def client(client: Client) -> Client:
    """A client whose processes are soon taken up by another worker."""
    config = client.config()
    config["interceptors"] = [QuickTasks()]
    return Client(**config)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with platform_running(tmp_path / "platform.db") as one:
        yield one


class Story:
    """All kinds of processes, led through workflows by people who insist."""

    lasting = 20 * SECOND  # how long the access is granted that is to expire

    def __init__(self, life: EveryKind, client: Client) -> None:
        self.life = life
        self.gatehouse: Gatehouse = life.installation.gatehouse(client)
        self.engines: Engines = life.engines

    def steps(self) -> list[list[Step]]:
        """Return what happens, one list a process; the lists run at once."""
        batch = [uuid4() for _ in range(5)]
        access = [request_of(one, TOM_SAWYER.slug) for one in batch[:3]]
        offer = pairing_of(batch[3], TOM_SAWYER.slug)
        switch = switch_of(CLASSICS.id, FENCE_PAINTING.id)
        site, start = access_of(sites.SITE.id, LYDIA.id), onboarding_of(batch[4], onboardings.SLUG)

        def asked(number: int) -> Step:
            submit = make_submit(batch=batch[number])
            return Step("tenant_access", ELIZABETH, access[number], lambda: submit, opens=True)

        def then(process: UUID, by: Person, command: Callable[[], Command]) -> Step:
            return Step("tenant_access", by, process, command)

        return [
            [
                asked(0),
                then(access[0], TOM, lambda: Grant(no_end=True)),
                then(access[0], CAROLINE, lambda: BeginSession(mode=Mode.SUPPORT)),
                then(access[0], TOM, lambda: Revoke(reason="Enough.")),
            ],
            [asked(1), then(access[1], TOM, lambda: Deny(reason="No."))],
            [
                asked(2),
                then(access[2], TOM, lambda: Grant(ends_at=datetime.now(UTC) + self.lasting)),
            ],
            [
                Step("pairing", CHARLES, offer, lambda: pairings.make_offer(batch=batch[3]), True),
                Step("pairing", TOM, offer, lambda: Decline(reason="We help ourselves.")),
            ],
            [
                Step("customer_access", JANE, switch, lambda: switching.ON, opens=True),
                Step("customer_access", TOM, switch, switching.accepting),
                Step("customer_access", JANE, switch, Disable),
            ],
            [
                Step("contacts", BECKY, contacts_of(sites.SITE.id), lambda: self.contacts, True),
                Step("site_access", LYDIA, site, lambda: Ask(site=sites.SITE.slug), opens=True),
            ],
            [
                Step("onboarding", CHARLES, start,
                     lambda: onboardings.make_start(batch=batch[4]), opens=True),
            ],
        ]  # fmt: skip

    async def told(self) -> None:
        """Let everybody insist on everything."""
        async with self.engines.read.connect() as connection:
            held = await part_of(connection, Needed(scopes=(sites.SITE.id,)), hold=False)
        shown = contacts_shown(None, sites.SITE.id, held)
        self.contacts = sites.make_save(BECKY, sites.HUCK).model_copy(update={"shown": shown})
        lock = asyncio.Lock()
        await asyncio.gather(*(self._told(steps, lock) for steps in self.steps()))

    async def _told(self, steps: list[Step], lock: asyncio.Lock) -> None:
        for step in steps:
            async with lock:  # the story signs for one process at a time
                self.life.process = step.process
                said = await self.life.signed(step.by, step.command(), at=datetime.now(UTC))
            while True:
                with suppress(UnreachableError):
                    if step.opens:
                        await self.gatehouse.submit(step.kind, said, None)
                    else:
                        await self.gatehouse.send(step.kind, said)
                    break
                await asyncio.sleep(0.2)

    async def is_over(self) -> bool:
        """Whether each process is where the story leads it."""
        query = select(t.process.c.status).where(t.process.c.kind != "sign_in")
        async with self.engines.read.connect() as connection:
            found = (await connection.execute(query)).scalars().all()
        return len(found) == 8 and set(found) == OVER

    async def is_mailed(self) -> bool:
        """Whether nothing waits in the outbox."""
        waiting = select(t.outbox.c.id).where(t.outbox.c.status.not_in(("sent", "failed")))
        async with self.engines.read.connect() as connection:
            return (await connection.execute(waiting)).first() is None


@pytest.fixture
async def story(
    engines: Engines, clock: CarriedClock, client: Client, payload_keys: Path, tmp_path: Path
) -> Story:
    """Everybody is signed in, and nothing has begun; the keys are those of the worker."""
    life = EveryKind(engines, clock)
    await life.signs_in()
    clock.fixed = None
    keys = home_of(tmp_path) / "keys"
    shutil.copytree(payload_keys, keys / "payload")
    for name, letter in (("code-proof", b"p"), ("outbox", b"o")):
        write_secret(keys / f"{name}.key", letter * 32)
    return Story(life, client)


@fault("R1", "the worker killed at each commit, mail and call, all kinds under way")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_worker_that_dies_at_every_place_loses_and_doubles_nothing(
    plan: FaultPlan,
    story: Story,
    database_url: URL,
    client: Client,
    platform: RunningPlatform,
    tmp_path: Path,
) -> None:
    if not FULL:
        pytest.skip("it takes minutes: make faults")
    story.lasting = MINUTE

    places = await lived(plan, story, EVERYWHERE, tmp_path, client, database_url, platform)

    assert len(places) == len(set(places))
    assert set(places) >= {
        f"after the commit of tenant_access {event}"
        for event in ("submitted", "granted", "denied", "session_begun", "revoked", "expired")
    }
    assert set(places) >= {"before SmtpMailer.send", "after SmtpMailer.send"}


@fault("R1", "the worker killed by chance, all kinds under way")
@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_worker_that_dies_now_and_then_loses_and_doubles_nothing(
    plan: FaultPlan,
    story: Story,
    database_url: URL,
    client: Client,
    platform: RunningPlatform,
    tmp_path: Path,
) -> None:
    if FULL:
        story.lasting = 2 * MINUTE
    ends = [plan.chance.randint(1, LONGEST) for _ in range(plan.times(2, 60))]

    places = await lived(
        plan, story, ",".join(map(str, ends)), tmp_path, client, database_url, platform
    )

    assert places


async def lived(
    plan: FaultPlan,
    story: Story,
    dies: str,
    folder: Path,
    client: Client,
    database_url: URL,
    platform: RunningPlatform,
) -> list[str]:
    """Play the story with workers that die; return the places where they did."""
    maildir, deaths = folder / "mail", folder / "deaths"
    async with AsyncExitStack() as ends:
        mailbox = await ends.enter_async_context(Mailbox(maildir))
        variables = {
            **environment(home_of(folder), database_url, client, mailbox.port),
            **ENVIRONMENT,
            "GATEHOUSE_MAIL_DOMAIN": "gatehouse.example",
            "GATEHOUSE_PLATFORM_URL": platform.address,
            "GATEHOUSE_PLATFORM_CLIENT_SECRET": "env:PLATFORM",
            "DIES": dies,
            "DEATHS": str(deaths),
        }
        log = deaths.with_name("worker.log")
        async with running(MORTAL, variables, log):
            await asyncio.wait_for(story.told(), PATIENCE)
            await eventually(story.is_over, within=PATIENCE)
            async with asyncio.timeout(PATIENCE):
                while not await story.is_mailed():
                    await _swept(database_url, client)
                    await asyncio.sleep(1)
            await Reconciler(SqlLedger(story.engines), client).run_once()  # for those signed in
            await eventually(partial(fits, story.engines, client), within=PATIENCE)
            await plan.holds(
                story.engines, is_mailed=True, client=client, maildir=maildir, renderer=renderer(),
                logs=(log,), canaries=PEOPLE,
            )  # fmt: skip
    places = deaths.read_text().splitlines()
    plan.tries(len(places))
    return places


async def _swept(database_url: URL, client: Client) -> None:
    """Queue the mails whose job died with the worker, as if they had waited for a minute."""
    clock = CarriedClock()
    clock.fixed = datetime.now(UTC) + 2 * MINUTE
    engines = connect(database_url, clock)
    await sweep(SqlOutbox(engines), TemporalMailQueue(client))
    await engines.close()
