"""Builders for onboardings: the Admiral Benbow, its people, and one life under the rules."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from activities.onboarding import OnboardingActivities
from approvals import rules
from approvals.commands import Command
from approvals.facts import Facts, Kin
from approvals.onboarding import steps
from approvals.onboarding.commands import Abandon, NamedAdmin, NamedUser, PbxDetails, Start
from approvals.onboarding.entry import with_entry
from approvals.onboarding.record import Onboarding, process_id_of
from approvals.people import Directory, Person, Role
from approvals.platform import PlatformAway, PlatformRefused, PlatformRole
from approvals.policy import OnboardingLimits, Policies
from approvals.transition import Transition
from tests.factories import (
    BATCH,
    CLASSICS,
    DIRECTORY,
    JANE,
    NETHERFIELD,
    START,
    make_key,
    make_person,
    make_signed,
    role,
)
from tests.fakes import InMemoryLedger
from tests.installation import NoMailQueue
from tests.platform_in_memory import InMemoryPlatform

T = TypeVar("T")
SLUG = "admiral-benbow"
PROCESS = process_id_of(BATCH, SLUG)
JIM, LIVESEY = "jim.hawkins@admiral-benbow.example.com", "doctor.livesey@admiral-benbow.example.com"
SMOLLETT, PEW = "captain.smollett@admiral-benbow.example.com", "blind.pew@example.com"
AGENT, SUPERVISOR = PlatformRole.AGENT, PlatformRole.SUPERVISOR_1
CHARLES = make_person("Charles Bingley", NETHERFIELD)  # onboarding operator
LOUISA = make_person("Louisa Hurst", NETHERFIELD)  # onboarding operator too
ARTHUR = make_person("Arthur Hurst", NETHERFIELD)  # of the vendor, without a role
OPERATORS = (CHARLES, LOUISA, ARTHUR)
VENDORS = Directory(
    **{
        **dict(DIRECTORY),
        "people": (*DIRECTORY.people, *OPERATORS),
        "roles": (
            *DIRECTORY.roles,
            role(CHARLES, Role.ONBOARDING_OPERATOR, NETHERFIELD.id),
            role(LOUISA, Role.ONBOARDING_OPERATOR, NETHERFIELD.id),
            role(JANE, Role.PARTNER_ADMIN, CLASSICS.id),
        ),
    }
)
FORM: dict[str, Any] = {
    "batch": BATCH,
    "customer": SLUG,
    "name": "Admiral Benbow",
    "description": "An inn by the sea.",
    "reference": "C-1881",
    "time_zone": "Europe/London",
    "locale": "en-GB",
    "pbx": PbxDetails(
        host="pbx.admiral-benbow.example.com", username="import", secret="env:ADMIRAL_BENBOW"
    ),
    "admins": (
        NamedAdmin(email=JIM, name="Jim Hawkins", roles=(SUPERVISOR,)),
        NamedAdmin(email=PEW, name="Blind Pew"),
    ),
    "users": (NamedUser(email=LIVESEY, name="Doctor Livesey", roles=(AGENT,)),),
    "switch_on_for": CLASSICS.slug,
}


def make_start(**fields: Any) -> Start:
    """Return Charles's form for the Admiral Benbow, or another slug: two admins, one agent."""
    secret = f"env:{str(fields.get('customer', SLUG)).upper().replace('-', '_')}"
    pbx = FORM["pbx"].model_copy(update={"secret": secret})
    return Start(**{**FORM, "pbx": pbx, **fields})


class OnboardingLife:
    """One onboarding under the rules, whose steps ask a platform in memory."""

    def __init__(
        self,
        platform: InMemoryPlatform | None = None,
        limits: OnboardingLimits | None = None,
        directory: Directory = VENDORS,
    ) -> None:
        self.platform = platform or InMemoryPlatform(imported=(JIM, LIVESEY, SMOLLETT))
        self.policies = Policies(onboarding=limits or OnboardingLimits())
        self.directory, self.now, self.kin = directory, START, Kin()
        self.state: Onboarding | None = None
        self.transitions: list[Transition] = []
        self._steps = OnboardingActivities(InMemoryLedger(directory), self.platform, NoMailQueue())

    @property
    def onboarding(self) -> Onboarding:
        """The state as it stands."""
        assert self.state is not None
        return self.state

    @property
    def last(self) -> Transition:
        """The latest transition."""
        return self.transitions[-1]

    @property
    def events(self) -> list[str]:
        """What happened, in order."""
        return [one.event for one in self.transitions]

    def says(self, command: Command, by: Person = CHARLES, process: UUID = PROCESS) -> Transition:
        """Judge one signed command."""
        facts = Facts(
            directory=self.directory,
            policies=self.policies,
            key=make_key(by, self.now),
            kin=self.kin,
        )
        signed = make_signed(command, by, self.now, process)
        return self._follow(rules.judge(self.state, signed, facts, self.now))

    def ticks(self) -> Transition | None:
        """Let the clock ask once."""
        transition = rules.ticked(self.onboarding, self.now)
        return None if transition is None else self._follow(transition)

    def waits(self, span: timedelta) -> None:
        """Let time go by; nothing else happens."""
        self.now += span

    def step(self) -> steps.Noted | None:
        """Take the step that the state demands, if it demands one."""
        task = steps.demanded(self.onboarding)
        if task is None:
            return None
        answer = self.answer(task)
        noted = steps.noted(self.onboarding, task, answer, self.directory, self.now)
        if noted.transition is not None:
            self._follow(noted.transition)
        return noted

    def answer(self, task: steps.Task) -> steps.Answer:
        """Ask the platform, as the activity does."""
        try:
            return at_once(self._steps._ask(task))
        except (PlatformAway, PlatformRefused) as trouble:
            return trouble

    def goes_on(self, most: int = 60) -> str:
        """Take steps until none is demanded or one has to wait; return the status."""
        for _ in range(most):
            noted = self.step()
            if noted is None or noted.waits is not None:
                break
        return self.onboarding.status

    def _follow(self, transition: Transition) -> Transition:
        assert isinstance(transition.after, Onboarding)
        before = 0 if self.state is None else self.state.version
        assert transition.after.version == before + 1
        self.state = transition.after
        self.directory = with_entry(self.directory, transition.directory)
        self.transitions.append(transition)
        return transition


def make_life(**fields: Any) -> OnboardingLife:
    """Return a life that Charles began at START."""
    life = OnboardingLife()
    life.says(make_start(**fields))
    return life


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never has to wait."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("It waited for something.")


def kinds_of(life: OnboardingLife) -> list[str]:
    """Return the kinds of notices that were caused, in order."""
    return [notice.kind for one in life.transitions for notice in one.notices]


def refusing(wanted: str) -> Callable[[str], PlatformRefused | None]:
    """Return a script in which the platform refuses one kind of call."""
    return lambda call: PlatformRefused("no", "It says no.") if call == wanted else None


def life_in(status: str) -> OnboardingLife:
    """Return a life that has come to that status."""
    life = make_life()
    if status == "parked":
        life.platform.before = refusing("import_state")
        life.goes_on()
    elif status == "ready":
        life.goes_on()
    elif status != "running":
        life.step()
        life.says(Abandon())
        if status == "parked while undoing":
            life.platform.before = refusing("delete_customer")
        if status != "undoing":
            life.goes_on()
    life.waits(timedelta(minutes=1))
    return life
