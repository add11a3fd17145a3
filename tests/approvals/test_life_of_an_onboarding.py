"""Random lives of an onboarding: whatever goes wrong, what must never happen does not."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from approvals.errors import ApprovalError
from approvals.onboarding.commands import Abandon, NamedAdmin, NamedUser, Retry
from approvals.onboarding.record import WORKS, Status
from approvals.people import Person, Role
from approvals.platform import (
    ADMIN_ROLES,
    ImportState,
    ImportStatus,
    PlatformAway,
    PlatformRefused,
    PlatformRole,
)
from tests.factories import DAY, HOUR, MINUTE
from tests.onboardings import (
    ARTHUR,
    CHARLES,
    JIM,
    LIVESEY,
    LOUISA,
    PEW,
    SMOLLETT,
    OnboardingLife,
    make_start,
)
from tests.platform_in_memory import IMPORTED, InMemoryPlatform

OTHERS = st.sets(
    st.sampled_from([one for one in PlatformRole if one not in ADMIN_ROLES]), max_size=3
).map(lambda found: tuple(sorted(found)))
TROUBLE = st.sampled_from(
    (PlatformAway("It is away."), PlatformAway("It is slow."), PlatformRefused("no", "It says no."))
)
IMPORTS = st.lists(
    st.sampled_from(
        (
            ImportState(status=ImportStatus.IMPORTING, imported=0, total=3),
            ImportState(status=ImportStatus.IMPORTING, imported=2, total=3),
            ImportState(status=ImportStatus.FAILED, imported=0, total=0, reason="No answer."),
        )
    ),
    max_size=4,
)


class LifeOfAnOnboarding(RuleBasedStateMachine):
    """One onboarding, led by the rules, on a platform that fails before or after a call counts."""

    @initialize(
        admins=st.lists(st.sampled_from((JIM, PEW, SMOLLETT)), min_size=1, unique=True),
        roles=OTHERS,
        with_user=st.booleans(),
        imported=st.sets(st.sampled_from((JIM, LIVESEY, SMOLLETT))),
        imports=IMPORTS,
    )
    def start(
        self,
        admins: list[str],
        roles: tuple[PlatformRole, ...],
        with_user: bool,
        imported: set[str],
        imports: list[ImportState],
    ) -> None:
        users = (NamedUser(email=LIVESEY, name="Doctor", roles=(PlatformRole.AGENT,)),)
        platform = InMemoryPlatform(imported=tuple(sorted(imported)))
        platform.imports = [*imports, IMPORTED]
        self.life = OnboardingLife(platform)
        self.life.says(
            make_start(
                admins=tuple(NamedAdmin(email=one, name="Ann", roles=roles) for one in admins),
                users=users if with_user else (),
            )
        )

    @rule()
    def step(self) -> None:
        self.life.step()

    @rule(trouble=TROUBLE, counts=st.booleans())
    def fail(self, trouble: PlatformAway | PlatformRefused, counts: bool) -> None:
        """Take a step whose call fails, before or after it has counted."""
        platform = self.life.platform
        if counts:
            platform.after = lambda _: trouble
        else:
            platform.before = lambda _: trouble
        self.life.step()
        platform.before = platform.after = lambda _: None

    @precondition(lambda self: self.life.onboarding.customer in self.life.platform.customers)
    @rule(email=st.sampled_from((JIM, PEW, LIVESEY)), role=st.sampled_from(list(PlatformRole)))
    def somebody_else_gives_a_role(self, email: str, role: PlatformRole) -> None:
        customer = self.life.onboarding.customer
        assert customer is not None
        held = self.life.platform.users.get((customer, email), ())
        self.life.platform.users[customer, email] = tuple(dict.fromkeys((*held, role)))

    @rule(span=st.sampled_from((MINUTE, HOUR, 23 * HOUR, DAY)), asks=st.booleans())
    def time_goes_by(self, span: timedelta, asks: bool) -> None:
        self.life.waits(span)
        if asks:
            self.life.ticks()

    @rule(by=st.sampled_from((CHARLES, LOUISA, ARTHUR)), abandon=st.sampled_from((0, 0, 0, 1)))
    def say(self, by: Person, abandon: int) -> None:
        before = self.life.onboarding
        try:
            self.life.says(Abandon() if abandon else Retry(), by)
        except ApprovalError:
            assert self.life.onboarding is before
        else:
            assert by != ARTHUR
            assert before.status in (Status.PARKED, Status.RUNNING)

    @invariant()
    def ready_only_with_an_admin_for_everybody_who_was_named(self) -> None:
        state, platform = self.life.onboarding, self.life.platform
        if state.status is not Status.READY:
            assert all(one.directory is None for one in self.life.transitions)
            return
        assert state.customer is not None
        assert platform.has_admin(state.customer)
        for one in state.accounts:
            assert set(one.roles) <= set(platform.users[state.customer, one.email])
        change = self.life.last.directory
        assert change is not None
        admins = {one.person for one in change.gives if one.role is Role.TENANT_ADMIN}
        assert len(admins) == sum(one.is_admin for one in state.accounts)

    @invariant()
    def no_other_role_is_given_by_us_before_an_admin(self) -> None:
        calls = self.life.platform.calls
        if "ensure_user" in calls:
            assert "ensure_admin" in calls[: calls.index("ensure_user")]
        if any(one.is_done and not one.is_admin for one in self.life.onboarding.accounts):
            assert any(one.is_admin and one.is_done for one in self.life.onboarding.accounts)

    @invariant()
    def abandoned_means_that_nothing_is_left(self) -> None:
        if self.life.onboarding.status is Status.ABANDONED:
            assert self.life.platform.customers == {}
            assert self.life.platform.users == {}

    @invariant()
    def there_is_never_a_second_customer(self) -> None:
        assert len(self.life.platform.customers) <= 1

    @invariant()
    def what_is_parked_says_why_and_what_is_not_does_not(self) -> None:
        state = self.life.onboarding
        assert (state.reason is not None) == (state.status is Status.PARKED)
        assert state.due is None or state.status in WORKS
        assert state.is_closed == (state.closed_at is not None)

    def teardown(self) -> None:
        """Whatever happened, patience and a working platform lead to one of the two ends."""
        if not hasattr(self, "life"):
            return
        self.life.platform.imports = [IMPORTED]
        for _ in range(4):
            if self.life.onboarding.status is Status.PARKED:
                self.life.says(Retry())
            self.life.goes_on()
        assert self.life.onboarding.is_closed
        self.ready_only_with_an_admin_for_everybody_who_was_named()
        self.abandoned_means_that_nothing_is_left()


TestLifeOfAnOnboarding = LifeOfAnOnboarding.TestCase
TestLifeOfAnOnboarding.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
