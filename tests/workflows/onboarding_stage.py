"""Where a test plays an onboarding's life: an installation, Temporal, and a reference platform."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert
from temporalio.client import Client, WorkflowHandle

from activities import names
from activities.onboarding import OnboardingActivities
from activities.send_notices import TemporalMailQueue
from approvals.audit import AuditEntry
from approvals.commands import Command
from approvals.delivery import Outcome, Start
from approvals.onboarding.record import KIND, Onboarding, process_id_of
from approvals.people import Person
from approvals.policy import OnboardingLimits, Policies
from starter.client import Gatehouse
from starter.workers import process_worker
from store import tables as t
from store.ledger import SqlLedger
from store.trail import Trail
from tests.customer_platform.customers import adapter_to
from tests.customer_platform.running import RunningPlatform
from tests.installation import Installation
from tests.onboardings import CHARLES, JIM, LIVESEY, PEW, make_start
from tests.workflows.inns import Inn
from tests.workflows.stage import counted, eventually

QUICK = Policies(onboarding=OnboardingLimits(look_every=timedelta(milliseconds=50)))
REFERENCE = "/customers?reference=C-1881"


class OnboardingStage:
    """One installation whose onboardings go to one platform."""

    def __init__(
        self, installation: Installation, client: Client, platform: RunningPlatform
    ) -> None:
        self.installation, self.client, self.platform = installation, client, platform
        self.gatehouse: Gatehouse = installation.gatehouse(client)

    @asynccontextmanager
    async def working(
        self,
        policies: Policies = QUICK,
        seconds: float = 1.0,
        cached: int = 1000,
        steps_of: type[OnboardingActivities] = OnboardingActivities,
    ) -> AsyncIterator[None]:
        """Run a worker with our account on the platform while the block lasts."""
        async with AsyncExitStack() as ends:
            adapter = adapter_to(self.platform.address, seconds=seconds)
            ends.push_async_callback(adapter.close)
            queue = TemporalMailQueue(self.client)
            ends.push_async_callback(queue.close)
            steps = steps_of(SqlLedger(self.installation.engines), adapter, queue)
            door = self.installation.door(queue, policies)
            worker = process_worker(self.client, door, cached=cached, onboarding=steps)
            await ends.enter_async_context(worker)
            yield

    async def started(self, by: Person = CHARLES, *, wait: bool = True, **fields: Any) -> UUID:
        """Send the form of the Admiral Benbow, with other *fields*, and return its process."""
        start = make_start(**{"batch": uuid4(), **fields})
        process = process_id_of(start.batch, start.customer)
        said = self.installation.signed(by, process, start)
        await self.gatehouse.submit(KIND, said, None, wait=wait)
        return process

    async def leaves(self, process: UUID, command: Command, by: Person = CHARLES) -> None:
        """Leave a command with Temporal, for whatever worker there will be."""
        await self.gatehouse.signal(KIND, self.installation.signed(by, process, command))

    async def says(self, process: UUID, command: Command, by: Person = CHARLES) -> str:
        """Give a command through the facade; return its receipt or raise its refusal."""
        return await self.gatehouse.send(KIND, self.installation.signed(by, process, command))

    async def state(self, process: UUID) -> Onboarding:
        """Return the stored state."""
        state = await self.installation.inbox.state(process)
        assert isinstance(state, Onboarding)
        return state

    async def comes_to(self, process: UUID, status: str, within: float = 30) -> Onboarding:
        """Wait until the row has that status."""

        async def has_come() -> bool:
            return (await self.state(process)).status == status

        await eventually(has_come, within=within)
        return await self.state(process)

    def handle(self, process: UUID) -> WorkflowHandle[object, Outcome]:
        """Return the handle of the process's workflow."""
        return self.client.get_workflow_handle(
            names.workflow_id(KIND, process), result_type=Outcome
        )

    async def ended(self, process: UUID, within: float = 120) -> Outcome:
        """Wait until the workflow is done and return its result."""
        return await asyncio.wait_for(self.handle(process).result(), within)

    async def counted(self, process: UUID) -> Counter[str]:
        """Count the events of the latest run by type."""
        return counted((await self.handle(process).fetch_history()).events)

    async def stepped(self, process: UUID) -> Outcome:
        """Take a step as a stranger does, without the workflow."""
        outcome: Outcome = await self.client.execute_activity(
            "step",
            Start(process=process),
            id=f"step/{uuid4()}",
            task_queue=names.PROCESSES,
            result_type=Outcome,
            schedule_to_close_timeout=timedelta(seconds=10),
        )
        return outcome

    async def audit(self, process: UUID) -> list[AuditEntry]:
        """Return the process's chain, having verified it."""
        trail = Trail(self.installation.engines)
        assert await trail.breaches_of(process) == ()
        return await trail.entries(process)

    async def audited(self, process: UUID) -> list[str]:
        """Return the events of the process's chain."""
        return [one.event for one in await self.audit(process)]

    async def parked_at_the_end(self, inn: Inn) -> Onboarding:
        """Bring a customer to its last step, where it parks; return the state.

        What is in its way is an organization of the same slug, which is gone again then.
        """
        organization = t.metadata.tables["organization"]
        other = {
            "id": uuid4(), "slug": inn.slug, "name": "Other", "kind": "customer",
            "time_zone": "UTC", "is_active": True,
        }  # fmt: skip
        self.platform.fault("error", r"POST /customers", times=1000)
        await self.started(**inn.form)
        async with self.installation.engines.write.begin() as connection:
            await connection.execute(insert(organization).values(other))
        self.platform.clear()
        state = await self.comes_to(inn.process, "parked")
        async with self.installation.engines.write.begin() as connection:
            await connection.execute(delete(organization).where(organization.c.id == other["id"]))
        return state

    async def assert_undone_backwards(self, inn: Inn) -> None:
        """What was done to users was taken back from the last to the first, and then the rest."""
        chain = [(one.event, one.reason or "") for one in await self.audit(inn.process)]
        looked_up = [said for event, said in chain if event == "user_looked_up"]
        undone = [
            said.split(":")[0]
            for event, said in chain
            if event in ("roles_removed", "user_deleted")
        ]
        backwards = iter(reversed(looked_up))
        assert all(one in backwards for one in undone)
        assert chain[-1][0] == "abandoned"

    def assert_complete(self) -> None:
        """Look at the platform itself: one customer, everybody with their roles."""
        (found,) = self.platform.ask("GET", REFERENCE).json()
        users = self.platform.users(found["id"])
        assert len(users) == 6
        assert users[JIM] == ["customer.user", "customer.user.supervisorl1", "user.admin"]
        assert users[PEW] == ["customer.user", "user.admin"]
        assert users[LIVESEY] == ["customer.user.acd"]

    def assert_gone(self) -> None:
        """Look at the platform itself: there is no such customer."""
        assert self.platform.ask("GET", REFERENCE).json() == []
