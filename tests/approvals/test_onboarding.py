"""Whole lives of an onboarding, step by step: what is asked of the platform, and what follows."""

from typing import Any
from uuid import uuid4

import pytest

from approvals.commands import CLOCK, PLATFORM, Command
from approvals.errors import (
    NotAllowedNowError,
)
from approvals.onboarding.commands import Abandon, NamedAdmin, NamedUser, Retry
from approvals.onboarding.entry import person_id_of
from approvals.onboarding.record import Status, Step
from approvals.onboarding.warnings import warnings_of
from approvals.people import OrganizationKind, Role, TenantId
from approvals.platform import (
    ADMIN_ROLES,
    ImportState,
    ImportStatus,
    PlatformAway,
    PlatformRole,
    PlatformUser,
)
from approvals.policy import OnboardingLimits
from tests.factories import (
    CLASSICS,
    DAY,
    HOUR,
    MINUTE,
    MS,
    NETHERFIELD,
    START,
    TOM,
    make_tenant,
)
from tests.onboardings import (
    AGENT,
    CHARLES,
    JIM,
    LIVESEY,
    LOUISA,
    PEW,
    SLUG,
    SUPERVISOR,
    OnboardingLife,
    kinds_of,
    life_in,
    make_life,
    make_start,
    refusing,
)
from tests.platform_in_memory import IMPORTED, InMemoryPlatform

AWAY = PlatformAway("The customer platform cannot be reached.")
ADMIN = tuple(ADMIN_ROLES)
IMPORTING = ImportState(status=ImportStatus.IMPORTING, imported=1, total=2)
FAILED = ImportState(
    status=ImportStatus.FAILED, imported=0, total=0, reason="The PBX does not answer."
)
ALL_STEPS = [
    "started",
    "customer_created",
    "imported",
    *("user_looked_up", "admin_ensured") * 2,
    *("user_looked_up", "roles_added") * 2,
    "ready",
]


def test_an_onboarding_ends_with_a_complete_customer() -> None:
    life = make_life()

    life.goes_on()

    assert life.events == ALL_STEPS
    assert life.onboarding.status is Status.READY
    customer = life.onboarding.customer
    assert customer is not None
    assert life.platform.users == {
        (customer, JIM): (*ADMIN, SUPERVISOR),
        (customer, PEW): ADMIN,
        (customer, LIVESEY): (AGENT,),
        (customer, "captain.smollett@admiral-benbow.example.com"): (),
    }


def test_it_enters_the_directory_at_the_end_under_the_platforms_own_id() -> None:
    life = make_life()

    life.goes_on()

    change = life.last.directory
    assert change is not None
    (organization,), (tenant,) = change.organizations, change.tenants
    assert (tenant.id, tenant.slug) == (life.onboarding.customer, SLUG)
    assert (tenant.organization, tenant.time_zone) == (organization.id, "Europe/London")
    assert organization.kind is OrganizationKind.CUSTOMER
    assert [one.email for one in change.people] == [JIM, PEW, LIVESEY]
    assert change.serves == ((NETHERFIELD.id, organization.id), (CLASSICS.id, organization.id))
    admins = {person_id_of(life.onboarding, one) for one in (JIM, PEW)}
    assert {(one.person, one.role, one.scope) for one in change.gives} == {
        *((one, Role.TENANT_ADMIN, tenant.id) for one in admins),
        *((one, Role.TRUST_ADMIN, organization.id) for one in admins),
    }
    assert [one.directory for one in life.transitions[:-1]] == [None] * (len(ALL_STEPS) - 1)


def test_no_partner_serves_a_customer_that_is_switched_on_for_nobody() -> None:
    life = make_life(switch_on_for=None)

    life.goes_on()

    change = life.last.directory
    assert change is not None
    assert [server for server, _ in change.serves] == [NETHERFIELD.id]
    assert "customer_to_switch_on" not in kinds_of(life)


def test_the_operators_the_admins_and_the_partner_are_told_at_the_end() -> None:
    life = make_life()

    life.goes_on()

    told = {one.kind: one for one in life.last.notices}
    assert set(told) == {"onboarding_ready", "onboarding_welcome", "customer_to_switch_on"}
    assert told["onboarding_ready"].people == (CHARLES.id,)
    assert told["onboarding_ready"].holders == ((Role.ONBOARDING_OPERATOR, NETHERFIELD.id),)
    assert told["customer_to_switch_on"].holders == ((Role.PARTNER_ADMIN, CLASSICS.id),)
    assert kinds_of(life) == list(told)  # the steps on the way are nobody's mail


def test_steps_are_the_platforms_in_the_record_and_commands_their_persons() -> None:
    life = make_life()

    life.goes_on()

    assert life.transitions[0].actor == CHARLES.id
    assert {one.actor for one in life.transitions[1:]} == {PLATFORM}


def test_other_roles_are_given_only_after_the_first_admin() -> None:
    life = make_life()

    life.goes_on()

    calls = life.platform.calls
    assert calls.index("ensure_user") > max(
        at for at, one in enumerate(calls) if one == "ensure_admin"
    )


def test_a_user_whom_the_platform_knows_keeps_the_roles_that_they_had() -> None:
    life = make_life()
    while life.onboarding.step is not Step.ENSURE_ADMINS:
        life.step()
    assert life.onboarding.customer is not None
    place = (life.onboarding.customer, JIM)
    life.platform.users[place] = ("customer.user.acd", "something.else")

    life.goes_on()

    assert life.platform.users[place] == (
        "customer.user.acd", "something.else", *ADMIN, SUPERVISOR,
    )  # fmt: skip


def test_an_import_is_watched_and_its_progress_recorded_once_a_change() -> None:
    life = OnboardingLife(limits=OnboardingLimits(look_every=MINUTE))
    life.platform.imports = [IMPORTING, IMPORTING, IMPORTED]
    life.says(make_start())
    life.step()

    looks = [life.step() for _ in range(3)]

    assert [one and (one.waits, one.after) for one in looks] == [
        ("The platform is importing the PBX's users: 1 of 2 users.", MINUTE),
        ("The platform is importing the PBX's users: 1 of 2 users.", MINUTE),
        (None, None),
    ]
    assert life.events[2:] == ["importing", "imported"]


def test_an_import_that_never_ends_is_parked_when_patience_does() -> None:
    life = OnboardingLife()
    life.platform.imports = [IMPORTING]
    life.says(make_start())
    life.goes_on()
    life.waits(DAY - MS)
    before = life.step()
    life.waits(MS)

    life.step()

    assert before is not None
    assert before.waits is not None
    assert life.onboarding.status is Status.PARKED
    assert life.onboarding.reason == "The import of the PBX's users was not done after 1 day."
    assert life.onboarding.due is None


def test_a_failed_import_parks_with_the_platforms_reason_and_a_retry_connects_again() -> None:
    life = OnboardingLife()
    life.platform.imports = [FAILED]
    life.says(make_start())
    parked = life.goes_on()
    reason = life.onboarding.reason
    life.platform.imports = [IMPORTED]
    life.says(Retry(), LOUISA)

    life.goes_on()

    assert (parked, life.onboarding.status) == ("parked", "ready")
    assert reason == "The import of the PBX's users failed: The PBX does not answer."
    assert life.platform.calls.count("connect_pbx") == 1
    assert kinds_of(life)[0] == "onboarding_parked"


def test_a_platform_that_is_away_is_told_once_and_asked_again() -> None:
    life = make_life()
    life.platform.before = lambda _: AWAY

    first, second = life.step(), life.step()
    trouble = (life.onboarding.trouble, life.onboarding.trouble_since)
    life.platform.before = lambda _: None
    life.goes_on()

    assert [one and (one.waits, one.after) for one in (first, second)] == [
        (AWAY.sentence, None),
        (AWAY.sentence, None),
    ]
    assert trouble == (AWAY.sentence, START)
    assert life.events == ["started", "troubled", *ALL_STEPS[1:]]
    assert (life.onboarding.trouble, life.onboarding.trouble_since) == (None, None)


def test_a_platform_that_stays_away_for_the_patience_of_the_policy_parks_it() -> None:
    life = OnboardingLife(limits=OnboardingLimits(patience=HOUR))
    life.says(make_start())
    life.platform.before = lambda _: AWAY
    life.step()
    life.waits(HOUR - MS)
    last = life.step()
    life.waits(MS)

    life.step()

    assert last is not None
    assert last.transition is None
    assert life.onboarding.status is Status.PARKED
    assert life.onboarding.reason == (
        "The customer platform could not be asked for 1 hour. " + AWAY.sentence
    )


def test_an_import_that_is_too_slow_is_the_reason_even_if_the_platform_went_away_at_last() -> None:
    life = OnboardingLife()
    life.platform.imports = [IMPORTING]
    life.says(make_start())
    life.goes_on()
    life.waits(DAY - MINUTE)
    life.platform.before = lambda _: AWAY
    life.step()
    life.waits(MINUTE)

    life.step()

    assert life.onboarding.status is Status.PARKED
    assert life.onboarding.reason == (
        "The import of the PBX's users was not done after 1 day. " + AWAY.sentence
    )


def test_the_clock_parks_what_no_worker_asked_for() -> None:
    life = make_life()
    life.platform.before = lambda _: AWAY
    life.step()
    due = life.onboarding.due
    life.waits(DAY)

    life.ticks()

    assert due == START + DAY
    assert (life.onboarding.status, life.last.actor) == (Status.PARKED, CLOCK)


def test_the_clock_asks_nothing_of_one_that_goes_well() -> None:
    life = make_life()
    life.waits(30 * DAY)

    assert life.ticks() is None


@pytest.mark.parametrize(
    ("call", "step"),
    [
        ("create_customer", Step.CREATE_CUSTOMER),
        ("import_state", Step.IMPORT),
        ("find_user", Step.ENSURE_ADMINS),
        ("ensure_admin", Step.ENSURE_ADMINS),
        ("ensure_user", Step.ADD_ROLES),
    ],
)
def test_a_refusal_parks_at_once_and_a_retry_goes_on_from_that_step(call: str, step: Step) -> None:
    life = make_life()
    life.platform.before = refusing(call)
    parked = life.goes_on()
    at, reason = life.onboarding.step, life.onboarding.reason
    life.platform.before = lambda _: None
    life.says(Retry())

    life.goes_on()

    assert (parked, at, reason) == ("parked", step, "It says no.")
    assert life.onboarding.status is Status.READY
    assert life.onboarding.reason is None
    assert len(life.platform.customers) == 1


def test_a_user_of_another_customer_parks_it() -> None:
    life = OnboardingLife(InMemoryPlatform(elsewhere=(PEW,)))
    life.says(make_start())

    life.goes_on()

    assert life.onboarding.status is Status.PARKED
    assert life.onboarding.reason == f"{PEW} is another customer's."


def test_a_platform_that_gives_other_roles_than_asked_parks_it() -> None:
    life = make_life()
    life.platform._ensured = _roleless  # type: ignore[method-assign]

    life.goes_on()

    assert life.onboarding.status is Status.PARKED
    assert life.onboarding.reason == (
        f"The platform did not give {JIM} the roles user.admin, customer.user."
    )


@pytest.mark.parametrize("steps", range(len(ALL_STEPS) - 2))
@pytest.mark.parametrize("is_heard", [True, False])
def test_abandoned_at_any_step_nothing_is_left_on_the_platform(steps: int, is_heard: bool) -> None:
    life = make_life()
    for _ in range(steps):
        life.step()
    if not is_heard:  # the next step counts, and nobody hears of it
        life.platform.after = lambda _: AWAY
        life.step()
        life.platform.after = lambda _: None
    life.says(Abandon(reason="They changed their minds."), LOUISA)

    life.goes_on()

    assert life.onboarding.status is Status.ABANDONED
    assert (life.platform.customers, life.platform.users) == ({}, {})
    assert life.last.reason == "They changed their minds."
    assert life.last.directory is None
    assert kinds_of(life)[-1] == "onboarding_abandoned"


def test_it_is_taken_back_in_the_opposite_order_and_only_what_it_made() -> None:
    life = make_life()
    while life.onboarding.step is not Step.ENTER_DIRECTORY:
        life.step()
    assert life.onboarding.customer is not None
    life.platform.users[life.onboarding.customer, "tom@example.com"] = ("customer.user",)
    kept: list[Any] = []

    def look(_: str) -> None:
        kept.append(dict(life.platform.users))

    life.platform.before = look
    life.says(Abandon())

    life.goes_on()

    assert life.events[-6:] == [
        "abandoning",
        "roles_removed",  # the agent's
        "roles_removed",  # the first admin's supervisor role
        "user_deleted",  # Pew, whom the PBX did not bring
        "roles_removed",  # Jim, whom it brought
        "abandoned",
    ]
    last = {email: roles for (_, email), roles in kept[-1].items()}
    assert last[JIM] == last[LIVESEY] == ()
    assert last["tom@example.com"] == ("customer.user",)
    assert PEW not in last


def test_trouble_while_it_is_taken_back_parks_and_a_retry_goes_on_taking_back() -> None:
    life = make_life()
    for _ in range(5):
        life.step()
    life.says(Abandon(reason="A mistake."))
    life.platform.before = refusing("delete_customer")
    parked = life.goes_on()
    life.platform.before = lambda _: None
    life.says(Retry())

    life.goes_on()

    assert (parked, life.onboarding.status) == ("parked", "abandoned")
    assert life.platform.customers == {}
    assert life.last.reason == "A mistake."


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("running", {Abandon}),
        ("parked", {Retry, Abandon}),
        ("undoing", set()),
        ("parked while undoing", {Retry}),
        ("ready", set()),
        ("abandoned", set()),
    ],
)
def test_each_status_takes_its_own_commands(status: str, allowed: set[type[Command]]) -> None:
    for command in (Retry(), Abandon()):
        life = life_in(status)
        before = life.onboarding

        if type(command) in allowed:
            life.says(command)
            assert life.onboarding.version == before.version + 1
        else:
            with pytest.raises(NotAllowedNowError):
                life.says(command)
            assert life.onboarding == before


@pytest.mark.parametrize("what", ["slug", "tenant", "person"])
def test_what_came_into_the_directory_meanwhile_parks_it_and_nothing_is_overwritten(
    what: str,
) -> None:
    life = make_life()
    while life.onboarding.step is not Step.ENTER_DIRECTORY:
        life.step()
    assert life.onboarding.customer is not None
    others: dict[str, dict[str, Any]] = {
        "slug": {"organizations": (CLASSICS.model_copy(update={"slug": SLUG}),)},
        "tenant": {
            "tenants": (
                make_tenant(CLASSICS).model_copy(update={"id": TenantId(life.onboarding.customer)}),
            )
        },
        "person": {"people": (*life.directory.people, TOM.model_copy(update={"email": PEW}))},
    }
    life.directory = life.directory.model_copy(update=others[what])

    life.goes_on()

    assert life.onboarding.status is Status.PARKED
    assert life.last.directory is None


@pytest.mark.parametrize(
    ("roles", "warns"),
    [
        ((), ["is an admin without a supervisor role, and so sees no workspaces"]),
        ((SUPERVISOR,), []),
        ((AGENT,), ["is an admin without a supervisor role, and so sees no workspaces"]),
    ],
)
def test_an_admin_who_will_see_no_workspaces_is_named(
    roles: tuple[PlatformRole, ...], warns: list[str]
) -> None:
    life = make_life(admins=(NamedAdmin(email=JIM, name="Jim", roles=roles),), users=())

    found = warnings_of(life.onboarding)

    assert list(found) == [f"{JIM} {one}." for one in warns]


def test_a_supervisor_who_cannot_sign_in_is_named() -> None:
    users = (NamedUser(email=LIVESEY, name="Doctor Livesey", roles=(SUPERVISOR,)),)
    life = make_life(users=users)

    assert any(
        one.startswith(f"{LIVESEY} has a supervisor role") for one in warnings_of(life.onboarding)
    )


def _roleless(call: str, customer: Any, user: Any, roles: Any) -> Any:
    return PlatformUser(
        id=uuid4(), customer=customer, email=user.email, name=user.name, roles=(), is_imported=False
    )
