"""Sign-in: one mailed code, five attempts, ten minutes; then a key for twelve hours."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from approvals import rules
from approvals.commands import Command
from approvals.errors import (
    AlreadyDecidedError,
    ApprovalError,
    NotAllowedNowError,
    NotFoundError,
    RateLimitedError,
    ReplacedError,
    TooLateError,
    WrongCodeError,
)
from approvals.facts import FreshSecret
from approvals.people import Person, PersonId, Role
from approvals.sign_in import life as sign_in
from approvals.sign_in.commands import Begin, Prove, RevokeKey, SignOut, fingerprint
from approvals.sign_in.record import SignIn, SignInFacts
from approvals.transition import Transition
from tests.factories import (
    ELIZABETH,
    HOUR,
    JANE,
    MARY,
    MINUTE,
    MS,
    PUBLIC_KEY,
    START,
    TOM_SAWYER,
    make_id,
)

LOGIN = make_id("login")
BEGIN = Begin(email=ELIZABETH.email, public_key=PUBLIC_KEY, client="Elizabeth's laptop")
PROVE = Prove(proof="0" * 64)
RIGHT = "the keyed proof of 12345678"
CODE = FreshSecret(check=RIGHT, sealed="sealed 12345678")
WHY = "The laptop was stolen."


def make_facts(**changes: Any) -> SignInFacts:
    """Return what the door knows of Elizabeth's sign-in, with the right proof."""
    facts = SignInFacts(
        person=ELIZABETH.id,
        subject="a digest of her address",
        code=CODE,
        proof_check=RIGHT,
        newest=LOGIN,
    )
    return facts.model_copy(update=changes)


def state_of(transition: Transition) -> SignIn:
    """Return the sign-in after a transition."""
    assert isinstance(transition.after, SignIn)
    return transition.after


def begun(**changes: Any) -> SignIn:
    """Return a sign-in that was asked for at START."""
    return state_of(sign_in.begun(LOGIN, BEGIN, make_facts(**changes), START))


def enrolled() -> SignIn:
    """Return a sign-in whose code was proved a minute after START."""
    return state_of(sign_in.apply(begun(), PROVE, None, make_facts(), START + MINUTE))


def says(
    state: SignIn,
    command: Command,
    actor: PersonId | None = None,
    at: datetime = START + 2 * MINUTE,
    **facts: Any,
) -> Transition:
    """Judge one command on a sign-in, two minutes after START unless said otherwise."""
    return sign_in.apply(state, command, actor, make_facts(**facts), at)


def test_a_code_is_mailed_sealed_to_the_person_alone() -> None:
    step = sign_in.begun(LOGIN, BEGIN, make_facts(), START)

    (notice,) = step.notices
    assert (notice.kind, notice.people, notice.holders) == ("sign_in_code", (ELIZABETH.id,), ())
    assert notice.sealed == CODE.sealed
    assert notice.facts == {
        "client": "Elizabeth's laptop",
        "fingerprint": fingerprint(PUBLIC_KEY),
        "expires_at": "2026-03-02T09:10:00+00:00",
    }


def test_the_sealed_code_is_not_in_the_row() -> None:
    text = begun().model_dump_json()

    assert CODE.sealed not in text


def test_the_right_code_enrols_exactly_this_key_for_twelve_hours() -> None:
    step = says(begun(), PROVE, at=START + MINUTE)

    assert step.key is not None
    assert (step.key.id, step.key.person) == (LOGIN, ELIZABETH.id)
    assert (step.key.public_key, step.key.client) == (PUBLIC_KEY, "Elizabeth's laptop")
    assert step.key.enrolled_at == START + MINUTE
    assert step.key.expires_at == START + MINUTE + 12 * HOUR
    assert step.key.revoked_at is None


def test_an_enrolment_is_told_to_the_person_and_the_security_contacts() -> None:
    step = says(begun(), PROVE, security_scopes=(TOM_SAWYER.id,))

    (notice,) = step.notices
    assert (notice.kind, notice.people) == ("key_enrolled", (ELIZABETH.id,))
    assert notice.holders == ((Role.SECURITY_CONTACT, TOM_SAWYER.id),)
    assert notice.about == ELIZABETH.id


def test_nothing_is_enrolled_before_the_proof() -> None:
    step = sign_in.begun(LOGIN, BEGIN, make_facts(), START)

    assert step.key is None


@pytest.mark.parametrize("proof", ["another proof", "", None, RIGHT[:-1], RIGHT + " "])
def test_a_wrong_code_is_counted_and_refused(proof: str | None) -> None:
    step = says(begun(), PROVE, proof_check=proof)

    after = state_of(step)
    assert isinstance(step.refusal, WrongCodeError)
    assert (after.status, after.attempts, after.version) == ("pending", 1, 2)
    assert step.key is None


def test_four_wrong_codes_leave_one_attempt_that_counts() -> None:
    state = begun()
    for _ in range(4):
        state = state_of(says(state, PROVE, proof_check="wrong"))

    step = says(state, PROVE)

    assert state_of(step).status == "enrolled"
    assert step.refusal is None


def test_five_wrong_codes_close_the_sign_in_even_for_the_right_one() -> None:
    state = begun()
    sentences = []
    for _ in range(5):
        step = says(state, PROVE, proof_check="wrong")
        state = state_of(step)
        sentences.append(str(step.refusal))

    with pytest.raises(AlreadyDecidedError):
        says(state, PROVE)

    assert (state.status, state.is_closed, state.due) == ("denied", True, None)
    assert sentences[0] == "That code is not right. 4 of 5 attempts are left."
    assert sentences[4] == "That code is not right. Ask for a new code."


def test_a_code_counts_until_just_before_ten_minutes() -> None:
    step = says(begun(), PROVE, at=START + 10 * MINUTE - MS)

    assert state_of(step).status == "enrolled"


@pytest.mark.parametrize("late", [timedelta(0), MS, HOUR])
def test_a_code_of_ten_minutes_is_too_late(late: timedelta) -> None:
    with pytest.raises(TooLateError):
        says(begun(), PROVE, at=START + 10 * MINUTE + late)


def test_an_older_code_is_voided_by_a_newer_one() -> None:
    with pytest.raises(ReplacedError, match="newer code"):
        says(begun(), PROVE, newest=make_id("another login"))


def test_a_code_is_spent_once_it_has_enrolled() -> None:
    with pytest.raises(NotAllowedNowError):
        says(enrolled(), PROVE)


def test_five_codes_in_ten_minutes_are_all() -> None:
    fifth = sign_in.begun(LOGIN, BEGIN, make_facts(recent=4), START)

    with pytest.raises(RateLimitedError):
        sign_in.begun(LOGIN, BEGIN, make_facts(recent=5), START)

    assert state_of(fifth).status == "pending"


def seen(step: Transition) -> tuple[object, ...]:
    """Return what somebody outside sees of a transition."""
    after = state_of(step)
    return after.status, after.version, after.due, step.event, step.receipt, str(step.refusal)


def test_an_unknown_address_looks_the_same_at_the_beginning() -> None:
    known = sign_in.begun(LOGIN, BEGIN, make_facts(), START)
    unknown = sign_in.begun(LOGIN, BEGIN, make_facts(person=None), START)

    assert seen(unknown) == seen(known)
    assert unknown.notices == ()


def test_an_unknown_address_looks_the_same_at_every_wrong_code() -> None:
    known, unknown = begun(), begun(person=None)

    for _ in range(5):
        first = says(known, PROVE, proof_check="wrong")
        second = says(unknown, PROVE, proof_check="wrong")
        known, unknown = state_of(first), state_of(second)
        assert seen(second) == seen(first)


def test_an_unknown_address_sounds_the_same_when_it_is_too_late() -> None:
    heard = []

    for state in (begun(), begun(person=None)):
        with pytest.raises(TooLateError) as refusal:
            says(state, PROVE, at=START + HOUR)
        heard.append(str(refusal.value))

    assert heard[0] == heard[1]


def test_an_unknown_address_is_limited_the_same() -> None:
    with pytest.raises(RateLimitedError):
        sign_in.begun(LOGIN, BEGIN, make_facts(person=None, recent=5), START)


def test_an_unknown_address_never_succeeds_even_with_the_right_code() -> None:
    step = says(begun(person=None), PROVE, person=None)

    assert isinstance(step.refusal, WrongCodeError)
    assert step.key is None


def test_signing_out_ends_the_key_at_that_moment() -> None:
    step = says(enrolled(), SignOut(), ELIZABETH.id, START + HOUR)

    assert state_of(step).status == "finished"
    assert step.key is not None
    assert step.key.revoked_at == START + HOUR


@pytest.mark.parametrize(
    ("actor", "facts"),
    [
        pytest.param(ELIZABETH, {}, id="by its person"),
        pytest.param(MARY, {"by_operator": True}, id="by an operator"),
    ],
)
def test_a_key_is_revoked_with_a_reason(actor: Person, facts: dict[str, Any]) -> None:
    step = says(enrolled(), RevokeKey(reason=WHY), actor.id, START + HOUR, **facts)

    assert state_of(step).status == "revoked"
    assert (step.actor, step.reason) == (actor.id, WHY)
    assert step.key is not None
    assert step.key.revoked_at == START + HOUR


def closed() -> SignIn:
    """Return a sign-in whose key was signed out."""
    return state_of(says(enrolled(), SignOut(), ELIZABETH.id))


@pytest.mark.parametrize("state", [begun(), enrolled(), closed()], ids=lambda one: one.status)
@pytest.mark.parametrize("said", [SignOut(), RevokeKey(reason=WHY)], ids=lambda one: one.kind)
def test_a_stranger_finds_no_sign_in_whatever_its_status(state: SignIn, said: Command) -> None:
    with pytest.raises(NotFoundError):
        says(state, said, JANE.id)


def test_an_operator_signs_nobody_out_without_a_reason() -> None:
    with pytest.raises(NotFoundError):
        says(enrolled(), SignOut(), MARY.id, by_operator=True)


@pytest.mark.parametrize(
    ("state", "said", "refusal"),
    [
        (begun(), SignOut(), NotAllowedNowError),
        (begun(), RevokeKey(reason=WHY), NotAllowedNowError),
        (closed(), SignOut(), AlreadyDecidedError),
        (closed(), RevokeKey(reason=WHY), AlreadyDecidedError),
        (closed(), PROVE, AlreadyDecidedError),
    ],
)
def test_what_does_not_fit_the_status_is_refused(
    state: SignIn, said: Command, refusal: type[ApprovalError]
) -> None:
    with pytest.raises(refusal):
        says(state, said, ELIZABETH.id)


def ticked(state: SignIn, at: datetime) -> SignIn | None:
    """Return the sign-in after one tick, or None when nothing was due."""
    step = rules.ticked(state, at)
    return None if step is None else state_of(step)


def test_a_code_that_nobody_proves_lapses_at_ten_minutes() -> None:
    early, due = ticked(begun(), START + 10 * MINUTE - MS), ticked(begun(), START + 10 * MINUTE)

    assert early is None
    assert due is not None
    assert (due.status, due.due) == ("lapsed", None)


def test_a_key_expires_after_twelve_hours() -> None:
    end = START + MINUTE + 12 * HOUR

    early, due = ticked(enrolled(), end - MS), ticked(enrolled(), end)

    assert early is None
    assert due is not None
    assert (due.status, due.closed_at) == ("expired", end)


def test_the_clock_asks_nothing_of_a_closed_sign_in() -> None:
    assert ticked(closed(), START + 365 * 24 * HOUR) is None


def test_the_lists_find_a_sign_in_by_digest_never_by_address() -> None:
    index = begun().index

    assert (index.requester, index.named) == (ELIZABETH.id, (ELIZABETH.id,))
    assert index.subject == "a digest of her address"
    assert ELIZABETH.email not in begun().model_dump_json()
