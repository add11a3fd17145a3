"""Onboardings on the real reference platform while it fails: complete exactly once, or undone."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from approvals.onboarding.commands import Abandon, Retry
from approvals.platform import ADMIN_ROLES, PbxConnection
from customer_platform.platform import HttpCustomerPlatform
from store.engine import Engines
from tests.customer_platform.customers import ENVIRONMENT, PBX_SECRET, adapter_to
from tests.customer_platform.running import RunningPlatform, running
from tests.factories import DAY, MINUTE
from tests.installation import CarriedClock
from tests.onboardings import CHARLES, JIM, LIVESEY, PEW
from tests.store.rows import rows_of
from tests.stored_life import kept
from tests.stored_onboarding import StoredOnboarding, vendors

FAULTS = [
    "error",
    "error_after",
    "stall",
    "stall_after",
    "close_after",
    "conflict",
    "expire_tokens",
]
CALLS = {
    "create the customer": r"POST /customers",
    "watch the import": r"GET /customers/[^/]+/pbx",
    "look a user up": r"GET /customers/[^/]+/users",
    "make a user": r"POST /customers/[^/]+/users",
    "change a user": r"PATCH /customers/.*",
    "get a token": r"POST /oauth/token",
}
UNDOING = {
    "take a role": r"PATCH /customers/.*",
    "delete a user": r"DELETE /customers/[^/]+/users/.*",
    "delete the customer": r"DELETE /customers/[^/]+",
    "look a user up": r"GET /customers/[^/]+/users",
}
REFERENCE = "/customers?reference=C-1881"


@pytest.fixture
def database() -> str:
    """SQLite; on both databases it is the steps' own tests that run."""
    return "sqlite"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with running(tmp_path / "platform.db") as one:
        yield one


@pytest.fixture
async def adapter(platform: RunningPlatform) -> AsyncIterator[HttpCustomerPlatform]:
    one = adapter_to(platform.address, seconds=0.3)
    yield one
    await one.close()


@pytest.fixture
async def life(
    engines: Engines, clock: CarriedClock, adapter: HttpCustomerPlatform
) -> StoredOnboarding:
    return StoredOnboarding(await vendors(engines), clock, adapter)


async def led_on(life: StoredOnboarding, *, tries: int = 20) -> str:
    """Let Temporal's part be played: come back as long as a step must."""
    for _ in range(tries):
        if (status := await life.goes_on()) not in ("running", "undoing"):
            return status
        life.waits(MINUTE)
    return status


def assert_complete(platform: RunningPlatform) -> None:
    """Look at the platform itself: one customer, everybody with their roles."""
    (found,) = platform.ask("GET", REFERENCE).json()
    users = platform.users(found["id"])
    assert len(users) == 6  # five of the PBX, and Pew
    assert users[JIM] == ["customer.user", "customer.user.supervisorl1", "user.admin"]
    assert users[PEW] == ["customer.user", "user.admin"]
    assert users[LIVESEY] == ["customer.user.acd"]


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("call", CALLS)
async def test_a_customer_is_complete_exactly_once_whatever_fails(
    life: StoredOnboarding, platform: RunningPlatform, call: str, kind: str
) -> None:
    await life.started()
    platform.fault(kind, CALLS[call], seconds=0.5)

    status = await led_on(life)

    assert status == "ready"
    assert platform.faults_left() == 0
    assert_complete(platform)
    await kept(life.engines)


@pytest.mark.parametrize("kind", ["error", "error_after", "stall_after", "close_after"])
@pytest.mark.parametrize("call", UNDOING)
async def test_an_abandoned_one_is_undone_whatever_fails(
    life: StoredOnboarding, platform: RunningPlatform, call: str, kind: str
) -> None:
    await life.started()
    while (await life.onboarding()).step != "enter_directory":
        await life.step()
    await life.says(CHARLES, Abandon())
    platform.fault(kind, UNDOING[call], seconds=0.5)

    status = await led_on(life)

    assert status == "abandoned"
    assert platform.faults_left() == 0
    assert platform.ask("GET", REFERENCE).json() == []
    await kept(life.engines)


@pytest.mark.parametrize("kind", ["error_after", "stall_after", "close_after"])
async def test_a_customer_whose_creation_nobody_heard_of_is_found_and_undone(
    life: StoredOnboarding, platform: RunningPlatform, kind: str
) -> None:
    await life.started()
    platform.fault(kind, r"POST /customers", seconds=0.5)
    platform.fault("error", r"GET /customers", times=3)
    await life.step()
    assert (await life.onboarding()).customer is None
    await life.says(CHARLES, Abandon())

    status = await led_on(life)

    assert status == "abandoned"
    assert platform.ask("GET", REFERENCE).json() == []
    assert "customer_found" in [event for _, event in await life.audit()]


async def test_a_platform_that_is_away_for_ten_minutes_only_delays_it(
    life: StoredOnboarding, platform: RunningPlatform
) -> None:
    await life.started()
    await life.step()
    platform.fault("away", seconds=600)
    for _ in range(10):
        await life.step()
        life.waits(MINUTE)
    during = (await life.onboarding()).trouble
    platform.clear()

    status = await led_on(life)

    assert (status, during) == ("ready", "The customer platform cannot be reached.")
    assert_complete(platform)


async def test_a_platform_that_is_away_for_a_day_parks_it_and_a_retry_ends_it(
    life: StoredOnboarding, platform: RunningPlatform
) -> None:
    await life.started()
    platform.fault("away", seconds=600)
    await life.step()
    life.waits(DAY)
    await life.step()
    parked = (await life.onboarding()).status
    platform.clear()
    await life.says(CHARLES, Retry())

    assert (parked, await led_on(life)) == ("parked", "ready")
    assert_complete(platform)


async def test_a_user_of_another_customer_parks_it_with_the_address(
    life: StoredOnboarding, platform: RunningPlatform
) -> None:
    other = platform.ask(
        "POST",
        "/customers",
        json={
            "name": "Other", "description": "", "reference": "C-2",
            "pbx": {"host": "pbx.empty-house.example.com", "username": "x", "secret": "elementary"},
        },
    ).json()  # fmt: skip
    pew = {"email": PEW, "name": "Pew", "roles": list(ADMIN_ROLES)}
    platform.ask("POST", f"/customers/{other['id']}/users", json=pew)
    await life.started()

    status = await led_on(life)

    assert status == "parked"
    assert (await life.onboarding()).reason == (
        f"{PEW} belongs to a user of another customer on the platform."
    )
    assert list(platform.users(other["id"])) == [PEW]


async def test_a_secret_that_is_missing_parks_it_with_its_name(
    engines: Engines, clock: CarriedClock, platform: RunningPlatform
) -> None:
    environment = {name: one for name, one in ENVIRONMENT.items() if not name.endswith("BENBOW")}
    adapter = adapter_to(platform.address, environment)
    life = StoredOnboarding(await vendors(engines), clock, adapter)
    await life.started()

    status = await led_on(life)

    await adapter.close()
    assert status == "parked"
    reason = (await life.onboarding()).reason
    assert reason == "The secret 'env:ADMIRAL_BENBOW' is empty or not set."


async def test_no_row_and_no_log_line_ever_holds_a_secret(
    life: StoredOnboarding, platform: RunningPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    await life.started()
    platform.fault("error", r"POST /customers")
    platform.fault("expire_tokens", r"PATCH /customers/.*")

    with caplog.at_level(logging.DEBUG):
        await led_on(life)

    tables = ("process", "audit", "outbox", "command", "refusal")
    rows = [str(one) for table in tables for one in await rows_of(life.engines, table)]
    assert isinstance((await life.onboarding()).pbx, PbxConnection)
    for secret in ENVIRONMENT.values():
        assert not any(secret in one for one in rows)
        assert secret not in caplog.text
    assert PBX_SECRET in ENVIRONMENT.values()
    assert any("env:ADMIRAL_BENBOW" in one for one in rows)  # its name may stand there
