"""Random lives of a customer's switch: whatever people and clocks do, its promises hold."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from approvals import rules
from approvals.access import Reason
from approvals.commands import Command
from approvals.customer_access.commands import BeginSession, Disable
from approvals.customer_access.record import LONGEST_VISIT, Acceptance, ends
from approvals.errors import ApprovalError
from approvals.people import Person
from approvals.platform_entry import PlatformStanding, decide_platform
from approvals.policy import Policies, Terms
from approvals.sessions import EndSession
from approvals.transition import Transition
from tests.factories import (
    CHRISTOPHER,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    JANE,
    MARY,
    MS,
    START,
    TOM,
    WICKHAM,
)
from tests.switching import HUCK, ON, SwitchLife, accepting

ANYBODY = st.sampled_from((JANE, JANE, TOM, HUCK, ELIZABETH, WICKHAM, CHRISTOPHER, MARY))
THEIRS = st.sampled_from((TOM, HUCK)) | ANYBODY
STEPS = st.sampled_from((timedelta(0), MS, HOUR, 5 * HOUR, LONGEST_VISIT))


class LifeOfASwitch(RuleBasedStateMachine):
    """One switch, led by the rules, beside a plain model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.life = SwitchLife()
        self.is_on = True
        self.first: Acceptance | None = None  # the one acceptance that there may ever be
        self.visits: dict[object, object] = {}  # person: when their visit began

    @initialize()
    def begins(self) -> None:
        self.life.says(ON, JANE, self.now)

    @rule(by=ANYBODY)
    def enable(self, by: Person) -> None:
        was_on = self.is_on
        if self.says(ON, by):
            assert (by, was_on) == (JANE, False)
            self.is_on = True

    @rule(by=ANYBODY)
    def disable(self, by: Person) -> None:
        was_on = self.is_on
        if self.says(Disable(), by):
            assert (by, was_on) == (JANE, True)
            self.is_on, self.visits = False, {}

    @rule(by=THEIRS, read=st.sampled_from(("1", "2", "3")))
    def accept(self, by: Person, read: str) -> None:
        if self.says(accepting(read), by):
            assert self.first is None
            assert self.is_on
            assert read == self.life.policies.terms.version
            assert by in (TOM, HUCK)
            self.first = Acceptance(person=by.id, terms=read, at=self.now)

    @rule(by=THEIRS)
    def begin_session(self, by: Person) -> None:
        if self.says(BeginSession(), by):
            assert self.is_on
            assert self.first is not None
            assert by.organization == FENCE_PAINTING.id
            self.visits[by.id] = self.now

    @rule(by=THEIRS, whose=st.sampled_from((TOM, HUCK)))
    def end_session(self, by: Person, whose: Person) -> None:
        wanted = next((one for one in self.life.switch.sessions if one.person == whose.id), None)
        if wanted is not None and self.says(EndSession(session=wanted.id), by):
            assert by is whose
            del self.visits[whose.id]

    @rule(version=st.sampled_from(("1", "2")))
    def the_terms_change(self, version: str) -> None:
        self.life.policies = Policies(terms=Terms(version=version))

    @rule(step=STEPS, is_clock_awake=st.booleans())
    def time_passes(self, step: timedelta, is_clock_awake: bool) -> None:
        self.now += step
        if is_clock_awake:
            self.life.ticks(self.now)
            assert self.life.switch.due is None or self.life.switch.due > self.now

    @invariant()
    def the_status_is_what_switch_and_acceptance_say(self) -> None:
        if self.life.state is not None:
            status = "accepted" if self.first else "pending"
            assert self.life.switch.status == (status if self.is_on else "disabled")
            assert self.life.switch.accepted == self.first
            assert not self.life.switch.is_closed

    @invariant()
    def visits_are_those_that_were_begun_and_have_not_ended(self) -> None:
        if self.life.state is not None:
            kept = {
                one.person: one.begun_at
                for one in self.life.switch.sessions
                if self.now < ends(one)
            }
            begun = {who: at for who, at in self.visits.items() if self.now < at + LONGEST_VISIT}  # type: ignore[operator]
            assert kept == begun

    @invariant()
    def the_gate_lets_nobody_in_but_where_all_of_it_holds(self) -> None:
        if self.life.state is None:
            return
        for person in (TOM, HUCK):
            standing = self.standing_of(person)
            sign_in = decide_platform(standing, "sign_in", self.now)
            visit = decide_platform(standing, "sign_in", self.now, in_session=True)
            assert sign_in.is_open == (self.is_on and self.first is not None)
            has_visit = any(
                one.person == person.id and self.now < ends(one)
                for one in self.life.switch.sessions
            )
            assert visit.is_open == (sign_in.is_open and has_visit)
            reads = decide_platform(standing, "accept_terms", self.now)
            assert reads.is_open == self.is_on
            assert self.is_on or reads.reason is Reason.DISABLED

    @invariant()
    def the_row_holds_the_whole_state(self) -> None:
        if self.life.state is not None:
            state = self.life.switch
            assert rules.restored(state.kind, state.model_dump_json()) == state

    def standing_of(self, person: Person) -> PlatformStanding:
        """Return what the gate would read about somebody now."""
        own = [one for one in self.life.switch.sessions if one.person == person.id]
        return PlatformStanding(
            is_person_live=True,
            is_partner_on=True,
            is_served=True,
            process=self.life.process,
            status=self.life.switch.status,
            begun_at=own[0].begun_at if own else None,
        )

    def says(self, command: Command, by: Person) -> Transition | None:
        """Give a command; None when it was refused, which must change nothing."""
        before = self.life.switch
        try:
            step = self.life.says(command, by, self.now)
        except ApprovalError:
            assert self.life.state is before
            return None
        assert self.life.switch.version == before.version + 1
        return step


TestLifeOfASwitch = LifeOfASwitch.TestCase
TestLifeOfASwitch.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
