"""Random lives of a pairing: whatever people and clocks do, what must never happen does not."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from approvals import rules
from approvals.commands import Command
from approvals.errors import ApprovalError
from approvals.pairing.commands import (
    Accept,
    AddClone,
    AskConsent,
    AskRoles,
    AssignRoles,
    BeginSession,
    Decline,
    DefineRole,
    DropRole,
    EndSession,
    GiveConsent,
    RecordChange,
    RefuseConsent,
    Reissue,
    RemoveClone,
    RemoveRoles,
    Resume,
    Revoke,
    Suspend,
    Withdraw,
)
from approvals.pairing.record import CLOSED, LINK_LIFE, Pairing
from approvals.people import Person, Role
from approvals.permissions import ROLES, permission_for
from approvals.sessions import Mode
from approvals.transition import Transition
from tests.factories import (
    BECKY,
    CAROLINE,
    CHRISTOPHER,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    MS,
    NETHERFIELD,
    START,
    TOM,
    role,
    with_roles,
)
from tests.pairings import (
    CARE,
    CHARLES,
    FITZWILLIAM,
    GEORGIANA,
    LOUISA,
    PAIRED_DIRECTORY,
    PairingLife,
    make_offer,
)

# People on both sides hold the deciding roles of the other too: only the rules stand in the way.
TEMPTED = with_roles(
    PAIRED_DIRECTORY,
    role(CHARLES, Role.TRUST_ADMIN, FENCE_PAINTING.id),
    role(GEORGIANA, Role.TRUST_ADMIN, FENCE_PAINTING.id),
    role(TOM, Role.SUPPORT_AGENT, NETHERFIELD.id),
)
DECIDERS = (TOM, BECKY)
TRUSTED = (Accept, AssignRoles, DefineRole, GiveConsent, Resume)
ANYBODY = st.sampled_from(
    (TOM, BECKY, CHARLES, LOUISA, GEORGIANA, FITZWILLIAM, CAROLINE, CHRISTOPHER, ELIZABETH)
)
DECIDER = st.sampled_from(DECIDERS) | st.sampled_from(DECIDERS) | ANYBODY
AGENT = st.sampled_from((CHARLES, LOUISA)) | ANYBODY
HOLDER = st.sampled_from((None, None, GEORGIANA.id, CHARLES.id, TOM.id))
NAMES = st.sampled_from(("own", "other"))
PERMISSIONS = st.lists(
    st.sampled_from(("logs.view", "configuration.view", "employees.view", "tests.run")),
    min_size=1,
    unique=True,
).map(tuple)
ROLE_LISTS = st.lists(
    st.sampled_from((*ROLES, "own", "other", "Admin")), min_size=1, max_size=3, unique=True
).map(tuple)
STEPS = st.sampled_from((MS, HOUR, DAY, 3 * DAY, 7 * DAY))


class LifeOfAPairing(RuleBasedStateMachine):
    """One pairing, led by the rules, beside a plain model of its links."""

    made: Bundle[UUID] = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.life = PairingLife(TEMPTED)
        self.issued: dict[int, datetime] = {}
        self.accepted_by: list[int] = []
        self.closed_as: Pairing | None = None

    @initialize(is_used=st.booleans())
    def offer(self, is_used: bool) -> None:
        self.life.says(make_offer(), CHARLES, self.now)
        self.issued[1] = self.now
        if is_used:
            self.open_link(TOM, 0)
            self.says(AssignRoles(roles=("support",)), TOM)

    @rule(by=DECIDER, back=st.sampled_from((0, 0, 0, 1, 2)))
    def open_link(self, by: Person, back: int) -> None:
        number = max(self.life.links - back, 0)
        if self.says(Accept(proof=f"{number:064x}"), by):
            assert number == max(self.issued)
            assert self.now < self.issued[number] + LINK_LIFE
            self.accepted_by.append(number)

    @rule(by=AGENT)
    def reissue(self, by: Person) -> None:
        if self.says(Reissue(), by):
            self.issued[self.life.links] = self.now

    @rule(
        by=ANYBODY,
        act=st.sampled_from((Decline(reason="No."), Withdraw(), Suspend(), Resume(), AddClone())),
    )
    def simple(self, by: Person, act: Command) -> None:
        self.says(act, by)

    @rule(by=DECIDER, odds=st.integers(0, 5))
    def revoke(self, by: Person, odds: int) -> None:
        if odds == 0:
            self.says(Revoke(reason="Enough."), by)

    @rule(by=DECIDER, roles=ROLE_LISTS, person=HOLDER, is_removal=st.booleans())
    def roles(
        self, by: Person, roles: tuple[str, ...], person: UUID | None, is_removal: bool
    ) -> None:
        form = RemoveRoles if is_removal else AssignRoles
        self.says(form.model_validate({"roles": roles, "person": person}), by)

    @rule(by=DECIDER, name=NAMES, permissions=PERMISSIONS)
    def define(self, by: Person, name: str, permissions: tuple[str, ...]) -> None:
        self.says(DefineRole(name=name, permissions=permissions), by)

    @rule(by=DECIDER, name=NAMES)
    def drop(self, by: Person, name: str) -> None:
        self.says(DropRole(name=name), by)

    @rule(by=AGENT, roles=ROLE_LISTS)
    def ask(self, by: Person, roles: tuple[str, ...]) -> None:
        self.says(AskRoles(roles=roles, reason="Please."), by)

    @rule(target=made, by=AGENT, mode=st.sampled_from(Mode), as_clone=st.booleans())
    def begin(self, by: Person, mode: Mode, as_clone: bool) -> UUID:
        return self.receipt(self.says(BeginSession(mode=mode, as_clone=as_clone), by))

    @rule(target=made, by=AGENT)
    def clone(self, by: Person) -> UUID:
        return self.receipt(self.says(AddClone(), by))

    @rule(target=made, by=AGENT)
    def ask_consent(self, by: Person) -> UUID:
        return self.receipt(self.says(AskConsent(what="Restart it."), by))

    @rule(by=ANYBODY, one=made, what=st.integers(0, 3))
    def use(self, by: Person, one: UUID, what: int) -> None:
        acts: tuple[Command, ...] = (
            EndSession(session=one),
            RemoveClone(clone=one),
            GiveConsent(consent=one),
            RefuseConsent(consent=one, reason="No."),
        )
        self.says(acts[what], by)

    @rule(by=AGENT, one=made, is_disruptive=st.booleans())
    def change(self, by: Person, one: UUID, is_disruptive: bool) -> None:
        given = {item.id for item in self.pairing.consents if item.answer == "given"}
        names = {item.id for item in self.pairing.consents}
        consent = one if one in names else None
        command = RecordChange(what="Restarted.", is_disruptive=is_disruptive, consent=consent)
        if self.says(command, by):
            disrupts = is_disruptive or consent is not None
            assert self.pairing.changes[-1].is_breach == (disrupts and consent not in given)

    @rule(step=STEPS, is_clock_awake=st.booleans())
    def time_passes(self, step: timedelta, is_clock_awake: bool) -> None:
        self.now += step
        if is_clock_awake:
            self.life.ticks(self.now)
            assert self.pairing.due is None or self.pairing.due > self.now

    @invariant()
    def there_is_no_pass_unless_active(self) -> None:
        if not self.life.transitions:
            return
        passes = self.life.last.passes
        assert passes is not None
        assert bool(passes) == (self.pairing.status == "active")
        assert {one.group for one in passes} <= {CARE.id}

    @invariant()
    def below_the_minimum_it_is_never_active(self) -> None:
        if self.life.transitions and self.pairing.status == "active":
            held = {one for each in self.life.last.passes or () for one in each.permissions}
            assert set(self.pairing.minimum) <= held

    @invariant()
    def nothing_outlives_its_ground(self) -> None:
        if not self.life.transitions:
            return
        pairing, last = self.pairing, self.life.last
        assert last.sessions == pairing.sessions
        assert last.clones == pairing.clones
        assert not (pairing.is_closed and (pairing.clones or pairing.sessions))
        clones = {one.id for one in pairing.clones}
        for one in pairing.sessions:
            assert permission_for(one.mode) in pairing.allowed(one.person)
            assert one.person in CARE.members
            assert one.clone is None or one.clone in clones

    @invariant()
    def one_link_is_used_once(self) -> None:
        assert len(self.accepted_by) <= 1
        if self.life.transitions:
            was_accepted = self.pairing.link_used_at is not None
            assert was_accepted == (len(self.accepted_by) == 1)

    @invariant()
    def what_is_closed_opens_again_by_a_new_link_alone(self) -> None:
        if not self.life.transitions:
            return
        if self.closed_as is not None and self.pairing is not self.closed_as:
            assert self.closed_as.status == "lapsed"
            assert self.life.links > 1
        self.closed_as = self.pairing if self.pairing.status in CLOSED else None

    @invariant()
    def the_row_holds_the_whole_state(self) -> None:
        if self.life.transitions:
            text = self.pairing.model_dump_json()
            assert rules.restored("pairing", text) == self.pairing

    @property
    def pairing(self) -> Pairing:
        """The state as it stands."""
        return self.life.pairing

    def says(self, command: Command, by: Person) -> Transition | None:
        """Give a command; None when it was refused, which must change nothing."""
        before = self.life.state
        try:
            step = self.life.says(command, by, self.now)
        except ApprovalError:
            assert self.life.state is before
            return None
        assert before is not None
        assert self.pairing.version == before.version + 1
        assert not isinstance(command, TRUSTED) or by in DECIDERS
        return step

    def receipt(self, step: Transition | None) -> UUID:
        """Return what a step made, or an id of nothing."""
        return UUID(step.receipt) if step else UUID(int=1)


TestLifeOfAPairing = LifeOfAPairing.TestCase
TestLifeOfAPairing.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
