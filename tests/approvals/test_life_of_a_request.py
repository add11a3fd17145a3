"""Random lives of a request: whatever people and clocks do, what must never happen does not."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from approvals import rules
from approvals.access import Passage, Standing, Via, decide
from approvals.commands import Command
from approvals.errors import ApprovalError
from approvals.people import Person, Role
from approvals.policy import Policy
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import CLOSED, TenantAccess
from approvals.transition import Transition
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    DAY,
    DIRECTORY,
    ELIZABETH,
    EVERYBODY,
    HOUR,
    JANE,
    MINUTE,
    MS,
    START,
    TOM,
    TOM_SAWYER,
    Life,
    make_submit,
    role,
    with_roles,
)

# Those who ask and are named hold the deciding role too, so that only the rule stands in the way.
TEMPTED = with_roles(
    DIRECTORY,
    *(role(one, Role.TENANT_ADMIN, TOM_SAWYER.id) for one in (ELIZABETH, CAROLINE, CHARLOTTE)),
    role(CAROLINE, Role.TM_ADMIN, DIRECTORY.organizations[0].id),
)
End = tuple[timedelta | None, bool]

ASKED = frozenset({CAROLINE.id, CHARLOTTE.id})
MAY_NOT_DECIDE = ASKED | {ELIZABETH.id}
BEFORE_GRANT = frozenset({"denied", "withdrawn", "lapsed"})
AFTER_GRANT = frozenset({"expired", "revoked", "finished"})
DECISIONS = (Grant, Deny, ChangeEnd, Revoke)

ANYBODY = st.sampled_from(EVERYBODY)
DECIDERS = st.sampled_from((TOM, BECKY)) | st.sampled_from((ELIZABETH, CAROLINE)) | ANYBODY
ASKERS = st.sampled_from((ELIZABETH, JANE)) | ANYBODY
USERS = st.sampled_from((CAROLINE, CHARLOTTE)) | ANYBODY
SPANS = st.sampled_from((-DAY, 0 * DAY, MS, MINUTE, HOUR, DAY, 8 * DAY, 40 * DAY, 400 * DAY))
FITTING = st.tuples(st.timedeltas(HOUR, 60 * DAY), st.just(False)) | st.just((None, True))
ENDS = FITTING | st.tuples(st.none() | SPANS, st.booleans())  # (how long from now, no end)
SHOWN = st.sampled_from((None, None, None, "0" * 64))
STEPS = st.sampled_from((0 * DAY, MS, HOUR, DAY, 2 * DAY, 9 * DAY))


class LifeOfARequest(RuleBasedStateMachine):
    """One request, led by the rules, beside a plain model of what was decided."""

    sessions: Bundle[UUID] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.policy = Policy()
        self.life = Life(TEMPTED)
        self.was_granted = False
        self.end: datetime | None = None  # what the latest accepted decision said
        self.decisions = 0
        self.closed_as: TenantAccess | None = None

    @initialize(
        window=st.sampled_from((2 * MINUTE, 14 * DAY, 60 * DAY)),
        reminders=st.booleans(),
        allow_no_end=st.booleans(),
        show_people=st.booleans(),
        first_end=st.none() | st.timedeltas(HOUR, 60 * DAY),
    )
    def submit(
        self,
        window: timedelta,
        reminders: bool,
        allow_no_end: bool,
        show_people: bool,
        first_end: timedelta | None,
    ) -> None:
        self.policy = Policy(
            decision_window=window,
            longest_access=90 * DAY,
            reminders=reminders,
            allow_no_end=allow_no_end,
            show_people=show_people,
        )
        self.life = Life(TEMPTED, self.policy)
        self.life.says(make_submit(), ELIZABETH, self.now)
        if first_end is not None:
            self.grant_until(TOM, (first_end, False), None)

    @rule(by=DECIDERS, end=ENDS, shown=SHOWN)
    def grant(self, by: Person, end: End, shown: str | None) -> None:
        self.grant_until(by, end, shown)

    @rule(by=DECIDERS, end=ENDS, shown=SHOWN)
    def change_end(self, by: Person, end: End, shown: str | None) -> None:
        ends_at, no_end = self.end_of(end)
        if self.says(ChangeEnd(ends_at=ends_at, no_end=no_end, shown=shown), by):
            self.promise(ends_at)

    @precondition(lambda self: self.now > START + HOUR)
    @rule(by=DECIDERS, shown=SHOWN)
    def deny(self, by: Person, shown: str | None) -> None:
        if self.says(Deny(reason="No.", shown=shown), by):
            assert self.now < self.request.due_at
            self.decisions += 1

    @precondition(lambda self: self.now > START + HOUR)
    @rule(by=ASKERS)
    def withdraw(self, by: Person) -> None:
        self.says(Withdraw(), by)

    @precondition(lambda self: self.now > START + 2 * DAY)
    @rule(by=DECIDERS, shown=SHOWN)
    def revoke(self, by: Person, shown: str | None) -> None:
        self.says(Revoke(reason="Enough.", shown=shown), by)

    @rule(by=USERS, for_all=st.sampled_from((False,) * 9 + (True,)))
    def finish(self, by: Person, for_all: bool) -> None:
        self.says(Finish(for_all=for_all), by)

    @rule(target=sessions, by=USERS, mode=st.sampled_from(Mode))
    def begin_session(self, by: Person, mode: Mode) -> UUID | MultipleResults[UUID]:
        step = self.says(BeginSession(mode=mode), by)
        return UUID(step.receipt) if step else multiple()

    @rule(by=USERS, session=sessions)
    def end_session(self, by: Person, session: UUID) -> None:
        owners = {one.id: one.person for one in self.request.sessions}
        if self.says(EndSession(session=session), by):
            assert owners[session] == by.id

    @rule(by=ANYBODY)
    def submit_again(self, by: Person) -> None:
        assert self.says(make_submit(), by) is None

    @rule(step=STEPS, is_clock_awake=st.booleans())
    def time_passes(self, step: timedelta, is_clock_awake: bool) -> None:
        if is_clock_awake:
            self.life.ticks(self.now)  # what an outage left
            self.life.waits(self.now + step)
        self.now += step
        assert not is_clock_awake or self.request.due is None or self.now < self.request.due

    @rule(step=STEPS)
    def the_clock_asks_once(self, step: timedelta) -> None:
        before = self.request
        self.now += step
        is_due = before.due is not None and self.now >= before.due

        self.life.ticks(self.now)

        assert self.request.version == before.version + is_due
        assert is_due or self.request is before

    @precondition(lambda self: START < (self.request.ends or START) <= self.now + 3 * DAY)
    @rule()
    def the_end_comes_and_nobody_ticks(self) -> None:
        assert self.request.ends is not None
        self.now = max(self.now, self.request.ends)

    @precondition(lambda self: self.request.due is not None and self.request.due > self.now)
    @rule()
    def the_clock_asks_just_in_time(self) -> None:
        before, due = self.request, self.request.due
        assert due is not None

        self.life.ticks(due - MS)
        assert self.request is before
        self.now = due
        self.life.ticks(due)

        assert self.request.version == before.version + 1

    @invariant()
    def nobody_is_in_after_the_end(self) -> None:
        if not self.was_granted or (self.end is not None and self.now >= self.end):
            assert not any(self.is_open(person) for person in EVERYBODY)

    @invariant()
    def only_the_people_asked_for_are_in(self) -> None:
        opened = {grant.person for grant in self.life.last.grants}
        assert opened <= ASKED - set(self.request.finished)
        assert {session.person for session in self.life.last.sessions} <= opened
        assert (self.request.status == "granted") == bool(opened)

    @invariant()
    def nobody_decides_for_themselves(self) -> None:
        assert self.request.decided_by not in MAY_NOT_DECIDE
        assert self.decisions <= 1
        assert (self.request.decided_at is not None) == (self.decisions == 1)

    @invariant()
    def what_is_closed_stays_closed(self) -> None:
        if self.closed_as is not None:
            assert self.request is self.closed_as
        elif self.request.status in CLOSED:
            self.closed_as = self.request
            assert self.request.status in (AFTER_GRANT if self.was_granted else BEFORE_GRANT)

    @invariant()
    def the_clock_knows_when_it_is_needed(self) -> None:
        request = self.request
        needs_no_clock = request.is_closed or (request.status == "granted" and request.no_end)
        assert (request.due is None) == needs_no_clock
        assert request.due is None or request.due > request.clock_from

    @invariant()
    def the_row_holds_the_whole_state(self) -> None:
        assert rules.restored(self.request.kind, self.request.model_dump_json()) == self.request

    @property
    def request(self) -> TenantAccess:
        """The state as it stands."""
        return self.life.request

    def says(self, command: Command, by: Person) -> Transition | None:
        """Give a command; None when it was refused, which must change nothing."""
        before = self.life.state
        try:
            step = self.life.says(command, by, self.now)
        except ApprovalError:
            assert self.life.state is before
            return None
        assert before is not None
        assert self.request.version == before.version + 1
        assert before.ends is None or self.now < before.ends
        assert not isinstance(command, DECISIONS) or by in (TOM, BECKY)
        return step

    def grant_until(self, by: Person, end: End, shown: str | None) -> None:
        """Try to grant, and note what was promised."""
        ends_at, no_end = self.end_of(end)
        if self.says(Grant(ends_at=ends_at, no_end=no_end, shown=shown), by):
            assert self.now < self.request.due_at
            self.decisions += 1
            self.was_granted = True
            self.promise(ends_at)

    def end_of(self, end: End) -> tuple[datetime | None, bool]:
        """Return the end date and whether there is none, counted from now."""
        span, no_end = end
        return None if span is None else self.now + span, no_end

    def promise(self, ends_at: datetime | None) -> None:
        """Note an accepted end, which must lie within the policy."""
        self.end = ends_at
        assert self.policy.allow_no_end or ends_at is not None
        assert self.request.due is None or self.request.due > self.now
        if ends_at is not None:
            length = ends_at - self.now
            assert self.policy.shortest_access <= length <= self.policy.longest_access

    def is_open(self, person: Person) -> bool:
        """Ask the gate as if its row were read now."""
        grants = [one for one in self.life.last.grants if one.person == person.id]
        standing = Standing(
            is_person_live=True,
            is_tenant_on=True,
            is_tenant_locked=False,
            is_legacy=False,
            was_ever_granted=self.was_granted,
            passages=tuple(
                Passage(process=one.process, ends_at=one.ends_at, no_end=one.no_end)
                for one in grants
            ),
        )
        return decide(standing, Via.REQUEST, self.now).is_open


TestLifeOfARequest = LifeOfARequest.TestCase
TestLifeOfARequest.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
