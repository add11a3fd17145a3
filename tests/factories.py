"""Builders for tests: the people of the example directory, their requests and signed commands."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_DNS, UUID, uuid5

from approvals import commands, rules
from approvals.commands import Command, Signed, Tick
from approvals.errors import ApprovalError
from approvals.facts import Counts, Facts
from approvals.people import (
    Directory,
    Organization,
    OrganizationId,
    OrganizationKind,
    Person,
    PersonId,
    Role,
    RoleAssignment,
    Tenant,
    TenantId,
)
from approvals.policy import Policies, Policy
from approvals.tenant_access.commands import Grant, Submit
from approvals.tenant_access.record import TenantAccess, process_id_of, shown_digest
from approvals.transition import EnrolledKey, Transition

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MS = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

BATCH = UUID("6f1f3f5e-0000-4000-8000-000000000001")
NAME = "SupportAccess"
MESSAGE = "Caroline and Charlotte help you with the new fence."
PUBLIC_KEY = "A" * 43
SIGNATURE = "B" * 86
FORMS = {**rules.KINDS["tenant_access"].commands, **rules.KINDS["sign_in"].commands}


def parsed(said: bytes, *, by_signal: bool = False) -> Signed:
    """Read a message as one to a request or a sign-in."""
    return commands.parsed(said, FORMS, by_signal=by_signal)


def make_id(name: str) -> UUID:
    """Return the id that this name has in every test."""
    return uuid5(NAMESPACE_DNS, f"{name}.example")


def make_organization(slug: str, name: str, kind: OrganizationKind) -> Organization:
    """Return an active organization."""
    return Organization(id=OrganizationId(make_id(slug)), slug=slug, name=name, kind=kind)


def make_tenant(owner: Organization) -> Tenant:
    """Return a customer's tenant, which is on and bears the customer's slug and name."""
    return Tenant(
        id=TenantId(make_id(f"tenant.{owner.slug}")),
        slug=owner.slug,
        name=owner.name,
        organization=owner.id,
    )


NAMES = set[str]()  # of everybody whom tests made


def make_person(name: str, organization: Organization) -> Person:
    """Return an active person whose address is made of name and organization."""
    email = f"{name.lower().replace(' ', '.')}@{organization.slug}.example"
    NAMES.add(name)
    return Person(id=PersonId(make_id(email)), email=email, name=name, organization=organization.id)


CLASSICS = make_organization("classics", "Classics, Inc.", OrganizationKind.PARTNER)
MERYTON = make_organization("meryton", "Meryton Ltd.", OrganizationKind.PARTNER)
NETHERFIELD = make_organization("netherfield", "Netherfield Systems", OrganizationKind.VENDOR)
FENCE_PAINTING = make_organization(
    "tom-sawyer", "Tom Sawyer Fence Painting Co.", OrganizationKind.CUSTOMER
)
ART_GALLERY = make_organization(
    "hundred-acre", "Hundred Acre Wood Art Gallery", OrganizationKind.CUSTOMER
)

TOM_SAWYER = make_tenant(FENCE_PAINTING)
HUNDRED_ACRE = make_tenant(ART_GALLERY)
PROCESS = process_id_of(BATCH, TOM_SAWYER.slug)

ELIZABETH = make_person("Elizabeth Bennet", CLASSICS)  # TM admin
JANE = make_person("Jane Bennet", CLASSICS)  # TM admin too
CAROLINE = make_person("Caroline Bingley", CLASSICS)
CHARLOTTE = make_person("Charlotte Lucas", CLASSICS)
LYDIA = make_person("Lydia Bennet", CLASSICS)  # no role, never named
WICKHAM = make_person("George Wickham", MERYTON)  # TM admin of a partner that serves nobody
TOM = make_person("Tom Sawyer", FENCE_PAINTING)  # admin
BECKY = make_person("Becky Thatcher", FENCE_PAINTING)  # admin too
CHRISTOPHER = make_person("Christopher Robin", ART_GALLERY)  # admin
MARY = make_person("Mary Bennet", NETHERFIELD)  # operator
EVERYBODY = (
    ELIZABETH, JANE, CAROLINE, CHARLOTTE, LYDIA, WICKHAM, TOM, BECKY, CHRISTOPHER, MARY,
)  # fmt: skip


def role(person: Person, held: Role, scope: UUID | None) -> RoleAssignment:
    """Return one role of one person."""
    return RoleAssignment(person=person.id, role=held, scope=scope)


DIRECTORY = Directory(
    organizations=(CLASSICS, MERYTON, NETHERFIELD, FENCE_PAINTING, ART_GALLERY),
    tenants=(TOM_SAWYER, HUNDRED_ACRE),
    people=EVERYBODY,
    roles=(
        role(ELIZABETH, Role.TM_ADMIN, CLASSICS.id),
        role(JANE, Role.TM_ADMIN, CLASSICS.id),
        role(WICKHAM, Role.TM_ADMIN, MERYTON.id),
        role(TOM, Role.TENANT_ADMIN, TOM_SAWYER.id),
        role(BECKY, Role.TENANT_ADMIN, TOM_SAWYER.id),
        role(CHRISTOPHER, Role.TENANT_ADMIN, HUNDRED_ACRE.id),
        role(MARY, Role.OPERATOR, None),
    ),
    serves=((CLASSICS.id, FENCE_PAINTING.id), (CLASSICS.id, ART_GALLERY.id)),
)


def with_roles(directory: Directory, *more: RoleAssignment) -> Directory:
    """Return the directory with further roles."""
    return directory.model_copy(update={"roles": (*directory.roles, *more)})


def without_roles(directory: Directory, *people: Person) -> Directory:
    """Return the directory after these people lost all their roles."""
    gone = {one.id for one in people}
    kept = tuple(one for one in directory.roles if one.person not in gone)
    return directory.model_copy(update={"roles": kept})


def changed(
    directory: Directory, one: Person | Tenant | Organization, **changes: object
) -> Directory:
    """Return the directory with other facts about one person, tenant or organization."""
    field = {Person: "people", Tenant: "tenants", Organization: "organizations"}[type(one)]
    listed = getattr(directory, field)
    after = tuple(each.model_copy(update=changes) if each.id == one.id else each for each in listed)
    return directory.model_copy(update={field: after})


def make_submit(tenant: Tenant = TOM_SAWYER, **fields: Any) -> Submit:
    """Return Elizabeth's submission of the seed's example for one tenant."""
    people = (CHARLOTTE.id,) if tenant == HUNDRED_ACRE else (CAROLINE.id, CHARLOTTE.id)
    said = {
        "batch": BATCH,
        "name": NAME,
        "message": MESSAGE,
        "tenant": tenant.slug,
        "people": people,
    }
    return Submit(**{**said, **fields})


def make_request(tenant: Tenant = TOM_SAWYER, **changes: Any) -> TenantAccess:
    """Return the state of the pending request of the seed's example, sent at START."""
    submit = make_submit(tenant)
    policy = changes.get("policy", Policy())
    state = TenantAccess(
        process_id=process_id_of(BATCH, tenant.slug),
        batch=BATCH,
        name=submit.name,
        message=submit.message,
        organization=CLASSICS.id,
        tenant=tenant.id,
        requester=ELIZABETH.id,
        people=submit.people,
        policy=policy,
        submitted_at=START,
        due_at=START + policy.decision_window,
        clock_from=START,
    )
    return state.model_copy(update=changes)


def make_key(person: Person, at: datetime = START, **changes: Any) -> EnrolledKey:
    """Return a key that the person enrolled an hour before *at*."""
    key = EnrolledKey(
        id=make_id(f"key.{person.email}"),
        person=person.id,
        public_key=PUBLIC_KEY,
        channel="cli",
        client="laptop",
        enrolled_at=at - HOUR,
        expires_at=at + 11 * HOUR,
    )
    return key.model_copy(update=changes)


def make_signed(
    command: Command,
    actor: Person | None = ELIZABETH,
    at: datetime = START,
    process: UUID = PROCESS,
    **changes: Any,
) -> Signed:
    """Return the command as the door holds it once the signature is known to be good."""
    signed = Signed(
        process=process,
        command=command,
        actor=actor.id if actor else None,
        issued_at=at,
        key=make_id(f"key.{actor.email}") if actor else process,
        nonce="C" * 22,
        signature=SIGNATURE,
        body=b"{}",
        digest="0" * 64,
    )
    return signed.model_copy(update=changes)


class Step(NamedTuple):
    """One row of a scenario: who does what, how long after START, and what becomes of it."""

    act: Command | Tick
    by: Person | None
    after: timedelta
    then: str | type[ApprovalError]


class Life:
    """One request under the rules, as the door would lead it: judged, ticked and remembered."""

    def __init__(self, directory: Directory = DIRECTORY, policy: Policy | None = None) -> None:
        self.directory = directory
        self.policies = Policies(default=policy or Policy())
        self.state: TenantAccess | None = None
        self.transitions: list[tuple[datetime, Transition]] = []

    @property
    def request(self) -> TenantAccess:
        """The state as it stands."""
        assert self.state is not None
        return self.state

    @property
    def last(self) -> Transition:
        """The latest transition."""
        return self.transitions[-1][1]

    @property
    def mail(self) -> list[tuple[datetime, str]]:
        """When which kind of notice was caused, in order."""
        return [(at, one.kind) for at, step in self.transitions for one in step.notices]

    def says(
        self, command: Command, by: Person, at: datetime, counts: Counts | None = None
    ) -> Transition:
        """Judge one signed command; a decision that says nothing else has seen what stands."""
        if command.needs_shown and command.shown is None and self.state is not None:
            command = command.model_copy(update={"shown": shown_digest(self.state)})
        tenant = command.tenant if isinstance(command, Submit) else TOM_SAWYER.slug
        process = self.state.process_id if self.state else process_id_of(BATCH, tenant)
        facts = Facts(
            directory=self.directory,
            policies=self.policies,
            counts=counts or Counts(),
            key=make_key(by, at),
        )
        signed = make_signed(command, by, at, process)
        return self._follow(rules.judge(self.state, signed, facts, at), at)

    def ticks(self, at: datetime) -> Transition | None:
        """Let the clock ask once."""
        transition = rules.ticked(self.request, at)
        return None if transition is None else self._follow(transition, at)

    def waits(self, until: datetime) -> None:
        """Let the clock ask at each due instant up to and including *until*."""
        while (due := self.request.due) is not None and due <= until:
            self.ticks(due)
            assert self.request.due is None or self.request.due > due, "the clock stands still"

    def takes(self, step: Step) -> None:
        """Do one row of a scenario."""
        at = START + step.after
        if isinstance(step.act, Tick):
            self.ticks(at)
        else:
            assert step.by is not None
            self.says(step.act, step.by, at)

    def _follow(self, transition: Transition, at: datetime) -> Transition:
        assert isinstance(transition.after, TenantAccess)
        self.state = transition.after
        self.transitions.append((at, transition))
        return transition


def make_life(
    directory: Directory = DIRECTORY, policy: Policy | None = None, tenant: Tenant = TOM_SAWYER
) -> Life:
    """Return a life that Elizabeth began at START with the seed's request."""
    life = Life(directory, policy)
    life.says(make_submit(tenant), ELIZABETH, START)
    return life


def make_granted_life(
    end: datetime | None = None, policy: Policy | None = None, directory: Directory = DIRECTORY
) -> Life:
    """Return a life whose request Tom granted an hour after START: 30 days, or until *end*."""
    life = make_life(directory, policy)
    life.says(Grant(ends_at=end or START + 30 * DAY), TOM, START + HOUR)
    return life
