"""The adapter onboards on the real reference platform; repeated calls change nothing twice."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from approvals.platform import (
    ADMIN_ROLES,
    ImportState,
    ImportStatus,
    NewUser,
    PlatformRefused,
    PlatformRole,
)
from customer_platform.platform import HttpCustomerPlatform
from tests.customer_platform.customers import (
    BENBOW,
    EMPTY_HOUSE,
    JIM,
    PEW,
    adapter_to,
    make_customer,
)
from tests.customer_platform.running import RunningPlatform, running

ADMIN = ["customer.user", "user.admin"]
SUPERVISOR = (PlatformRole.SUPERVISOR_1,)


async def test_a_customer_is_onboarded(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    customer = await adapter.create_customer(make_customer())
    state = await adapter.import_state(customer.id)
    jim = await adapter.ensure_admin(customer.id, JIM)
    pew = await adapter.ensure_user(customer.id, PEW, (PlatformRole.AGENT, PlatformRole.SIGN_IN))
    john = await adapter.ensure_user(
        customer.id,
        NewUser(email="john.silver@admiral-benbow.example.com", name="John Silver"),
        SUPERVISOR,
    )

    assert (customer.name, customer.reference) == ("Admiral Benbow", "C-1")
    assert state == ImportState(status=ImportStatus.IMPORTED, imported=5, total=5)
    assert (jim.is_imported, pew.is_imported, john.is_imported) == (True, False, True)
    assert jim.has(*ADMIN_ROLES)
    assert platform.users(customer.id) == {
        JIM.email: ADMIN,
        PEW.email: ["customer.user", "customer.user.acd"],
        john.email: ["customer.user.supervisorl1"],
        "ben.gunn@admiral-benbow.example.com": [],
        "captain.smollett@admiral-benbow.example.com": [],
        "doctor.livesey@admiral-benbow.example.com": [],
    }


async def test_every_call_may_be_repeated(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    new = make_customer()

    customers = [await adapter.create_customer(new) for _ in range(3)]
    admins = [await adapter.ensure_admin(customers[0].id, JIM) for _ in range(3)]
    others = [await adapter.ensure_user(customers[0].id, PEW, SUPERVISOR) for _ in range(3)]

    assert customers == [customers[0]] * 3
    assert admins == [admins[0]] * 3
    assert others == [others[0]] * 3
    assert len(platform.users(customers[0].id)) == 6


async def test_an_import_is_seen_on_its_way(tmp_path: Path) -> None:
    with running(tmp_path / "platform.db", import_seconds=1000) as platform:
        adapter = adapter_to(platform.address)
        customer = await adapter.create_customer(make_customer())
        platform.clock.ahead = timedelta(seconds=400)

        state = await adapter.import_state(customer.id)
        await adapter.close()

    assert state == ImportState(status=ImportStatus.IMPORTING, imported=2, total=5)


async def test_a_failed_import_says_why_and_begins_again(adapter: HttpCustomerPlatform) -> None:
    lost = BENBOW.model_copy(update={"host": "pbx.atlantis.example.com"})
    customer = await adapter.create_customer(make_customer(pbx=lost))

    failed = await adapter.import_state(customer.id)
    begun = await adapter.connect_pbx(customer.id, BENBOW)
    done = await adapter.import_state(customer.id)

    assert failed.status is ImportStatus.FAILED
    assert failed.reason == "The PBX does not answer."
    assert begun.total == done.imported == 5
    assert done.status is ImportStatus.IMPORTED


async def test_an_imported_user_gets_roles_and_keeps_those_it_has(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    customer = (await adapter.create_customer(make_customer())).id
    await adapter.ensure_admin(customer, PEW)
    await adapter.ensure_user(customer, JIM, SUPERVISOR)

    jim = await adapter.ensure_admin(customer, NewUser(email=JIM.email.upper(), name="J."))

    assert jim.name == "Jim Hawkins"
    assert platform.users(customer)[JIM.email] == [
        "customer.user",
        "customer.user.supervisorl1",
        "user.admin",
    ]


async def test_another_customers_user_is_refused_by_address(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    one = (await adapter.create_customer(make_customer())).id
    other = (await adapter.create_customer(make_customer("C-2", EMPTY_HOUSE))).id

    with pytest.raises(PlatformRefused, match=JIM.email) as refusal:
        await adapter.ensure_admin(other, JIM)

    assert refusal.value.code == "other_customer"
    assert platform.users(one)[JIM.email] == []
    assert platform.users(other) == {}


async def test_the_platforms_rule_on_the_first_admin_is_told(
    adapter: HttpCustomerPlatform,
) -> None:
    customer = (await adapter.create_customer(make_customer())).id

    for attempt in (
        adapter.ensure_user(customer, JIM, SUPERVISOR),
        adapter.ensure_user(customer, PEW, SUPERVISOR),
    ):
        with pytest.raises(PlatformRefused, match="no admin yet") as refusal:
            await attempt
        assert refusal.value.code == "admin_first"


async def test_a_reference_of_somebody_elses_customer_is_refused(
    adapter: HttpCustomerPlatform,
) -> None:
    first = make_customer()
    created = await adapter.create_customer(first)

    with pytest.raises(PlatformRefused) as refusal:
        await adapter.create_customer(make_customer())

    assert refusal.value.code == "reference_taken"
    assert await adapter.find_customer("C-1", first.key) == created
    assert await adapter.find_customer("C-1", uuid4()) is None
    assert await adapter.find_customer("C-2", first.key) is None


async def test_a_key_makes_one_customer(adapter: HttpCustomerPlatform) -> None:
    first = make_customer()
    await adapter.create_customer(first)

    with pytest.raises(PlatformRefused) as refusal:
        await adapter.create_customer(first.model_copy(update={"name": "Another inn"}))

    assert refusal.value.code == "key_reused"


async def test_everything_is_undone_in_reverse_and_twice(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    new = make_customer()
    customer = (await adapter.create_customer(new)).id
    await adapter.ensure_admin(customer, JIM)
    await adapter.ensure_user(customer, PEW, SUPERVISOR)

    for _ in range(2):
        await adapter.delete_user(customer, PEW.email)
        await adapter.remove_roles(customer, JIM.email, ADMIN_ROLES)
    left = platform.users(customer)
    for _ in range(2):
        await adapter.delete_customer(customer)
        await adapter.remove_roles(customer, JIM.email, ADMIN_ROLES)
        await adapter.delete_user(customer, PEW.email)

    assert left[JIM.email] == []
    assert PEW.email not in left
    assert await adapter.find_customer("C-1", new.key) is None
    with pytest.raises(PlatformRefused) as refusal:
        await adapter.create_customer(new)
    assert refusal.value.code == "customer_deleted"


async def test_removing_roles_leaves_the_others(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    customer = (await adapter.create_customer(make_customer())).id
    await adapter.ensure_admin(customer, JIM)
    await adapter.ensure_user(customer, JIM, SUPERVISOR)

    await adapter.remove_roles(customer, JIM.email, SUPERVISOR)

    assert platform.users(customer)[JIM.email] == ADMIN


async def test_an_unknown_customer_is_refused(adapter: HttpCustomerPlatform) -> None:
    for attempt in (adapter.import_state(uuid4()), adapter.ensure_admin(uuid4(), JIM)):
        with pytest.raises(PlatformRefused, match="no such customer") as refusal:
            await attempt
        assert refusal.value.code == "customer_not_found"
