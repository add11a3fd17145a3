"""What an active pairing allows: passes, sessions, clones, asks for roles, consents, changes."""

from datetime import timedelta
from uuid import UUID

import pytest

from approvals.commands import Command
from approvals.errors import (
    ApprovalError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    RateLimitedError,
    StaleError,
    SubmissionError,
)
from approvals.pairing.commands import (
    AddClone,
    AskConsent,
    AskRoles,
    AssignRoles,
    BeginSession,
    DeclineRoles,
    DefineRole,
    EndSession,
    GiveConsent,
    RecordChange,
    RecordRevert,
    RefuseConsent,
    RemoveClone,
    RemoveRoles,
    Resume,
    Revoke,
    Suspend,
)
from approvals.pairing.errors import RoleNotRequestableError, RoleUnknownError
from approvals.people import Person, Role
from approvals.permissions import ROLES
from approvals.sessions import Mode
from tests.factories import (
    BECKY,
    CAROLINE,
    DAY,
    FENCE_PAINTING,
    HOUR,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    changed,
    role,
    with_roles,
)
from tests.pairings import (
    ASSIGN,
    CARE,
    CHARLES,
    FITZWILLIAM,
    GEORGIANA,
    LOUISA,
    PAIRED_DIRECTORY,
    WRONG,
    PairingLife,
    ask_id,
    make_pairing_life,
    pass_of,
)

LATER = START + DAY
BEGIN = BeginSession(mode=Mode.SUPPORT)
AS_CLONE = BeginSession(mode=Mode.SUPPORT, as_clone=True)
ASK = AskRoles(roles=("admin",), reason="We must listen to the calls.")
REVOKE = Revoke(reason="Enough.")
SUPPORT = tuple(sorted(ROLES["support"]))


@pytest.fixture
def life() -> PairingLife:
    """An active pairing whose group has the role support."""
    return make_pairing_life()


def refused(life: PairingLife, command: Command, by: Person, why: type[ApprovalError]) -> str:
    """Give a command that must be refused without a trace in the state; return the sentence."""
    before = life.state
    with pytest.raises(why) as refusal:
        life.says(command, by, LATER)
    assert life.state is before
    return str(refusal.value)


def passes(life: PairingLife) -> dict[UUID, tuple[str, ...]]:
    """Return the permissions of each pass by its id."""
    assert life.last.passes is not None
    return {one.id: one.permissions for one in life.last.passes}


def test_a_pass_is_the_union_of_its_holders_roles(life: PairingLife) -> None:
    life.says(DefineRole(name="ears", permissions=("recordings.play",)), TOM, LATER)
    life.says(AssignRoles(roles=("ears",), person=GEORGIANA.id), TOM, LATER)

    assert passes(life) == {
        pass_of(CARE.id): SUPPORT,
        pass_of(GEORGIANA.id): ("recordings.play",),
    }
    assert {one.person for one in life.last.passes or ()} == {None, GEORGIANA.id}
    assert "recordings.play" in life.pairing.allowed(GEORGIANA.id)
    assert "recordings.play" not in life.pairing.allowed(CHARLES.id)


def test_there_is_no_pass_unless_it_is_active(life: PairingLife) -> None:
    for command, by in ((Suspend(), TOM), (Resume(), TOM), (RemoveRoles(roles=("support",)), TOM)):
        life.says(command, by, LATER)
        assert bool(passes(life)) == (life.pairing.status == "active")
    life.says(ASSIGN, TOM, LATER)
    life.says(REVOKE, TOM, LATER)

    assert passes(life) == {}


def test_roles_go_to_the_group_and_to_its_own_people_only(life: PairingLife) -> None:
    for person in (FITZWILLIAM, TOM, CAROLINE):
        asked = AssignRoles(roles=("admin",), person=person.id)

        assert "not of the paired group" in refused(life, asked, TOM, SubmissionError)


@pytest.mark.parametrize("name", ["tenant_admin", "trust_admin", "operator", "support_agent"])
def test_no_pairing_gives_a_role_of_gatehouses_own(life: PairingLife, name: str) -> None:
    given = refused(life, AssignRoles(roles=(name,)), TOM, RoleNotRequestableError)
    asked = AskRoles(roles=(name,), reason="Please.")
    wanted = refused(life, asked, CHARLES, RoleNotRequestableError)

    assert given == wanted == f"'{name}' is a role of people here; no pairing gives it."


def test_an_unknown_role_is_answered_with_those_there_are(life: PairingLife) -> None:
    life.says(DefineRole(name="ears", permissions=("recordings.play",)), TOM, LATER)

    said = refused(life, AssignRoles(roles=("Support",)), TOM, RoleUnknownError)

    assert said == (
        "'Support' is not a role that can be used here."
        " Choose one of: viewer, support, configurator, admin, ears."
    )


def test_roles_that_were_asked_for_are_assigned(life: PairingLife) -> None:
    life.says(ASK, CHARLES, LATER)
    assert life.mail == ["pairing_roles_asked"]
    life.says(AssignRoles(roles=("admin",)), TOM, LATER)

    assert life.pairing.asks == ()
    assert life.pairing.roles_of(None) == ("support", "admin")
    refused(life, ASK, CHARLES, SubmissionError)


def test_roles_that_were_asked_for_are_declined_with_a_reason(life: PairingLife) -> None:
    life.says(ASK, CHARLES, LATER)
    ask = ask_id(life)
    refused(life, ASK, LOUISA, SubmissionError)
    refused(life, DeclineRoles(ask=ask, reason="No."), CHARLES, NotAuthorisedError)

    step = life.says(DeclineRoles(ask=ask, reason="Nobody listens."), BECKY, LATER)

    assert (life.mail, step.reason) == (["pairing_roles_declined"], "Nobody listens.")
    assert (life.pairing.asks, life.pairing.status) == ((), "active")
    refused(life, DeclineRoles(ask=ask, reason="No."), TOM, NotFoundError)


def test_an_ask_for_one_person_is_met_by_the_groups_roles_too(life: PairingLife) -> None:
    life.says(ASK.model_copy(update={"person": GEORGIANA.id}), CHARLES, LATER)

    life.says(AssignRoles(roles=("admin",)), TOM, LATER)

    assert life.pairing.asks == ()


def test_at_most_twenty_asks_wait(life: PairingLife) -> None:
    for number in range(20):
        name = f"role-{number}"
        life.says(DefineRole(name=name, permissions=("logs.view",)), TOM, LATER)
        life.says(AskRoles(roles=(name,), reason="Please."), CHARLES, LATER)

    assert refused(life, ASK, CHARLES, RateLimitedError) == "The limit is 20 unanswered asks."


def test_a_session_lasts_while_its_mode_is_allowed(life: PairingLife) -> None:
    life.says(BEGIN, GEORGIANA, LATER)
    life.says(BeginSession(mode=Mode.CONFIGURE), CHARLES, LATER)
    life.says(BEGIN, GEORGIANA, LATER)
    opened = len(life.last.sessions)

    life.says(DefineRole(name="desk", permissions=("configuration.view",)), TOM, LATER)
    life.says(RemoveRoles(roles=("support",)), TOM, LATER)

    assert (opened, len(life.last.sessions), len(life.pairing.sessions)) == (2, 0, 0)


@pytest.mark.parametrize("end", [Suspend(), REVOKE, RemoveRoles(roles=("support",))])
def test_what_shuts_the_pairing_ends_its_sessions(life: PairingLife, end: Command) -> None:
    life.says(BEGIN, GEORGIANA, LATER)

    life.says(end, TOM, LATER)

    assert life.last.sessions == ()
    refused(life, BEGIN, GEORGIANA, ApprovalError)


def test_a_session_needs_the_permission_of_its_mode() -> None:
    life = make_pairing_life("paired")
    life.state = life.pairing.model_copy(update={"minimum": ("configuration.view",)})
    life.says(DefineRole(name="desk", permissions=("configuration.view",)), TOM, LATER)
    life.says(AssignRoles(roles=("desk",)), TOM, LATER)

    said = refused(life, BEGIN, CHARLES, NotAuthorisedError)

    assert "the permission employees.view" in said
    assert life.says(BeginSession(mode=Mode.CONFIGURE), CHARLES, LATER).sessions


def test_only_people_of_the_group_get_in(life: PairingLife) -> None:
    for person in (FITZWILLIAM, TOM):
        assert "a person of the paired group" in refused(life, BEGIN, person, NotAuthorisedError)
    assert "nothing here" in refused(life, BEGIN, CAROLINE, NotFoundError)
    life.directory = changed(PAIRED_DIRECTORY, TOM_SAWYER, is_locked=True)
    assert "is locked at the moment" in refused(life, BEGIN, CHARLES, SubmissionError)
    life.directory = PAIRED_DIRECTORY.model_copy(update={"serves": ()})
    assert "does not serve" in refused(life, BEGIN, CHARLES, SubmissionError)


def test_nobody_ends_the_session_of_another(life: PairingLife) -> None:
    session = UUID(life.says(BEGIN, GEORGIANA, LATER).receipt)

    refused(life, EndSession(session=session), CHARLES, NotFoundError)
    life.says(EndSession(session=session), GEORGIANA, LATER)

    assert life.last.sessions == ()


def test_an_agent_adds_themselves_and_the_customer_is_told(life: PairingLife) -> None:
    refused(life, AS_CLONE, CHARLES, NotAllowedNowError)
    clone = UUID(life.says(AddClone(), CHARLES, LATER).receipt)
    assert life.mail == ["clone_added"]
    assert [(one.id, one.person, one.tenant) for one in life.last.clones or ()] == [
        (clone, CHARLES.id, TOM_SAWYER.id)
    ]

    life.says(AS_CLONE, CHARLES, LATER)

    assert [(one.person, one.clone) for one in life.pairing.sessions] == [(CHARLES.id, clone)]
    refused(life, AddClone(), CHARLES, NotAllowedNowError)
    refused(life, AddClone(), GEORGIANA, NotAuthorisedError)
    refused(life, AddClone(), FITZWILLIAM, NotAuthorisedError)


@pytest.mark.parametrize("by", [CHARLES, TOM])
def test_a_clone_is_removed_by_its_agent_or_the_customer(life: PairingLife, by: Person) -> None:
    clone = UUID(life.says(AddClone(), CHARLES, LATER).receipt)
    life.says(AS_CLONE, CHARLES, LATER)
    refused(life, RemoveClone(clone=clone), LOUISA, NotAuthorisedError)

    life.says(RemoveClone(clone=clone), by, LATER)

    assert (life.last.clones, life.last.sessions) == ((), ())
    assert sorted(life.mail) == ["clone_removed", "clone_removed"]
    refused(life, RemoveClone(clone=clone), TOM, NotFoundError)


def test_a_clone_stays_while_it_is_suspended_and_goes_with_the_pairing(life: PairingLife) -> None:
    life.says(AddClone(), CHARLES, LATER)
    life.says(Suspend(), TOM, LATER)
    assert len(life.last.clones or ()) == 1

    life.says(REVOKE, TOM, LATER)

    assert life.last.clones == ()


def test_a_consent_stands_in_the_passes_until_its_change_is_recorded(life: PairingLife) -> None:
    consent = UUID(life.says(AskConsent(what="Restart the queue."), CHARLES, LATER).receipt)
    assert {one.consents for one in life.last.passes or ()} == {()}
    life.says(GiveConsent(consent=consent), TOM, LATER)
    assert {one.consents for one in life.last.passes or ()} == {(str(consent),)}

    life.says(RecordChange(what="Restarted it.", consent=consent), CHARLES, LATER)

    assert {one.consents for one in life.last.passes or ()} == {()}
    assert (life.mail, life.pairing.changes[-1].is_breach) == (["change_recorded"], False)
    life.says(RecordChange(what="Restarted it again.", consent=consent), CHARLES, LATER)
    assert life.pairing.changes[-1].is_breach


def test_a_disruptive_change_without_consent_is_recorded_and_told_to_both_sides(
    life: PairingLife,
) -> None:
    step = life.says(RecordChange(what="Restarted it.", is_disruptive=True), CHARLES, LATER)

    assert (step.event, life.mail) == ("change_breach", ["change_breach", "change_breach"])
    to_customer, to_vendor = step.notices
    assert to_customer.holders == ((Role.TRUST_ADMIN, FENCE_PAINTING.id),)
    assert to_vendor.holders == ((Role.SUPPORT_AGENT, NETHERFIELD.id),)


def test_a_refused_consent_does_not_cover_its_change(life: PairingLife) -> None:
    consent = UUID(life.says(AskConsent(what="Restart it."), CHARLES, LATER).receipt)
    life.says(GiveConsent(consent=consent), TOM, LATER)
    refused(life, GiveConsent(consent=consent), TOM, NotAllowedNowError)

    life.says(RefuseConsent(consent=consent, reason="Not on a Friday."), BECKY, LATER)

    assert (life.mail, life.last.reason) == (["consent_refused"], "Not on a Friday.")
    assert {one.consents for one in life.last.passes or ()} == {()}
    refused(life, GiveConsent(consent=consent), TOM, NotAllowedNowError)
    life.says(RecordChange(what="Restarted it.", consent=consent), CHARLES, LATER)
    assert life.pairing.changes[-1].is_breach


def test_who_asks_does_not_consent() -> None:
    tempted = with_roles(PAIRED_DIRECTORY, role(CHARLES, Role.TRUST_ADMIN, FENCE_PAINTING.id))
    life = make_pairing_life("active", tempted)
    consent = UUID(life.says(AskConsent(what="Restart it."), LOUISA, LATER).receipt)

    give, ask = GiveConsent(consent=consent), AskConsent(what="Restart it.")
    stale = GiveConsent(consent=consent, shown=WRONG)

    assert "you sent it" in refused(life, give, CHARLES, OwnRequestError)
    assert "consent.decide" in refused(life, give, LOUISA, NotAuthorisedError)
    assert "changed after you looked" in refused(life, stale, TOM, StaleError)
    assert "support_agent" in refused(life, ask, TOM, NotAuthorisedError)


def test_a_revert_is_told_and_counts_once(life: PairingLife) -> None:
    change = UUID(life.says(RecordChange(what="A test queue."), CHARLES, LATER).receipt)
    life.says(RecordRevert(change=change, note="All is as before."), LOUISA, LATER)

    assert life.mail == ["change_reverted"]
    assert life.pairing.changes[0].reverted_by == LOUISA.id
    refused(life, RecordRevert(change=change), CHARLES, NotAllowedNowError)
    refused(life, RecordRevert(change=UUID(int=1)), CHARLES, NotFoundError)


@pytest.mark.parametrize("status", ["paired", "suspended"])
def test_a_change_is_recorded_whenever_it_is_owned_up_to(status: str) -> None:
    life = make_pairing_life("active")
    life.says(Suspend() if status == "suspended" else RemoveRoles(roles=("support",)), TOM, LATER)
    assert life.pairing.status == status

    life.says(RecordChange(what="A test queue."), CHARLES, LATER)

    assert life.mail == ["change_recorded"]
    refused(life, AskConsent(what="Restart it."), CHARLES, NotAllowedNowError)
    refused(life, AddClone(), CHARLES, NotAllowedNowError)


def test_the_row_keeps_the_newest_changes_and_every_open_consent(life: PairingLife) -> None:
    for number in range(250):
        consent = UUID(life.says(AskConsent(what=f"{number}"), CHARLES, LATER).receipt)
        if number:
            life.says(RefuseConsent(consent=consent, reason="No."), TOM, LATER)
    for number in range(502):
        life.says(RecordChange(what=f"{number}"), CHARLES, LATER)

    assert [life.pairing.changes[0].what, len(life.pairing.changes)] == ["2", 500]
    assert life.pairing.consents[0].answer == "asked"
    assert len(life.pairing.consents) <= 202


def test_times_are_those_of_the_judgement(life: PairingLife) -> None:
    life.says(RecordChange(what="A queue."), CHARLES, LATER + timedelta(seconds=7))

    assert life.pairing.changes[-1].recorded_at == LATER + timedelta(seconds=7)


def test_definitions_and_sessions_are_nobodys_mail(life: PairingLife) -> None:
    for command, by in (
        (DefineRole(name="ears", permissions=("recordings.play",)), TOM),
        (BEGIN, CHARLES),
    ):
        assert life.says(command, by, LATER + HOUR).notices == ()
