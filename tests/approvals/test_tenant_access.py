"""Whole lives of a tenant access request, step by step, with what stands after every step."""

from datetime import timedelta

import pytest

from approvals.commands import Command, Tick
from approvals.errors import (
    AlreadyDecidedError,
    AlreadySubmittedError,
    EndDateError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    StaleError,
    TooLateError,
)
from approvals.people import Person, Role
from approvals.policy import Policy
from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    DAY,
    DIRECTORY,
    ELIZABETH,
    HOUR,
    JANE,
    LYDIA,
    MARY,
    MINUTE,
    MS,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    Life,
    Step,
    make_granted_life,
    make_life,
    make_submit,
    role,
    with_roles,
)

SUBMIT = make_submit()
GRANT = Grant(ends_at=START + 30 * DAY)
GRANT_FOR_GOOD = Grant(no_end=True)
DENY = Deny(reason="Not this week.")
WITHDRAW = Withdraw()
REVOKE = Revoke(reason="The fence is done.")
SHORTEN = ChangeEnd(ends_at=START + 10 * DAY)
LENGTHEN = ChangeEnd(ends_at=START + 60 * DAY)
FOR_GOOD = ChangeEnd(no_end=True)
FINISH = Finish()
FINISH_FOR_ALL = Finish(for_all=True)
BEGIN = BeginSession(mode=Mode.SUPPORT)
TICK = Tick()
NOW = timedelta(0)
STALE = "0" * 64

SUBMITTED = Step(SUBMIT, ELIZABETH, NOW, "pending")
GRANTED = Step(GRANT, TOM, HOUR, "granted")
GRANTED_FOR_GOOD = Step(GRANT_FOR_GOOD, TOM, HOUR, "granted")

LIVES: dict[str, list[Step]] = {
    "a request is granted with an end date and expires at it": [
        SUBMITTED,
        GRANTED,
        Step(TICK, None, 30 * DAY - MS, "granted"),
        Step(TICK, None, 30 * DAY, "expired"),
    ],
    "a request is granted without an end and no clock ends it": [
        SUBMITTED,
        GRANTED_FOR_GOOD,
        Step(TICK, None, 3650 * DAY, "granted"),
        Step(REVOKE, TOM, 3651 * DAY, "revoked"),
    ],
    "a request is granted in the last millisecond of its window": [
        SUBMITTED,
        Step(GRANT, TOM, 14 * DAY - MS, "granted"),
    ],
    "a request is denied": [
        SUBMITTED,
        Step(DENY, TOM, HOUR, "denied"),
        Step(TICK, None, 14 * DAY, "denied"),
    ],
    "a request is withdrawn by the person who sent it": [
        SUBMITTED,
        Step(WITHDRAW, ELIZABETH, HOUR, "withdrawn"),
    ],
    "a request is withdrawn by another TM admin of the same organization": [
        SUBMITTED,
        Step(WITHDRAW, JANE, HOUR, "withdrawn"),
    ],
    "a request that nobody answers lapses": [
        SUBMITTED,
        Step(TICK, None, 14 * DAY - MS, "pending"),
        Step(TICK, None, 14 * DAY, "lapsed"),
    ],
    "a request lapses late when nobody ticked in time": [
        SUBMITTED,
        Step(TICK, None, 90 * DAY, "lapsed"),
    ],
    "an end date is moved earlier and counts": [
        SUBMITTED,
        GRANTED,
        Step(SHORTEN, BECKY, 2 * DAY, "granted"),
        Step(TICK, None, 10 * DAY - MS, "granted"),
        Step(TICK, None, 10 * DAY, "expired"),
    ],
    "an end date is moved later and counts": [
        SUBMITTED,
        GRANTED,
        Step(LENGTHEN, TOM, 30 * DAY - MS, "granted"),
        Step(TICK, None, 30 * DAY, "granted"),
        Step(TICK, None, 60 * DAY, "expired"),
    ],
    "an end date is removed": [
        SUBMITTED,
        GRANTED,
        Step(FOR_GOOD, TOM, 2 * DAY, "granted"),
        Step(TICK, None, 30 * DAY, "granted"),
    ],
    "an end date is added to access without one": [
        SUBMITTED,
        GRANTED_FOR_GOOD,
        Step(SHORTEN, TOM, 2 * DAY, "granted"),
        Step(TICK, None, 10 * DAY, "expired"),
    ],
    "granted access is revoked by another admin than the one who granted it": [
        SUBMITTED,
        GRANTED,
        Step(REVOKE, BECKY, 2 * DAY, "revoked"),
    ],
    "a request is finished when the last named person is done": [
        SUBMITTED,
        GRANTED,
        Step(FINISH, CAROLINE, DAY, "granted"),
        Step(FINISH, CHARLOTTE, 2 * DAY, "finished"),
    ],
    "a TM admin finishes a request for all": [
        SUBMITTED,
        GRANTED,
        Step(FINISH_FOR_ALL, JANE, DAY, "finished"),
    ],
    "a TM admin finishes for all what one person finished before": [
        SUBMITTED,
        GRANTED,
        Step(FINISH, CAROLINE, DAY, "granted"),
        Step(FINISH_FOR_ALL, ELIZABETH, 2 * DAY, "finished"),
    ],
    "a named person opens a session and expiry comes": [
        SUBMITTED,
        GRANTED,
        Step(BEGIN, CAROLINE, 30 * DAY - MS, "granted"),
        Step(TICK, None, 30 * DAY, "expired"),
    ],
}  # fmt: skip

NEVER_DECIDES = (ELIZABETH, JANE, CAROLINE, CHARLOTTE)
REFUSALS: dict[str, list[Step]] = {
    "nobody decides at the end of the window, ticked or not": [
        SUBMITTED,
        Step(GRANT, TOM, 14 * DAY, TooLateError),
        Step(DENY, TOM, 14 * DAY, TooLateError),
        Step(WITHDRAW, ELIZABETH, 14 * DAY, TooLateError),
        Step(TICK, None, 14 * DAY, "lapsed"),
        Step(GRANT, TOM, 14 * DAY + MS, AlreadyDecidedError),
    ],
    "a second decision is refused": [
        SUBMITTED,
        GRANTED,
        Step(GRANT, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(GRANT, BECKY, 2 * HOUR, AlreadyDecidedError),
        Step(DENY, BECKY, 2 * HOUR, AlreadyDecidedError),
        Step(WITHDRAW, ELIZABETH, 2 * HOUR, AlreadyDecidedError),
    ],
    "a denied request stays denied": [
        SUBMITTED,
        Step(DENY, TOM, HOUR, "denied"),
        Step(GRANT, BECKY, 2 * HOUR, AlreadyDecidedError),
        Step(DENY, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(WITHDRAW, ELIZABETH, 2 * HOUR, AlreadyDecidedError),
        Step(FOR_GOOD, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(BEGIN, CAROLINE, 2 * HOUR, AlreadyDecidedError),
    ],
    "a withdrawn request stays withdrawn": [
        SUBMITTED,
        Step(WITHDRAW, ELIZABETH, HOUR, "withdrawn"),
        Step(GRANT, TOM, 2 * HOUR, AlreadyDecidedError),
        Step(WITHDRAW, JANE, 2 * HOUR, AlreadyDecidedError),
        Step(SUBMIT, ELIZABETH, 2 * HOUR, AlreadySubmittedError),
    ],
    "revoked access stays revoked": [
        SUBMITTED,
        GRANTED,
        Step(REVOKE, TOM, DAY, "revoked"),
        Step(REVOKE, BECKY, 2 * DAY, AlreadyDecidedError),
        Step(FOR_GOOD, BECKY, 2 * DAY, AlreadyDecidedError),
        Step(GRANT, TOM, 2 * DAY, AlreadyDecidedError),
        Step(BEGIN, CAROLINE, 2 * DAY, AlreadyDecidedError),
        Step(FINISH, CAROLINE, 2 * DAY, AlreadyDecidedError),
    ],
    "expired access opens by no command": [
        SUBMITTED,
        GRANTED,
        Step(TICK, None, 30 * DAY, "expired"),
        Step(LENGTHEN, TOM, 31 * DAY, AlreadyDecidedError),
        Step(REVOKE, TOM, 31 * DAY, AlreadyDecidedError),
        Step(GRANT_FOR_GOOD, TOM, 31 * DAY, AlreadyDecidedError),
        Step(BEGIN, CHARLOTTE, 31 * DAY, AlreadyDecidedError),
        Step(FINISH_FOR_ALL, ELIZABETH, 31 * DAY, AlreadyDecidedError),
    ],
    "access that is over by the clock is over before anything ticked": [
        SUBMITTED,
        GRANTED,
        Step(LENGTHEN, TOM, 30 * DAY, TooLateError),
        Step(REVOKE, TOM, 30 * DAY, TooLateError),
        Step(BEGIN, CAROLINE, 30 * DAY, TooLateError),
        Step(FINISH, CAROLINE, 30 * DAY, TooLateError),
        Step(GRANT, BECKY, 30 * DAY, AlreadyDecidedError),
    ],
    "what needs a grant is refused while the request is pending": [
        SUBMITTED,
        Step(SHORTEN, TOM, HOUR, NotAllowedNowError),
        Step(REVOKE, TOM, HOUR, NotAllowedNowError),
        Step(FINISH, CAROLINE, HOUR, NotAllowedNowError),
        Step(FINISH_FOR_ALL, ELIZABETH, HOUR, NotAllowedNowError),
        Step(BEGIN, CAROLINE, HOUR, NotAllowedNowError),
    ],
    "the asking side does not decide": [
        SUBMITTED,
        *(Step(GRANT, person, HOUR, NotAuthorisedError) for person in NEVER_DECIDES),
        *(Step(DENY, person, HOUR, NotAuthorisedError) for person in NEVER_DECIDES),
        GRANTED,
        *(Step(FOR_GOOD, person, 2 * HOUR, NotAuthorisedError) for person in NEVER_DECIDES),
        *(Step(REVOKE, person, 2 * HOUR, NotAuthorisedError) for person in NEVER_DECIDES),
    ],
    "strangers find nothing": [
        SUBMITTED,
        *(Step(GRANT, one, HOUR, NotFoundError) for one in (LYDIA, WICKHAM, CHRISTOPHER, MARY)),
        *(Step(WITHDRAW, one, HOUR, NotFoundError) for one in (LYDIA, WICKHAM, MARY)),
        Step(SUBMIT, WICKHAM, HOUR, NotFoundError),
        GRANTED,
        *(Step(BEGIN, one, 2 * HOUR, NotFoundError) for one in (LYDIA, WICKHAM, CHRISTOPHER)),
        *(Step(FINISH, one, 2 * HOUR, NotFoundError) for one in (LYDIA, WICKHAM, MARY)),
    ],
    "only TM admins withdraw or finish for all": [
        SUBMITTED,
        Step(WITHDRAW, TOM, HOUR, NotAuthorisedError),
        Step(WITHDRAW, CAROLINE, HOUR, NotAuthorisedError),
        GRANTED,
        Step(FINISH_FOR_ALL, CAROLINE, 2 * HOUR, NotAuthorisedError),
        Step(FINISH_FOR_ALL, TOM, 2 * HOUR, NotAuthorisedError),
    ],
    "only named people use the access": [
        SUBMITTED,
        GRANTED,
        Step(BEGIN, ELIZABETH, 2 * HOUR, NotAuthorisedError),
        Step(BEGIN, TOM, 2 * HOUR, NotAuthorisedError),
        Step(FINISH, JANE, 2 * HOUR, NotAuthorisedError),
    ],
    "whoever is done cannot come back": [
        SUBMITTED,
        GRANTED,
        Step(FINISH, CAROLINE, DAY, "granted"),
        Step(FINISH, CAROLINE, 2 * DAY, NotAllowedNowError),
        Step(BEGIN, CAROLINE, 2 * DAY, NotAllowedNowError),
        Step(BEGIN, CHARLOTTE, 2 * DAY, "granted"),
    ],
    "a decision on something else than what stands is refused": [
        SUBMITTED,
        Step(GRANT.model_copy(update={"shown": STALE}), TOM, HOUR, StaleError),
        Step(DENY.model_copy(update={"shown": STALE}), TOM, HOUR, StaleError),
        GRANTED,
        Step(REVOKE.model_copy(update={"shown": STALE}), TOM, DAY, StaleError),
        Step(LENGTHEN.model_copy(update={"shown": STALE}), TOM, DAY, StaleError),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "steps", [pytest.param(steps, id=said) for said, steps in (LIVES | REFUSALS).items()]
)
def test_a_life_follows_its_scenario(steps: list[Step]) -> None:
    life = Life()

    for number, step in enumerate(steps):
        before = life.state
        if isinstance(step.then, str):
            life.takes(step)
            assert life.request.status == step.then, f"step {number}"
        else:
            with pytest.raises(step.then):
                life.takes(step)
            assert life.state is before, f"step {number}"


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (Grant(), "end_required"),
        (Grant(ends_at=START + 30 * DAY, no_end=True), "end_required"),
        (Grant(ends_at=START), "date_in_past"),
        (Grant(ends_at=START + HOUR), "date_in_past"),
        (Grant(ends_at=START + HOUR + MS), "date_too_soon"),
        (Grant(ends_at=START + HOUR + 5 * MINUTE - MS), "date_too_soon"),
        (Grant(ends_at=START + HOUR + 365 * DAY + MS), "date_too_far"),
    ],
)
def test_a_grant_without_a_fitting_end_is_refused(said: Grant, rule: str) -> None:
    life = make_life()

    with pytest.raises(EndDateError) as refusal:
        life.says(said, TOM, START + HOUR)

    assert refusal.value.rule == rule


@pytest.mark.parametrize("length", [5 * MINUTE, 365 * DAY])
def test_both_bounds_of_the_policy_may_be_used(length: timedelta) -> None:
    life = make_life()

    life.says(Grant(ends_at=START + HOUR + length), TOM, START + HOUR)

    assert life.request.ends_at == START + HOUR + length


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (ChangeEnd(), "end_required"),
        (ChangeEnd(ends_at=START + 40 * DAY, no_end=True), "end_required"),
        (ChangeEnd(ends_at=START + DAY), "date_in_past"),
        (ChangeEnd(ends_at=START + DAY + MINUTE), "date_too_soon"),
        (ChangeEnd(ends_at=START + DAY + 366 * DAY), "date_too_far"),
    ],
)
def test_a_new_end_obeys_the_rules_of_the_first(said: ChangeEnd, rule: str) -> None:
    life = make_granted_life()

    with pytest.raises(EndDateError) as refusal:
        life.says(said, TOM, START + DAY)

    assert refusal.value.rule == rule


def test_a_tenant_that_forbids_access_without_an_end_says_so() -> None:
    life = make_life(policy=Policy(allow_no_end=False))

    with pytest.raises(EndDateError) as refusal:
        life.says(GRANT_FOR_GOOD, TOM, START + HOUR)

    assert str(refusal.value) == (
        "Choose an end date; this tenant does not allow access without one."
    )


def test_a_forbidden_endlessness_does_not_come_in_by_changing_the_end() -> None:
    life = make_granted_life(policy=Policy(allow_no_end=False))

    with pytest.raises(EndDateError) as refusal:
        life.says(FOR_GOOD, TOM, START + DAY)

    assert refusal.value.rule == "end_required"


def test_the_policy_of_the_submission_holds_whatever_the_policy_becomes() -> None:
    life = make_life(policy=Policy(longest_access=7 * DAY))
    life.policies = life.policies.model_copy(update={"default": Policy()})

    with pytest.raises(EndDateError) as refusal:
        life.says(GRANT, TOM, START + HOUR)

    assert refusal.value.rule == "date_too_far"


@pytest.mark.parametrize("person", [ELIZABETH, CAROLINE, CHARLOTTE])
@pytest.mark.parametrize("said", [GRANT, DENY])
def test_an_admin_who_asked_or_is_named_does_not_decide(said: Command, person: Person) -> None:
    admin_too = role(person, Role.TENANT_ADMIN, TOM_SAWYER.id)
    life = make_life(with_roles(DIRECTORY, admin_too))

    with pytest.raises(OwnRequestError):
        life.says(said, person, START + HOUR)


@pytest.mark.parametrize("said", [LENGTHEN, FOR_GOOD, REVOKE])
def test_an_admin_who_is_named_does_not_change_what_was_granted(said: Command) -> None:
    admin_too = role(CAROLINE, Role.TENANT_ADMIN, TOM_SAWYER.id)
    life = make_granted_life(directory=with_roles(DIRECTORY, admin_too))

    with pytest.raises(OwnRequestError):
        life.says(said, CAROLINE, START + DAY)


def test_a_second_decision_learns_who_decided_and_when() -> None:
    life = make_granted_life()

    with pytest.raises(AlreadyDecidedError) as refusal:
        life.says(DENY, BECKY, START + DAY)

    assert refusal.value.sentence(DIRECTORY.name_of) == (
        "This request was already granted by Tom Sawyer on 2026-03-02 10:00:00 UTC."
        " Nothing was changed."
    )


def test_a_decision_after_the_lapse_learns_when_and_that_it_was_nobody() -> None:
    life = make_life()
    life.ticks(START + 14 * DAY)

    with pytest.raises(AlreadyDecidedError) as refusal:
        life.says(GRANT, TOM, START + 15 * DAY)

    assert refusal.value.sentence(DIRECTORY.name_of) == (
        "This request was already lapsed on 2026-03-16 09:00:00 UTC. Nothing was changed."
    )


def test_a_stale_decision_learns_what_stands() -> None:
    life = make_granted_life()

    with pytest.raises(StaleError) as refusal:
        life.says(LENGTHEN.model_copy(update={"shown": STALE}), TOM, START + DAY)

    assert "it is granted until 2026-04-01 09:00:00 UTC." in str(refusal.value)


def test_a_decision_keeps_who_when_and_the_answer() -> None:
    life = make_life()

    step = life.says(Grant(no_end=True, message="Welcome."), TOM, START + HOUR)

    after = life.request
    assert (after.decided_by, after.decided_at, after.answer) == (
        TOM.id,
        START + HOUR,
        "Welcome.",
    )
    assert (step.actor, step.event, step.reason) == (TOM.id, "granted", "Welcome.")


def test_finishing_for_all_counts_everybody_as_done() -> None:
    life = make_granted_life()

    life.says(FINISH_FOR_ALL, ELIZABETH, START + DAY)

    assert life.request.finished == (CAROLINE.id, CHARLOTTE.id)


def test_the_first_version_is_one_and_every_change_adds_one() -> None:
    life = make_life()

    versions = [life.request.version]
    for said, by in ((GRANT, TOM), (BEGIN, CAROLINE), (SHORTEN, TOM), (REVOKE, TOM)):
        life.says(said, by, START + HOUR)
        versions.append(life.request.version)

    assert versions == [1, 2, 3, 4, 5]
