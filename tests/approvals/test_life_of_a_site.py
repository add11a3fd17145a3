"""Random lives of a site: nobody gives above their level, one primary contact, a review a month."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from approvals import rules
from approvals.commands import Command
from approvals.contacts.commands import (
    ConfirmReview,
    ContactForm,
    MoveReview,
    SaveContacts,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.months import following
from approvals.contacts.record import Contacts, process_id_of
from approvals.errors import ApprovalError
from approvals.people import Person, Role
from approvals.site_access.commands import (
    ChangePrivileges,
    Deny,
    Grant,
    Remove,
    Withdraw,
)
from approvals.site_access.privileges import (
    FOR_CONTACTS,
    HIGHEST,
    LEAST,
    LEVELS,
    Area,
    Level,
    Privileges,
    covers,
    levels_of,
)
from approvals.transition import Membership
from tests.factories import BECKY, DAY, HOUR, START
from tests.sites import HUCK, JOE, MUFF, PEOPLE, SID, SITE, SiteLife, make_add

CONTACTS = process_id_of(SITE.id)
ANYBODY = st.sampled_from(PEOPLE)
USERS = st.sampled_from((SID, MUFF, HUCK, JOE)) | ANYBODY
DECIDERS = st.sampled_from((BECKY, HUCK)) | st.sampled_from((HUCK, HUCK)) | ANYBODY
PRIMARIES = st.sampled_from((BECKY, SID, HUCK)) | ANYBODY
SECONDARIES = st.lists(st.sampled_from((HUCK, JOE, SID, MUFF)), max_size=2, unique=True)
GIVEN = st.fixed_dictionaries(
    {area: st.sampled_from(allowed) for area, allowed in LEVELS.items()}
).filter(lambda one: one != dict(LEAST))
STEPS = st.sampled_from((HOUR, DAY, 8 * DAY, 15 * DAY, 31 * DAY, 100 * DAY))


class LifeOfASite(RuleBasedStateMachine):
    """One site with all its people, led by the rules, beside a plain model of its reviews."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.life = SiteLife()
        self.months: list[str] = []  # every month that was asked for, in order
        self.was_off = False
        self.memberships_before: tuple[Membership, ...] = ()

    @initialize(managing=st.sampled_from((True, True, False)), saved=st.booleans(), given=GIVEN)
    def begin(self, managing: bool, saved: bool, given: dict[Area, Level]) -> None:
        if managing:
            more = {**given, Area.MANAGE_ACCESS: Level.UPDATE, Area.CONTACT_UPDATES: Level.UPDATE}
            self.on_access(make_add(HUCK, privileges=more), BECKY, HUCK)
        if saved:
            self.save(BECKY, BECKY, (HUCK, JOE))

    @rule(person=USERS)
    def ask(self, person: Person) -> None:
        try:
            self.life.asks(person, self.now)
        except ApprovalError:
            return
        assert self.life.status(person) == "asked"

    @rule(by=DECIDERS, person=USERS, given=GIVEN)
    def grant(self, by: Person, person: Person, given: dict[Area, Level]) -> None:
        self.gives(Grant(privileges=given), by, person, given)

    @rule(by=DECIDERS, person=USERS, given=GIVEN)
    def add(self, by: Person, person: Person, given: dict[Area, Level]) -> None:
        self.gives(make_add(person, privileges=given), by, person, given)

    @rule(by=DECIDERS, person=USERS, given=GIVEN)
    def change(self, by: Person, person: Person, given: dict[Area, Level]) -> None:
        self.gives(ChangePrivileges(privileges=given), by, person, given)

    @rule(by=DECIDERS, person=USERS, act=st.sampled_from((Deny(reason="No."), Remove())))
    def refuse(self, by: Person, person: Person, act: Command) -> None:
        if self.on_access(act, by, person):
            assert by.id != person.id

    @rule(by=USERS, person=USERS)
    def withdraw(self, by: Person, person: Person) -> None:
        if self.on_access(Withdraw(), by, person):
            assert by is person

    @rule(by=DECIDERS, primary=PRIMARIES, others=SECONDARIES | st.lists(ANYBODY, max_size=3))
    def save(self, by: Person, primary: Person, others: list[Person] | tuple[Person, ...]) -> None:
        command = SaveContacts(
            site=SITE.slug,
            primary=ContactForm(person=primary.email),
            secondaries=tuple(ContactForm(person=one.email) for one in others),
        )
        before = self.life.directory
        if self.on_contacts(command, by):
            own = levels_of(by.id, SITE.id, before, self.memberships_before)
            assert own is not None
            assert covers(own[Area.CONTACT_UPDATES], "update")
            was_primary = before.holds(primary.id, Role.PRIMARY_CONTACT, SITE.id)
            assert was_primary or by is not primary
            if not was_primary and before.holders(Role.PRIMARY_CONTACT, SITE.id):
                assert all(covers(own[area], level) for area, level in HIGHEST.items())

    @rule(by=st.sampled_from((BECKY, HUCK, JOE)))
    def confirm(self, by: Person) -> None:
        self.on_contacts(ConfirmReview(), by)

    @rule(by=st.sampled_from((BECKY, HUCK)), ahead=st.integers(0, 75), hour=st.integers(0, 23))
    def move(self, by: Person, ahead: int, hour: int) -> None:
        self.on_contacts(MoveReview(to=self.now + ahead * DAY + hour * HOUR), by)

    @rule(by=st.sampled_from((BECKY, HUCK)), on=st.booleans())
    def switch(self, by: Person, on: bool) -> None:
        command = SwitchReviewOn(site=SITE.slug) if on else SwitchReviewOff()
        if self.on_contacts(command, by):
            self.was_off = self.was_off or not on

    @rule(step=STEPS, is_clock_awake=st.booleans())
    def time_passes(self, step: timedelta, is_clock_awake: bool) -> None:
        end = self.now + step
        while is_clock_awake and (due := self.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.tick_all()
        self.now = end

    @rule()
    def tick_all(self) -> None:
        """Let the clock ask every process once; a second time there is nothing left to do."""
        for process in list(self.life.states):
            step = self.life.ticks(process, self.now)
            if step is not None and process == CONTACTS:
                mails = [one for one in step.notices if one.kind == "review_due"]
                assert len(mails) == 1
                assert step.reason is not None
                self.months += step.reason.split(", ")
            assert self.life.ticks(process, self.now) is None

    @invariant()
    def there_is_exactly_one_primary_contact(self) -> None:
        primary = self.life.directory.holders(Role.PRIMARY_CONTACT, SITE.id)
        assert len(primary) == 1
        if CONTACTS in self.life.states:
            assert primary == (self.life.contacts.primary.person,)
            seconds = self.life.directory.holders(Role.SECONDARY_CONTACT, SITE.id)
            assert set(seconds) == {one.person for one in self.life.contacts.secondaries}
            assert primary[0] not in seconds

    @invariant()
    def no_month_is_doubled_and_none_skipped_while_reviews_are_on(self) -> None:
        assert len(self.months) == len(set(self.months))
        assert self.months == sorted(self.months)
        if not self.was_off:
            pairs = zip(self.months, self.months[1:], strict=False)
            assert all(following(one) == other for one, other in pairs)
        if self.months and CONTACTS in self.life.states:
            assert self.life.contacts.next_month > self.months[-1]

    @invariant()
    def what_is_for_contacts_counts_for_contacts_alone(self) -> None:
        directory = self.life.directory
        for person in PEOPLE:
            held = levels_of(person.id, SITE.id, directory, self.memberships)
            is_contact = any(
                directory.holds(person.id, one, SITE.id)
                for one in (Role.PRIMARY_CONTACT, Role.SECONDARY_CONTACT)
            )
            if held is not None and not is_contact:
                assert all(held[area] is Level.NONE for area in FOR_CONTACTS)

    @invariant()
    def members_and_open_memberships_are_the_same(self) -> None:
        members = {person.id for person in PEOPLE if self.life.status(person) == "member"}
        assert {one.person for one in self.memberships} == members

    @invariant()
    def every_row_holds_the_whole_state(self) -> None:
        for state in self.life.states.values():
            assert rules.restored(state.kind, state.model_dump_json()) == state

    @property
    def memberships(self) -> tuple[Membership, ...]:
        """All open memberships."""
        return tuple(one for each in self.life.memberships.values() for one in each)

    def next_due(self) -> datetime | None:
        """Return when the clock is wanted next."""
        found = [one.due for one in self.life.states.values() if one.due is not None]
        return min(found, default=None)

    def gives(self, command: Command, by: Person, person: Person, given: Privileges) -> None:
        """Try to give privileges; nobody may give above their own level, nor to themselves."""
        directory = self.life.directory
        own = levels_of(by.id, SITE.id, directory, self.memberships)
        is_change = isinstance(command, ChangePrivileges)
        state = self.life.access(person) if self.life.status(person) else None
        before: dict[str, str] = dict(state.privileges) if state and is_change else {}
        if not self.on_access(command, by, person):
            return
        assert by is not person
        assert own is not None
        assert covers(own[Area.MANAGE_ACCESS], "update")
        for area, level in given.items():
            assert covers(own[area], level) or before.get(area) == level

    def on_access(self, command: Command, by: Person, about: Person) -> bool:
        """Give a command about somebody's access; False when it was refused."""
        before = dict(self.life.states)
        try:
            self.life.says(command, by, about, self.now)
        except ApprovalError:
            assert self.life.states == before
            return False
        return True

    def on_contacts(self, command: Command, by: Person) -> bool:
        """Give a command about the contacts; False when it was refused."""
        before, self.memberships_before = self.life.states.get(CONTACTS), self.memberships
        try:
            self.life.on_contacts(command, by, self.now)
        except ApprovalError:
            assert self.life.states.get(CONTACTS) is before
            return False
        return isinstance(self.life.contacts, Contacts)


TestLifeOfASite = LifeOfASite.TestCase
TestLifeOfASite.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
