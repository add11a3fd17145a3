"""Whole lives of a pairing, step by step, with what stands after every step."""

from datetime import timedelta
from uuid import UUID

import pytest

from approvals.commands import Tick
from approvals.errors import (
    AlreadyDecidedError,
    AlreadySubmittedError,
    ApprovalError,
    InvalidDecisionError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    RateLimitedError,
    StaleError,
    SubmissionError,
    TooLateError,
)
from approvals.facts import Kin
from approvals.pairing.commands import (
    Accept,
    AssignRoles,
    Decline,
    DefineRole,
    DropRole,
    Reissue,
    RemoveRoles,
    Resume,
    Revoke,
    Suspend,
    Withdraw,
)
from approvals.pairing.errors import (
    LinkExpiredError,
    LinkInvalidError,
    LinkUsedError,
    MissingPermissionsError,
    PairedAlreadyError,
    RoleUnknownError,
)
from approvals.people import Role
from approvals.permissions import MINIMUM
from approvals.policy import Policies, policies
from tests.factories import (
    BECKY,
    CAROLINE,
    CHRISTOPHER,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    MARY,
    MINUTE,
    MS,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    changed,
    make_id,
    role,
    with_roles,
    without_roles,
)
from tests.pairings import (
    ACCEPT,
    ASSIGN,
    CHARLES,
    FITZWILLIAM,
    GEORGIANA,
    LOUISA,
    NEWEST,
    PAIRED_DIRECTORY,
    PAIRING,
    WRONG,
    PairingLife,
    Step,
    make_offer,
    make_pairing_life,
)

TICK = Tick()
NOW = timedelta(0)
WEEK = 7 * DAY
DECLINE = Decline(reason="We help ourselves.")
REVOKE = Revoke(reason="The case is solved.")
REMOVE = RemoveRoles(roles=("support",))
NARROW = DefineRole(name="narrow", permissions=("logs.view",))
OFFERED = Step(make_offer(), CHARLES, NOW, "offered")
PAIRED = Step(ACCEPT, TOM, HOUR, "paired")
ACTIVE = Step(ASSIGN, TOM, 2 * HOUR, "active")

LIVES: dict[str, list[Step]] = {
    "an offer is accepted, given roles, and revoked": [
        OFFERED,
        PAIRED,
        ACTIVE,
        Step(REVOKE, BECKY, DAY, "revoked"),
        Step(TICK, None, 90 * DAY, "revoked"),
    ],
    "an offer is accepted in the last millisecond of its seven days": [
        OFFERED,
        Step(ACCEPT, TOM, WEEK - MS, "paired"),
    ],
    "an offer is too late at seven days, whether a tick came or not": [
        OFFERED,
        Step(ACCEPT, TOM, WEEK, LinkExpiredError),
        Step(TICK, None, WEEK, "lapsed"),
        Step(ACCEPT, TOM, WEEK + MS, LinkExpiredError),
    ],
    "an offer that nobody answers lapses once": [
        OFFERED,
        Step(TICK, None, WEEK - MS, "offered"),
        Step(TICK, None, 20 * DAY, "lapsed"),
        Step(TICK, None, 30 * DAY, "lapsed"),
    ],
    "a lapsed offer opens again for seven days with a new link": [
        OFFERED,
        Step(TICK, None, WEEK, "lapsed"),
        Step(Reissue(), CHARLES, 30 * DAY, "offered"),
        Step(TICK, None, 37 * DAY - MS, "offered"),
        Step(ACCEPT, TOM, 37 * DAY - MS, "paired"),
    ],
    "a new link voids the older one": [
        OFFERED,
        Step(Reissue(), LOUISA, HOUR, "offered"),
        Step(Accept(proof=f"{1:064x}"), TOM, 2 * HOUR, LinkInvalidError),
        Step(ACCEPT, TOM, 2 * HOUR, "paired"),
    ],
    "a new link counts its seven days from its own issue": [
        OFFERED,
        Step(Reissue(), CHARLES, 6 * DAY, "offered"),
        Step(TICK, None, WEEK, "offered"),
        Step(TICK, None, 13 * DAY, "lapsed"),
    ],
    "an offer that ended without a tick is issued anew": [
        OFFERED,
        Step(Reissue(), CHARLES, 8 * DAY, "offered"),
        Step(ACCEPT, TOM, 9 * DAY, "paired"),
    ],
    "a failed opening consumes nothing": [
        OFFERED,
        Step(Accept(proof=WRONG), TOM, HOUR, LinkInvalidError),
        Step(ACCEPT, CAROLINE, HOUR, LinkInvalidError),
        Step(ACCEPT, CHARLES, HOUR, LinkInvalidError),
        Step(ACCEPT, TOM, 2 * HOUR, "paired"),
    ],
    "a link works once": [
        OFFERED,
        PAIRED,
        Step(ACCEPT, BECKY, 2 * HOUR, LinkUsedError),
        Step(Accept(proof=WRONG), BECKY, 2 * HOUR, LinkInvalidError),
        Step(REVOKE, TOM, DAY, "revoked"),
        Step(ACCEPT, TOM, 2 * DAY, LinkUsedError),
    ],
    "an offer is declined, and its link is dead": [
        OFFERED,
        Step(DECLINE, BECKY, HOUR, "declined"),
        Step(ACCEPT, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(Reissue(), CHARLES, 2 * HOUR, AlreadyDecidedError),
    ],
    "an offer is withdrawn by another agent, and its link is dead": [
        OFFERED,
        Step(Withdraw(), LOUISA, HOUR, "withdrawn"),
        Step(ACCEPT, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(DECLINE, TOM, 2 * HOUR, AlreadyDecidedError),
    ],
    "nobody declines or withdraws after the end": [
        OFFERED,
        Step(DECLINE, TOM, WEEK, TooLateError),
        Step(Withdraw(), CHARLES, WEEK, TooLateError),
    ],
    "an accepted offer is neither declined, withdrawn nor issued anew": [
        OFFERED,
        PAIRED,
        Step(DECLINE, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(Withdraw(), CHARLES, 2 * HOUR, AlreadyDecidedError),
        Step(Reissue(), CHARLES, 2 * HOUR, NotAllowedNowError),
        Step(TICK, None, 30 * DAY, "paired"),
    ],
    "an offer is revoked before it is accepted": [
        OFFERED,
        Step(REVOKE, TOM, HOUR, "revoked"),
        Step(ACCEPT, TOM, 2 * HOUR, AlreadyDecidedError),
    ],
    "the switch lets nobody in and loses nothing": [
        OFFERED,
        PAIRED,
        Step(Suspend(), TOM, HOUR, NotAllowedNowError),
        ACTIVE,
        Step(Suspend(), BECKY, DAY, "suspended"),
        Step(Suspend(), BECKY, DAY, NotAllowedNowError),
        Step(ASSIGN, TOM, DAY, NotAllowedNowError),
        Step(Resume(), TOM, 2 * DAY, "active"),
        Step(Resume(), TOM, 2 * DAY, NotAllowedNowError),
        Step(Suspend(), BECKY, 3 * DAY, "suspended"),
        Step(REVOKE, BECKY, 4 * DAY, "revoked"),
    ],
    "without roles it is paired again": [
        OFFERED,
        PAIRED,
        ACTIVE,
        Step(REMOVE, BECKY, DAY, "paired"),
        Step(REMOVE, BECKY, DAY, RoleUnknownError),
        Step(ASSIGN, BECKY, 2 * DAY, "active"),
    ],
    "roles below the vendor's minimum are refused, and left over they let nobody in": [
        OFFERED,
        PAIRED,
        Step(NARROW, TOM, 2 * HOUR, "paired"),
        Step(AssignRoles(roles=("narrow",)), TOM, 2 * HOUR, MissingPermissionsError),
        Step(AssignRoles(roles=("narrow", "viewer")), TOM, 3 * HOUR, "active"),
        Step(RemoveRoles(roles=("viewer",)), TOM, 4 * HOUR, "paired"),
        Step(AssignRoles(roles=("viewer",)), TOM, 5 * HOUR, "active"),
    ],
    "a role of the customer's own that is defined anew counts at once": [
        OFFERED,
        PAIRED,
        Step(DefineRole(name="desk", permissions=MINIMUM), TOM, 2 * HOUR, "paired"),
        Step(AssignRoles(roles=("desk",)), TOM, 2 * HOUR, "active"),
        Step(DropRole(name="desk"), TOM, 3 * HOUR, NotAllowedNowError),
        Step(DefineRole(name="desk", permissions=("logs.view",)), TOM, 3 * HOUR, "paired"),
        Step(DefineRole(name="desk", permissions=MINIMUM), TOM, 4 * HOUR, "paired"),
        Step(AssignRoles(roles=("desk",)), TOM, 5 * HOUR, "active"),
        Step(Suspend(), TOM, 6 * HOUR, "suspended"),
        Step(DefineRole(name="desk", permissions=("logs.view",)), TOM, 7 * HOUR, "suspended"),
        Step(Resume(), TOM, 8 * HOUR, "paired"),
        Step(RemoveRoles(roles=("desk",)), TOM, 9 * HOUR, "paired"),
        Step(DropRole(name="desk"), TOM, 9 * HOUR, "paired"),
        Step(DropRole(name="desk"), TOM, 9 * HOUR, RoleUnknownError),
    ],
    "nothing of use is there before it is accepted": [
        OFFERED,
        Step(ASSIGN, TOM, HOUR, NotAllowedNowError),
        Step(NARROW, TOM, HOUR, NotAllowedNowError),
        Step(REMOVE, TOM, HOUR, NotAllowedNowError),
        Step(Resume(), TOM, HOUR, NotAllowedNowError),
    ],
    "an offer is not made twice under one number": [
        OFFERED,
        Step(make_offer(), CHARLES, HOUR, AlreadySubmittedError),
        Step(make_offer(), CAROLINE, HOUR, NotFoundError),
    ],
    "who may do what": [
        OFFERED,
        Step(Reissue(), TOM, HOUR, NotAuthorisedError),
        Step(Reissue(), GEORGIANA, HOUR, NotAuthorisedError),
        Step(Withdraw(), TOM, HOUR, NotAuthorisedError),
        Step(DECLINE, CHARLES, HOUR, NotAuthorisedError),
        Step(DECLINE, CHRISTOPHER, HOUR, NotFoundError),
        Step(REVOKE, ELIZABETH, HOUR, NotFoundError),
        PAIRED,
        Step(ASSIGN, CHARLES, 2 * HOUR, NotAuthorisedError),
        Step(ASSIGN, MARY, 2 * HOUR, NotFoundError),
        Step(Suspend(), FITZWILLIAM, 2 * HOUR, NotAuthorisedError),
        Step(REVOKE, GEORGIANA, 2 * HOUR, NotAuthorisedError),
    ],
}


@pytest.mark.parametrize("steps", LIVES.values(), ids=LIVES.keys())
def test_a_life_goes_as_the_scenario_says(steps: list[Step]) -> None:
    life = PairingLife()

    for step in steps:
        before = life.state
        if isinstance(step.then, str):
            life.takes(step)
            assert life.pairing.status == step.then, step
            assert before is None or life.pairing.version - before.version in (0, 1)
        else:
            with pytest.raises(step.then):
                life.takes(step)
            assert life.state is before, step


def test_an_offer_holds_what_was_offered_and_the_vendors_minimum() -> None:
    life = PairingLife()
    life.policies = policies(
        {"vendor": {"netherfield": {"minimum_permissions": ["logs.view", "tests.run"]}}}
    )

    life.says(make_offer(), CHARLES, START)

    pairing = life.pairing
    assert pairing.minimum == ("logs.view", "tests.run")
    assert (pairing.vendor, pairing.customer) == (NETHERFIELD.id, FENCE_PAINTING.id)
    assert (pairing.due, pairing.due_at) == (START + WEEK, START + WEEK)
    assert pairing.index.tenant == TOM_SAWYER.id
    assert Policies().minimum_of("netherfield") == MINIMUM


@pytest.mark.parametrize(
    ("offer", "by", "refusal"),
    [
        (make_offer(), GEORGIANA, NotAuthorisedError),
        (make_offer(), TOM, NotAuthorisedError),
        (make_offer(), ELIZABETH, NotAuthorisedError),
        (make_offer(tenant="nowhere"), CHARLES, InvalidDecisionError),
        (make_offer(group="nobody"), CHARLES, NotFoundError),
        (make_offer(organization="classics"), CHARLES, NotFoundError),
        (make_offer(organization="classics"), MARY, NotFoundError),
        (make_offer(organization="netherfield"), TOM, NotFoundError),
    ],
)
def test_an_offer_that_does_not_fit_is_refused(
    offer: object, by: object, refusal: type[ApprovalError]
) -> None:
    life = PairingLife()

    with pytest.raises(refusal):
        life.says(offer, by, START)  # type: ignore[arg-type]  # one signature for all rows

    assert life.state is None


def test_an_operator_offers_for_a_named_vendor_and_the_audit_says_so() -> None:
    life = PairingLife()

    step = life.says(make_offer(organization="netherfield"), MARY, START)

    assert (step.actor, step.reason) == (MARY.id, "for netherfield")


def test_a_tenant_that_is_off_locked_unserved_or_without_a_trust_admin_gets_no_offer() -> None:
    serves = {"serves": tuple(one for one in PAIRED_DIRECTORY.serves if NETHERFIELD.id not in one)}
    states = {
        "off": (changed(PAIRED_DIRECTORY, TOM_SAWYER, is_on=False), NotFoundError),
        "locked": (changed(PAIRED_DIRECTORY, TOM_SAWYER, is_locked=True), SubmissionError),
        "unserved": (PAIRED_DIRECTORY.model_copy(update=serves), NotFoundError),
        "nobody": (without_roles(PAIRED_DIRECTORY, TOM, BECKY), SubmissionError),
    }
    for directory, refusal in states.values():
        with pytest.raises(refusal):
            PairingLife(directory).says(make_offer(), CHARLES, START)


def test_one_group_and_tenant_have_one_open_pairing() -> None:
    life = PairingLife()
    life.kin = Kin(open=make_id("another"))

    with pytest.raises(PairedAlreadyError):
        life.says(make_offer(), CHARLES, START)


def test_a_lapsed_offer_does_not_open_again_beside_another_one() -> None:
    life = make_pairing_life("offered")
    life.ticks(START + WEEK)
    life.kin = Kin(open=make_id("another"))

    with pytest.raises(PairedAlreadyError):
        life.says(Reissue(), CHARLES, START + 8 * DAY)


def test_a_link_is_issued_anew_five_times_an_hour_at_most() -> None:
    life = make_pairing_life("offered")
    for turn in range(5):
        life.says(Reissue(), CHARLES, START + turn * MINUTE)

    with pytest.raises(RateLimitedError):
        life.says(Reissue(), LOUISA, START + HOUR - MS)
    life.says(Reissue(), CHARLES, START + HOUR)

    assert life.pairing.due_at == START + HOUR + WEEK


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        pytest.param({}, 6, id="the limit that ships"),
        pytest.param({"default": {"pairing_links_per_hour": 2}}, 2, id="of the installation"),
        pytest.param(
            {"tenant": {TOM_SAWYER.slug: {"pairing_links_per_hour": 9}}}, 9, id="of the tenant"
        ),
    ],
)
def test_one_group_and_tenant_get_as_many_links_an_hour_as_policy_says(
    document: dict[str, object], limit: int
) -> None:
    life = PairingLife()
    life.policies = policies(document)

    life.kin = Kin(links=limit)
    with pytest.raises(RateLimitedError, match=f"The limit is {limit} links an hour"):
        life.says(make_offer(), CHARLES, START)
    life.kin = Kin(links=limit - 1)
    life.says(make_offer(), CHARLES, START)
    life.kin = Kin(links=limit)
    with pytest.raises(RateLimitedError, match=f"The limit is {limit} links an hour"):
        life.says(Reissue(), CHARLES, START + MINUTE)

    assert life.pairing.due_at == START + WEEK


def test_a_decision_rests_on_what_was_seen() -> None:
    life = make_pairing_life("offered")

    for command in (
        Accept(proof=life.proof, shown=WRONG),
        Decline(reason="No.", shown=WRONG),
        Revoke(reason="No.", shown=WRONG),
    ):
        with pytest.raises(StaleError, match="it is offered, and its link works until"):
            life.says(command, TOM, START + HOUR)

    assert life.pairing.status == "offered"


@pytest.mark.parametrize("command", [ACCEPT, DECLINE, REVOKE])
def test_nobody_decides_on_an_offer_that_lets_them_in(command: object) -> None:
    tempted = with_roles(PAIRED_DIRECTORY, role(GEORGIANA, Role.TRUST_ADMIN, FENCE_PAINTING.id))
    life = make_pairing_life("offered", tempted)

    with pytest.raises(OwnRequestError):
        life.takes(Step(command, GEORGIANA, HOUR, OwnRequestError))  # type: ignore[arg-type]


def test_a_refusal_names_what_the_roles_lack() -> None:
    life = make_pairing_life("paired")
    life.says(NARROW, TOM, START + HOUR)

    with pytest.raises(MissingPermissionsError, match=r"lack configuration\.view, employees\.view"):
        life.says(AssignRoles(roles=("narrow",)), TOM, START + HOUR)


def test_a_used_link_says_when_and_an_ended_one_says_when() -> None:
    used, ended = make_pairing_life("paired"), make_pairing_life("offered")

    with pytest.raises(LinkUsedError, match="used on 2026-03-02 09:30:00 UTC"):
        used.says(Accept(proof=used.proof), BECKY, START + HOUR)
    with pytest.raises(LinkExpiredError, match="ended on 2026-03-09 09:00:00 UTC"):
        ended.says(Accept(proof=ended.proof), TOM, START + WEEK)


def test_the_mail_with_the_link_is_sealed_and_goes_to_who_may_accept() -> None:
    life = make_pairing_life("offered")
    (mail,) = life.last.notices

    life.says(Reissue(), CHARLES, START + HOUR)
    (again,) = life.last.notices

    assert mail.holders == again.holders == ((Role.TRUST_ADMIN, FENCE_PAINTING.id),)
    assert (mail.kind, mail.sealed, again.sealed) == ("pairing_offered", "sealed 1", "sealed 2")
    assert not any("sealed" in one.model_dump_json() for one in [life.pairing])


def test_the_state_survives_its_own_json() -> None:
    life = make_pairing_life()

    restored = type(life.pairing).model_validate_json(life.pairing.model_dump_json())

    assert restored == life.pairing
    assert restored.process_id == PAIRING
    assert UUID(life.last.receipt) == PAIRING
    assert NEWEST not in life.pairing.model_dump_json()
