"""One onboarding on a real database, through the real door and the real step."""

from uuid import UUID

from temporalio.exceptions import ApplicationError

from activities.onboarding import OnboardingActivities
from approvals.delivery import Outcome, Start
from approvals.onboarding.record import Onboarding
from approvals.platform import CustomerPlatform
from approvals.policy import Policies
from identity.signing import SigningKey
from store.engine import Engines
from store.ledger import SqlLedger
from tests.factories import START
from tests.installation import CarriedClock, Installation
from tests.onboardings import CHARLES, OPERATORS, PROCESS, VENDORS, make_start
from tests.stored_life import StoredLife, raw


async def vendors(engines: Engines) -> Installation:
    """Return the example directory with people who may onboard, and everybody's key."""
    installation = Installation(engines)
    installation.keys |= {one.id: SigningKey.fresh() for one in OPERATORS}
    await installation.fill(VENDORS)
    return installation


class StoredOnboarding(StoredLife):
    """What people say to one onboarding, and the steps that it takes on a platform."""

    def __init__(
        self,
        installation: Installation,
        clock: CarriedClock,
        platform: CustomerPlatform | None,
        policies: Policies | None = None,
        process: UUID = PROCESS,
    ) -> None:
        clock.fixed = clock.fixed or START
        super().__init__(installation, clock, policies, process=process)
        self.steps = OnboardingActivities(SqlLedger(installation.engines), platform, self.mail)

    async def started(self) -> Outcome:
        """Let Charles send the form."""
        return await self.says(CHARLES, make_start())

    async def onboarding(self) -> Onboarding:
        """Return the stored state."""
        state = await self.installation.inbox.state(self.process)
        assert isinstance(state, Onboarding)
        return state

    async def step(self) -> Outcome | str:
        """Take one step as a worker does; return why it must come back, if it must."""
        try:
            return await self.steps.step(raw(Start(process=self.process)))
        except ApplicationError as again:
            if again.type != "step_left" or again.non_retryable:
                raise
            return again.message

    async def goes_on(self, most: int = 60) -> str:
        """Take steps while the state demands some, and none of them must come back."""
        for _ in range(most):
            before = await self.onboarding()
            outcome = await self.step()
            if isinstance(outcome, str) or outcome.version == before.version:
                break
        return (await self.onboarding()).status
