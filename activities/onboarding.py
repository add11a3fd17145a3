"""The steps of an onboarding: each asks the customer platform one thing, and records the answer."""

import asyncio
import logging
from datetime import UTC, datetime
from uuid import UUID

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.names import NOTHING
from approvals.delivery import Outcome, Start
from approvals.onboarding import steps
from approvals.onboarding.entry import needed_to_enter, with_entry
from approvals.onboarding.record import Onboarding
from approvals.platform import CustomerPlatform, PlatformAway, PlatformRefused
from approvals.ports import Ledger, MailQueue, NoticesOf

log = logging.getLogger(__name__)
LONGEST = 50.0  # seconds of one step; less than Temporal gives it, so that no two overlap
PAUSES = (0.0, 1.0, 3.0, 9.0)  # seconds before each try to delete a late customer
NO_PLATFORM = PlatformRefused(
    "no_platform",
    "This installation knows no customer platform. Set GATEHOUSE_PLATFORM_URL and the account for"
    " it, restart the worker, and retry.",
)


class OnboardingActivities:
    """Takes the step that the stored state demands. Without a *platform* an onboarding parks."""

    def __init__(self, ledger: Ledger, platform: CustomerPlatform | None, mail: MailQueue) -> None:
        self._ledger, self._platform, self._mail = ledger, platform, mail

    @activity.defn
    async def step(self, start: RawValue = NOTHING) -> Outcome:
        """Take one step of a process, and answer where it stands then.

        Takes raw arguments, for anybody at a Temporal frontend can call it: what is no process
        fails once, as ``invalid_input``. Whoever calls it, it does only what the row demands.
        Raises a retryable error while the platform is away or importing.
        """
        process = _process(start)
        async with self._ledger.locked(process, datetime.now(UTC)) as row:
            state, standing = row.state, row.standing()
        if not isinstance(state, Onboarding) or (task := steps.demanded(state)) is None:
            return standing
        return await self._recorded(state, task, await self._answer(task))

    async def _recorded(
        self, before: Onboarding, task: steps.Task, answer: steps.Answer
    ) -> Outcome:
        """Write what follows, unless somebody or something else has moved the row meanwhile."""
        process, noted, change = before.process_id, None, None
        async with self._ledger.locked(process, datetime.now(UTC)) as row:
            state, outcome = row.state, row.standing()
            if isinstance(state, Onboarding) and state.version == before.version:
                directory = await row.directory(needed_to_enter(state))
                noted = steps.noted(state, task, answer, directory, row.now)
                if (change := noted.transition) is not None:
                    told = with_entry(directory, change.directory)
                    outcome = await row.write(change, told, None)
        if noted is None and isinstance(state, Onboarding):
            await self._let_go(process, steps.orphan(state, task, answer))
        if change is not None and change.notices:
            notices = NoticesOf(process=process, version=outcome.version)
            await self._mail.enqueue(notices, str(before.vendor))
        if noted is not None and noted.waits is not None:
            raise _again(noted)
        return outcome

    async def _let_go(self, process: UUID, orphan: UUID | None) -> None:
        """Delete what a step made that came too late for being undone with the rest.

        No other step comes back for it: it is tried again here, and the record says how it went.
        """
        if orphan is None or self._platform is None:
            return
        event = "late_customer_left"
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                await self._platform.delete_customer(orphan)
            except (PlatformAway, PlatformRefused) as trouble:
                log.warning("a late customer is not deleted yet: %s", type(trouble).__name__)
            else:
                event = "late_customer_deleted"
                break
        async with self._ledger.locked(process, datetime.now(UTC)) as row:
            await row.note(event, str(orphan))

    async def _answer(self, task: steps.Task) -> steps.Answer:
        try:
            async with asyncio.timeout(LONGEST):
                return await self._ask(task)
        except TimeoutError:
            return PlatformAway("The customer platform took too long to answer.")
        except (PlatformAway, PlatformRefused) as trouble:
            log.warning("step %s: %s", type(task).__name__, type(trouble).__name__)
            return trouble

    async def _ask(self, task: steps.Task) -> steps.Finding:
        """Ask the platform for one thing."""
        if self._platform is None:
            raise NO_PLATFORM
        match task:
            case steps.CreateCustomer(customer):
                return await self._platform.create_customer(customer)
            case steps.WatchImport(customer):
                return await self._platform.import_state(customer)
            case steps.ConnectPbx(customer, pbx):
                return await self._platform.connect_pbx(customer, pbx)
            case steps.LookUp(customer, email):
                return await self._platform.find_user(customer, email)
            case steps.EnsureAdmin(customer, user):
                return await self._platform.ensure_admin(customer, user)
            case steps.EnsureUser(customer, user, roles):
                return await self._platform.ensure_user(customer, user, roles)
            case steps.FindCustomer(reference, key):
                return await self._platform.find_customer(reference, key)
            case steps.EnterDirectory():
                return None
            case _:
                await self._take_back(self._platform, task)
                return None

    async def _take_back(self, platform: CustomerPlatform, task: steps.Task) -> None:
        match task:
            case steps.RemoveRoles(customer, email, roles):
                await platform.remove_roles(customer, email, roles)
            case steps.DeleteUser(customer, email):
                await platform.delete_user(customer, email)
            case steps.DeleteCustomer(customer):
                await platform.delete_customer(customer)
            case _:
                raise TypeError(f"{type(task).__name__} takes nothing back.")


def _again(noted: steps.Noted) -> ApplicationError:
    """Bring the step back by Temporal's retries, which cost no history; the reason is shown."""
    return ApplicationError(
        noted.waits or "",
        type="step_left",
        next_retry_delay=noted.after,
        category=ApplicationErrorCategory.BENIGN,
    )


def _process(given: RawValue) -> UUID:
    try:
        return Start.model_validate_json(given.payload.data).process
    except ValueError:
        raise ApplicationError(
            "step takes the id of a process.", type="invalid_input", non_retryable=True
        ) from None
