"""What changes around a pairing: who is served, who is of the group, who still speaks for whom."""

import pytest

from approvals import notices
from approvals.commands import Command
from approvals.errors import ApprovalError, NotFoundError, SubmissionError
from approvals.pairing.authority import may_see
from approvals.pairing.commands import (
    AddClone,
    AskConsent,
    AssignRoles,
    Decline,
    DefineRole,
    GiveConsent,
    RefuseConsent,
    Reissue,
    RemoveRoles,
    Resume,
    Revoke,
    Suspend,
    Withdraw,
)
from approvals.pairing.errors import MissingPermissionsError
from approvals.pairing.record import passes_of
from approvals.people import Directory, Person, PersonId
from approvals.permissions import MINIMUM
from tests.factories import (
    BECKY,
    CLASSICS,
    FENCE_PAINTING,
    HOUR,
    MARY,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    changed,
    without_roles,
)
from tests.pairings import (
    ACCEPT,
    ASSIGN,
    CARE,
    CHARLES,
    GEORGIANA,
    PAIRED_DIRECTORY,
    PairingLife,
    Step,
    ask_id,
    make_offer,
    make_pairing_life,
)

UNSERVED = PAIRED_DIRECTORY.model_copy(
    update={
        "serves": tuple(
            one for one in PAIRED_DIRECTORY.serves if one != (NETHERFIELD.id, FENCE_PAINTING.id)
        )
    }
)
LATER = START + 2 * HOUR


def members(*people: Person) -> Directory:
    """Return the directory with these people in the group."""
    group = CARE.model_copy(update={"members": tuple(one.id for one in people)})
    return PAIRED_DIRECTORY.model_copy(update={"groups": (group,)})


def told(life: PairingLife) -> set[PersonId | None]:
    """Return whom the latest transition tells, as the directory stands."""
    return {one.person for one in notices.addressed(life.last, life.directory)}


@pytest.mark.parametrize(
    ("status", "command", "by"),
    [
        ("offered", ACCEPT, TOM),
        ("offered", Reissue(), CHARLES),
        ("paired", ASSIGN, TOM),
        ("active", AssignRoles(roles=("admin",)), TOM),
        ("suspended", Resume(), TOM),
        ("active", AddClone(), CHARLES),
    ],
    ids=lambda one: one.kind if isinstance(one, Command) else "",
)
@pytest.mark.parametrize(
    ("directory", "refusal", "said"),
    [
        (UNSERVED, SubmissionError, "Netherfield Systems does not serve Tom Sawyer Fence"),
        (changed(PAIRED_DIRECTORY, TOM_SAWYER, is_locked=True), SubmissionError, "is locked"),
        (changed(PAIRED_DIRECTORY, TOM_SAWYER, is_on=False), NotFoundError, None),
    ],
    ids=["not served", "locked", "off"],
)
def test_nothing_opens_a_place_into_which_nobody_may_be_let(
    status: str,
    command: Command,
    by: Person,
    directory: Directory,
    refusal: type[ApprovalError],
    said: str | None,
) -> None:
    life = make_pairing_life("active" if status == "suspended" else status)
    if status == "suspended":
        life.says(Suspend(), TOM, START + HOUR)
    life.directory = directory

    with pytest.raises(refusal, match=said):
        life.takes(Step(command, by, 2 * HOUR, refusal))

    assert life.pairing.status == status


@pytest.mark.parametrize(
    ("status", "command", "by", "then"),
    [
        ("offered", Decline(reason="No."), TOM, "declined"),
        ("offered", Withdraw(), CHARLES, "withdrawn"),
        ("active", RemoveRoles(roles=("support",)), TOM, "paired"),
        ("active", Suspend(), TOM, "suspended"),
        ("active", Revoke(reason="Enough."), TOM, "revoked"),
    ],
)
def test_what_narrows_is_possible_where_the_customer_is_served_no_more(
    status: str, command: Command, by: Person, then: str
) -> None:
    life = make_pairing_life(status)
    life.directory = UNSERVED

    life.says(command, by, LATER)

    assert life.pairing.status == then


def test_a_suspended_customer_takes_roles_away() -> None:
    life = make_pairing_life()
    life.says(Suspend(), TOM, LATER)

    life.says(RemoveRoles(roles=("support",)), TOM, LATER)
    assert (life.pairing.status, life.pairing.assignments) == ("suspended", ())
    life.says(Resume(), TOM, LATER)

    assert life.pairing.status == "paired"


def test_a_suspended_customer_takes_a_consent_back_and_gives_none() -> None:
    life = make_pairing_life()
    given, waiting = (
        ask_id(_asked_for_consent(life, "Restart.")),
        ask_id(_asked_for_consent(life, "Stop.")),
    )
    life.says(GiveConsent(consent=given), TOM, LATER)
    life.says(Suspend(), TOM, LATER)

    life.says(RefuseConsent(consent=given, reason="Not now."), TOM, LATER)

    assert [one.answer for one in life.pairing.consents] == ["refused", "asked"]
    with pytest.raises(ApprovalError):
        life.says(GiveConsent(consent=waiting), TOM, LATER)
    life.says(Resume(), TOM, LATER)
    assert [one.consents for one in passes_of(life.pairing)] == [()]


def _asked_for_consent(life: PairingLife, what: str) -> PairingLife:
    life.says(AskConsent(what=what), CHARLES, LATER)
    return life


def test_roles_of_who_left_the_group_do_not_count_towards_the_minimum() -> None:
    life = make_pairing_life("paired")
    life.says(AssignRoles(roles=("support",), person=GEORGIANA.id), TOM, LATER)
    life.says(DefineRole(name="logs", permissions=("logs.view",)), TOM, LATER)
    life.directory = members(CHARLES)

    with pytest.raises(MissingPermissionsError, match="lack configuration"):
        life.says(AssignRoles(roles=("logs",)), TOM, LATER)
    life.says(Suspend(), TOM, LATER)
    life.says(Resume(), TOM, LATER)

    assert life.pairing.status == "paired"


@pytest.mark.parametrize(
    "command",
    [RemoveRoles(roles=("desk",)), DefineRole(name="desk", permissions=("logs.view",))],
)
def test_without_its_last_full_holder_a_pairing_is_not_active(command: Command) -> None:
    life = make_pairing_life("paired")
    life.says(DefineRole(name="desk", permissions=MINIMUM), TOM, LATER)
    life.says(AssignRoles(roles=("desk",)), TOM, LATER)
    life.says(AssignRoles(roles=("support",), person=GEORGIANA.id), TOM, LATER)
    life.directory = members(CHARLES)

    life.says(command, TOM, LATER)

    assert life.pairing.status == "paired"


def test_who_offered_is_told_and_sees_it_only_while_of_the_vendor() -> None:
    life = make_pairing_life("offered")
    life.directory = without_roles(PAIRED_DIRECTORY, CHARLES)
    life.says(Decline(reason="No."), TOM, LATER)
    assert CHARLES.id in told(life)
    assert may_see(life.pairing, CHARLES.id, life.directory)

    life.directory = changed(members(GEORGIANA), CHARLES, organization=CLASSICS.id)
    life.directory = without_roles(life.directory, CHARLES)

    assert CHARLES.id not in told(life)
    assert not may_see(life.pairing, CHARLES.id, life.directory)


def test_an_operator_who_offered_is_told_and_sees_it_only_while_an_operator() -> None:
    elsewhere = changed(PAIRED_DIRECTORY, MARY, organization=CLASSICS.id)
    life = PairingLife(elsewhere)
    life.says(make_offer(organization="netherfield"), MARY, START)
    life.says(Decline(reason="No."), BECKY, LATER)
    assert MARY.id in told(life)
    assert may_see(life.pairing, MARY.id, life.directory)

    life.directory = without_roles(elsewhere, MARY)

    assert MARY.id not in told(life)
    assert not may_see(life.pairing, MARY.id, life.directory)


def test_a_role_defined_too_narrow_is_told_to_the_vendor_when_it_shuts_them_out() -> None:
    life = make_pairing_life("paired")
    life.says(DefineRole(name="desk", permissions=MINIMUM), TOM, LATER)
    assert life.mail == []
    life.says(AssignRoles(roles=("desk",)), TOM, LATER)
    life.says(DefineRole(name="desk", permissions=(*MINIMUM, "tests.run")), TOM, LATER)
    assert life.mail == []

    life.says(DefineRole(name="desk", permissions=("logs.view",)), TOM, LATER)

    assert life.pairing.status == "paired"
    assert life.mail == ["pairing_roles_removed"]
    assert CHARLES.id in told(life)
