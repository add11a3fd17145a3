"""Whatever goes wrong on the way, a repeated call finishes, and everything exists exactly once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest

from approvals.platform import (
    ADMIN_ROLES,
    NewCustomer,
    PlatformAway,
    PlatformCustomer,
    PlatformRefused,
    PlatformRole,
)
from customer_platform.platform import HttpCustomerPlatform
from tests.customer_platform.customers import ENVIRONMENT, JIM, PEW, adapter_to, make_customer
from tests.customer_platform.running import RunningPlatform

Steps = Callable[[HttpCustomerPlatform, NewCustomer], Awaitable[UUID]]
FAULTS = ["error", "error_after", "stall", "stall_after", "close_after", "conflict"]
CALLS = {
    "create": r"POST /customers",
    "look": r"GET /customers/[^/]+/pbx",
    "admin": r"POST /customers/[^/]+/users",
    "find": r"GET /customers/[^/]+/users",
    "roles": r"PATCH /customers/.*",
    "token": r"POST /oauth/token",
}


async def onboarded(adapter: HttpCustomerPlatform, new: NewCustomer) -> UUID:
    """Do all steps of an onboarding, as a workflow does."""
    customer = (await adapter.create_customer(new)).id
    await adapter.import_state(customer)
    await adapter.ensure_admin(customer, JIM)
    await adapter.ensure_admin(customer, PEW)
    await adapter.ensure_user(customer, JIM, (PlatformRole.SUPERVISOR_1,))
    return customer


async def undone(adapter: HttpCustomerPlatform, new: NewCustomer) -> None:
    """Take all steps back."""
    if (found := await adapter.find_customer(new.reference, new.key)) is None:
        return
    await adapter.delete_user(found.id, PEW.email)
    await adapter.remove_roles(found.id, JIM.email, ADMIN_ROLES)
    await adapter.delete_customer(found.id)


def assert_exactly_once(platform: RunningPlatform, customer: UUID) -> None:
    """Look at the platform itself: one customer, six users, the right roles."""
    found = platform.ask("GET", "/customers?reference=C-1").json()
    users = platform.users(customer)
    assert [one["id"] for one in found] == [str(customer)]
    assert len(users) == 6
    assert users[JIM.email] == ["customer.user", "customer.user.supervisorl1", "user.admin"]
    assert users[PEW.email] == ["customer.user", "user.admin"]


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("call", CALLS)
async def test_an_onboarding_that_meets_a_fault_ends_exactly_once(
    platform: RunningPlatform, call: str, kind: str
) -> None:
    adapter = adapter_to(platform.address, seconds=1.0)
    new = make_customer()
    platform.fault(kind, CALLS[call], seconds=1.5)

    told = []
    customer = None
    while customer is None:
        try:
            customer = await onboarded(adapter, new)
        except PlatformAway as away:
            told.append(away.sentence)
    await adapter.close()

    assert len(told) <= 1
    assert all(sentence.startswith("The customer platform ") for sentence in told)
    assert platform.faults_left() == 0
    assert_exactly_once(platform, customer)


@pytest.mark.parametrize("kind", ["error", "stall", "close_after"])
@pytest.mark.parametrize("call", ["GET /customers", "DELETE .*/users/.*", "PATCH .*", "DELETE .*"])
async def test_undoing_that_meets_a_fault_leaves_nothing(
    platform: RunningPlatform, call: str, kind: str
) -> None:
    adapter = adapter_to(platform.address, seconds=1.0)
    new = make_customer()
    customer = await onboarded(adapter, new)
    platform.fault(kind, call, seconds=1.5)

    for _ in range(2):
        try:
            await undone(adapter, new)
        except PlatformAway:
            continue
    await adapter.close()

    assert platform.faults_left() == 0
    assert platform.ask("GET", "/customers?reference=C-1").json() == []
    assert platform.ask("GET", f"/customers/{customer}").status_code == 404


@pytest.mark.parametrize("kind", ["error_after", "stall_after", "close_after"])
async def test_a_customer_whose_answer_was_lost_is_found_at_once(
    platform: RunningPlatform, kind: str
) -> None:
    adapter = adapter_to(platform.address, seconds=1.0)
    platform.fault(kind, "POST /customers", seconds=1.5)

    customer = await adapter.create_customer(make_customer())
    await adapter.close()

    assert platform.faults_left() == 0
    found = platform.ask("GET", "/customers?reference=C-1").json()
    assert [one["id"] for one in found] == [str(customer.id)]


async def test_a_user_who_vanishes_between_two_calls_is_made_again(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    customer = (await adapter.create_customer(make_customer())).id
    await adapter.ensure_admin(customer, JIM)
    platform.fault("conflict", "POST .*/users", code="user_exists")

    with pytest.raises(PlatformAway, match="changed this user meanwhile"):
        await adapter.ensure_admin(customer, PEW)
    pew = await adapter.ensure_admin(customer, PEW)

    assert pew.has(*ADMIN_ROLES)


async def test_a_platform_that_is_away_is_asked_again_later(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    new = make_customer()
    platform.fault("away", seconds=600)

    with pytest.raises(PlatformAway, match="cannot be reached"):
        await onboarded(adapter, new)
    platform.clear()
    customer = await onboarded(adapter, new)

    assert_exactly_once(platform, customer)


async def test_nobody_at_the_address_is_away() -> None:
    adapter = adapter_to("http://127.0.0.1:9")

    with pytest.raises(PlatformAway, match="cannot be reached"):
        await adapter.create_customer(make_customer())
    await adapter.close()


@pytest.mark.parametrize("call", [name for name in CALLS.values() if "oauth" not in name])
async def test_tokens_that_end_in_the_middle_are_not_noticed(
    adapter: HttpCustomerPlatform, platform: RunningPlatform, call: str
) -> None:
    platform.fault("expire_tokens", call)

    customer = await onboarded(adapter, make_customer())

    assert platform.faults_left() == 0
    assert_exactly_once(platform, customer)


async def test_a_token_that_has_expired_is_refreshed(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    new = make_customer()
    first = await adapter.create_customer(new)
    platform.clock.ahead = timedelta(seconds=301)  # ours still calls the token good

    again = await adapter.create_customer(new)

    assert again == first


async def test_a_client_goes_on_after_a_long_pause(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    new = make_customer()
    first = await adapter.create_customer(new)
    platform.clock.ahead = timedelta(days=30)  # the refresh token has expired too

    again = await adapter.create_customer(new)

    assert again == first


async def test_many_calls_at_once_share_one_refresh(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    new = make_customer()
    first = await adapter.create_customer(new)
    platform.fault("expire_tokens")

    found: list[PlatformCustomer] = await asyncio.gather(
        *(adapter.create_customer(new) for _ in range(10))
    )

    assert found == [first] * 10


async def test_a_client_that_is_refused_is_told_so_and_a_renewed_secret_counts(
    platform: RunningPlatform,
) -> None:
    known = {**ENVIRONMENT, "GATEHOUSE_SECRET_PLATFORM": "yesterday's"}
    adapter = adapter_to(platform.address, known)

    with pytest.raises(PlatformRefused, match="client id or secret") as refusal:
        await adapter.create_customer(make_customer())
    known.update(ENVIRONMENT)
    customer = await adapter.create_customer(make_customer())
    await adapter.close()

    assert refusal.value.code == "client_refused"
    assert customer.reference == "C-1"
