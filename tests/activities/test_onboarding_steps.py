"""The steps of an onboarding at the row: each is recorded once, whoever takes it, and when."""

import asyncio
import logging
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities import onboarding
from activities.onboarding import OnboardingActivities
from approvals.delivery import Start
from approvals.onboarding.commands import Abandon, Retry
from approvals.onboarding.record import process_id_of
from approvals.platform import (
    NewCustomer,
    NewUser,
    PlatformAway,
    PlatformCustomer,
    PlatformRefused,
    PlatformUser,
)
from approvals.policy import OnboardingLimits, Policies
from approvals.ports import NoticesOf
from store import tables as t
from store.engine import Engines
from tests.factories import CAROLINE, CLASSICS, ELIZABETH, HOUR, JANE, NETHERFIELD, TOM_SAWYER
from tests.factories import PROCESS as REQUEST
from tests.installation import CarriedClock
from tests.onboardings import CHARLES, JIM, LIVESEY, LOUISA, PEW, PROCESS, SLUG, make_start
from tests.platform_in_memory import InMemoryPlatform
from tests.store.rows import rows_of
from tests.stored_life import code_of, kept, raw
from tests.stored_onboarding import StoredOnboarding, vendors
from workflows.options import STEP

AWAY = PlatformAway("The customer platform cannot be reached.")


@pytest.fixture
def platform() -> InMemoryPlatform:
    return InMemoryPlatform(imported=(JIM, LIVESEY))


@pytest.fixture
async def life(
    engines: Engines, clock: CarriedClock, platform: InMemoryPlatform
) -> StoredOnboarding:
    return StoredOnboarding(await vendors(engines), clock, platform)


async def test_every_step_has_its_entry_and_the_customer_enters_the_directory(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()

    status = await life.goes_on()

    state = await life.onboarding()
    row = await life.row()
    assert (status, row["is_closed"], row["due"]) == ("ready", True, None)
    assert (row["organization_id"], row["requester_id"]) == (NETHERFIELD.id, CHARLES.id)
    events = [event for _, event in await life.audit()]
    assert (events[0], events[-1], len(events)) == ("started", "ready", state.version)
    entries = await life.trail.entries(PROCESS)
    assert {one.channel for one in entries} == {"cli", "platform"}
    (organization,) = [
        one for one in await rows_of(life.engines, "organization") if one["slug"] == SLUG
    ]
    (tenant,) = [one for one in await rows_of(life.engines, "tenant") if one["slug"] == SLUG]
    people = {
        one["email"]: one["id"]
        for one in await rows_of(life.engines, "person")
        if one["organization_id"] == organization["id"]
    }
    roles = {
        (one["person_id"], one["role"], one["scope_id"])
        for one in await rows_of(life.engines, "role_assignment")
    }
    assert tenant["id"] == state.customer
    assert set(people) == {JIM, PEW, LIVESEY}
    for admin in (JIM, PEW):
        assert (people[admin], "tenant_admin", tenant["id"]) in roles
        assert (people[admin], "trust_admin", organization["id"]) in roles
    serving = {
        one["server_id"]
        for one in await rows_of(life.engines, "serves")
        if one["customer_id"] == organization["id"]
    }
    assert serving == {NETHERFIELD.id, CLASSICS.id}
    await kept(life.engines)


async def test_at_the_end_the_operators_the_new_admins_and_the_partner_are_mailed(
    life: StoredOnboarding,
) -> None:
    await life.started()
    await life.goes_on()

    rows = await rows_of(life.engines, "outbox")
    people = {one["id"]: one["email"] for one in await rows_of(life.engines, "person")}
    assert {(one["kind"], people[one["person_id"]]) for one in rows} == {
        ("onboarding_ready", CHARLES.email),
        ("onboarding_ready", LOUISA.email),
        ("onboarding_welcome", JIM),
        ("onboarding_welcome", PEW),
        ("customer_to_switch_on", JANE.email),
    }
    version = (await life.onboarding()).version
    assert life.mail.queued[1:] == [NoticesOf(process=PROCESS, version=version)]


async def test_a_step_that_two_workers_take_at_once_is_recorded_once(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()

    while (await life.onboarding()).status == "running":
        await asyncio.gather(life.step(), life.step(), life.step())

    state = await life.onboarding()
    assert state.status == "ready"
    assert len(platform.customers) == 1
    assert [version for version, _ in await life.audit()] == list(range(1, state.version + 1))
    await kept(life.engines)


async def test_an_answer_that_comes_after_the_operator_abandoned_is_not_recorded(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()
    for _ in range(3):
        await life.step()
    under_way, goes_on = asyncio.Event(), asyncio.Event()
    ensure = platform.ensure_admin

    async def slow(customer: UUID, user: NewUser) -> PlatformUser:
        found = await ensure(customer, user)
        under_way.set()
        await goes_on.wait()
        return found

    platform.ensure_admin = slow  # type: ignore[method-assign]
    late = asyncio.create_task(life.step())
    await under_way.wait()
    await life.says(LOUISA, Abandon())
    goes_on.set()
    await late

    status = await life.goes_on()

    assert status == "abandoned"
    assert "admin_ensured" not in [event for _, event in await life.audit()]
    assert (platform.customers, platform.users) == ({}, {})
    assert SLUG not in [one["slug"] for one in await rows_of(life.engines, "tenant")]


async def test_a_customer_that_is_created_after_all_was_undone_is_deleted_again(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()
    under_way, goes_on = asyncio.Event(), asyncio.Event()
    create = platform.create_customer

    async def slow(customer: NewCustomer) -> PlatformCustomer:
        under_way.set()
        await goes_on.wait()
        return await create(customer)

    platform.create_customer = slow  # type: ignore[method-assign]
    late = asyncio.create_task(life.step())
    await under_way.wait()
    await life.says(LOUISA, Abandon())
    status = await life.goes_on()
    goes_on.set()
    await late

    assert status == "abandoned"
    assert (platform.customers, platform.users) == ({}, {})
    assert [event for _, event in await life.audit()] == [
        "started", "abandoning", "abandoned", "late_customer_deleted",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("failures", "event", "left"),
    [(1, "late_customer_deleted", 0), (99, "late_customer_left", 1)],
    ids=["away once", "away for good"],
)
async def test_the_deletion_of_a_late_customer_is_tried_again_and_recorded(
    life: StoredOnboarding,
    platform: InMemoryPlatform,
    failures: int,
    event: str,
    left: int,
) -> None:
    await life.started()
    under_way, goes_on = asyncio.Event(), asyncio.Event()
    create, troubles = platform.create_customer, [AWAY] * failures

    async def slow(customer: NewCustomer) -> PlatformCustomer:
        under_way.set()
        await goes_on.wait()
        made = await create(customer)
        platform.before = lambda call: troubles.pop() if call and troubles else None
        return made

    platform.create_customer = slow  # type: ignore[method-assign]
    late = asyncio.create_task(life.step())
    await under_way.wait()
    await life.says(LOUISA, Abandon())
    await life.goes_on()
    goes_on.set()
    await late

    assert len(platform.customers) == left
    assert (await life.audit())[-2:] == [(3, "abandoned"), (None, event)]


async def test_trouble_is_written_once_and_shown_with_every_try(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()
    platform.before = lambda _: AWAY

    tries = [await life.step() for _ in range(3)]

    assert tries == [AWAY.sentence] * 3
    assert [event for _, event in await life.audit()] == ["started", "troubled"]
    assert (await life.onboarding()).trouble == AWAY.sentence


async def test_a_platform_that_was_away_for_ten_minutes_is_found_again(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()
    await life.step()
    platform.before = lambda _: AWAY
    for _ in range(10):
        await life.step()
        life.waits(HOUR / 60)
    platform.before = lambda _: None

    assert await life.goes_on() == "ready"


async def test_patience_is_that_of_the_policy_at_the_start(
    engines: Engines, clock: CarriedClock, platform: InMemoryPlatform
) -> None:
    policies = Policies(onboarding=OnboardingLimits(patience=HOUR))
    life = StoredOnboarding(await vendors(engines), clock, platform, policies)
    await life.started()
    platform.before = lambda _: AWAY
    await life.step()
    life.waits(HOUR)

    await life.step()

    state = await life.onboarding()
    assert state.status == "parked"
    assert state.reason is not None
    assert "1 hour" in state.reason
    assert (await life.row())["due"] is None


async def test_without_a_platform_it_parks_with_what_to_do_and_a_retry_finds_a_new_one(
    engines: Engines, clock: CarriedClock, platform: InMemoryPlatform
) -> None:
    installation = await vendors(engines)
    without = StoredOnboarding(installation, clock, None)
    await without.started()
    parked = await without.goes_on()
    reason = (await without.onboarding()).reason
    configured = StoredOnboarding(installation, clock, platform)
    await configured.says(CHARLES, Retry())

    status = await configured.goes_on()

    assert (parked, status) == ("parked", "ready")
    assert reason is not None
    assert "GATEHOUSE_PLATFORM_URL" in reason


async def test_a_platform_that_never_answers_counts_as_away(
    life: StoredOnboarding, platform: InMemoryPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("activities.onboarding.LONGEST", 0.01)
    platform.create_customer = silent  # type: ignore[assignment,method-assign]
    await life.started()

    assert await life.step() == "The customer platform took too long to answer."


async def test_a_slug_is_onboarded_by_one_process_at_a_time_and_by_another_after_it(
    life: StoredOnboarding, clock: CarriedClock, platform: InMemoryPlatform
) -> None:
    batch = uuid4()
    other = StoredOnboarding(life.installation, clock, platform, process=process_id_of(batch, SLUG))
    await life.started()

    refused = await other.says(LOUISA, make_start(batch=batch))
    await life.says(CHARLES, Abandon())
    await life.goes_on()
    accepted = await other.says(LOUISA, make_start(batch=batch))

    assert code_of(refused) == "submission_refused"
    assert refused.refusal is not None
    assert str(PROCESS) in refused.refusal.sentence
    assert accepted.refusal is None
    assert await other.goes_on() == "ready"


async def test_a_customer_that_came_by_an_import_meanwhile_is_left_alone(
    life: StoredOnboarding,
) -> None:
    await life.started()
    organization = t.metadata.tables["organization"]
    async with life.engines.write.begin() as connection:
        await connection.execute(
            insert(organization).values(
                id=uuid4(), slug=SLUG, name="Other", kind="customer", time_zone="UTC",
                is_active=True,
            )
        )  # fmt: skip

    status = await life.goes_on()

    assert status == "parked"
    rows = await rows_of(life.engines, "organization")
    assert [one["name"] for one in rows if one["slug"] == SLUG] == ["Other"]


@pytest.mark.parametrize("process", [uuid4(), TOM_SAWYER.id])
async def test_a_stranger_who_takes_a_step_of_nothing_gets_nothing(
    life: StoredOnboarding, platform: InMemoryPlatform, process: UUID
) -> None:
    outcome = await life.steps.step(raw(Start(process=process, submission=b"anything")))

    assert (outcome.version, platform.calls) == (0, [])


async def test_a_stranger_who_takes_a_step_does_what_the_worker_would_have_done(
    life: StoredOnboarding, platform: InMemoryPlatform
) -> None:
    await life.started()
    await life.goes_on()
    calls = len(platform.calls)

    outcome = await life.steps.step(raw(Start(process=PROCESS)))

    assert outcome.status == "ready"
    assert len(platform.calls) == calls


@pytest.mark.parametrize("said", [b"", b"{}", b"null", b'"x"', b"\xff", b'{"process": 1}'])
async def test_nonsense_fails_once(life: StoredOnboarding, said: bytes) -> None:
    with pytest.raises(ApplicationError) as failed:
        await life.steps.step(RawValue(Payload(data=said)))

    assert (failed.value.type, failed.value.non_retryable) == ("invalid_input", True)


async def test_a_request_takes_no_steps(life: StoredOnboarding) -> None:
    request = StoredOnboarding(life.installation, life.clock, None, process=REQUEST)
    await request.submitted()

    outcome = await request.steps.step(raw(Start(process=REQUEST)))

    assert (outcome.version, outcome.status) == (1, "pending")


async def test_a_person_without_a_part_sees_and_changes_nothing(life: StoredOnboarding) -> None:
    await life.started()

    refused = [await life.says(by, Abandon()) for by in (ELIZABETH, CAROLINE)]

    assert [code_of(one) for one in refused] == ["not_found"] * 2
    assert (await life.onboarding()).status == "running"


async def test_a_log_line_holds_no_address_and_no_sentence(
    life: StoredOnboarding, platform: InMemoryPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    platform.before = lambda _: PlatformRefused("no", f"{PEW} is somebody else's.")
    await life.started()

    with caplog.at_level(logging.DEBUG, logger="activities"):
        await life.step()

    assert [one.getMessage() for one in caplog.records] == ["step CreateCustomer: PlatformRefused"]


def test_the_step_ends_before_temporal_gives_up_on_it() -> None:
    assert STEP["start_to_close_timeout"].total_seconds() >= onboarding.LONGEST + 5
    assert OnboardingActivities.step.__name__ == "step"
