"""What takes many tries: guesses at codes and links, and bytes that two sides must write alike."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, seed, settings

from approvals.errors import RateLimitedError, TooLateError
from approvals.facts import FreshSecret
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.offer import accepted
from approvals.pairing.record import shown_digest
from approvals.sign_in import delays, life
from approvals.sign_in.commands import Begin, Prove
from approvals.sign_in.record import SignIn, SignInFacts, Status
from approvals.transition import Transition
from identity.enrolment import DIGITS, LINK_PREFIX, TOKEN_BYTES, proof_of, proof_of_link
from tests.approvals.test_commands import SAID_BY_ANYBODY, written_and_read
from tests.factories import ELIZABETH, PUBLIC_KEY, START, TOM
from tests.faults.plan import FaultPlan, fault
from tests.installation import CODES
from tests.pairings import ACCEPT, make_pairing_life

BEGIN = Begin(email=ELIZABETH.email, public_key=PUBLIC_KEY, client="a guesser's laptop")
GUESS = Prove(proof="0" * 64)  # what it is worth, the door works out
WINDOW = timedelta(minutes=10)  # in which five codes are mailed to one address


@fault("T15", "codes guessed by somebody who knows the address and waits as told")
def test_no_guessed_code_is_right_and_guessing_takes_its_time(plan: FaultPlan) -> None:
    """Codes and guesses come from the seed: one in a hundred million fits."""
    chance, now, guesses = plan.chance, START, plan.times(1_000, 100_000)
    past: list[SignIn] = []

    def drawn(login: UUID) -> str:
        return CODES.keyed(proof_of(login, PUBLIC_KEY, f"{chance.randrange(10**DIGITS):08}"))

    def facts(login: UUID, **more: Any) -> SignInFacts:
        return SignInFacts(
            person=ELIZABETH.id,
            recent=sum(now - one.asked_at < WINDOW for one in past),
            failures=delays.failures_of(past),
            newest=login,
            **more,
        )

    while plan.tried < guesses:
        login = UUID(int=chance.getrandbits(128))
        past = [one for one in past if now - one.asked_at < delays.REMEMBERED]
        try:
            code = FreshSecret(check=drawn(login), sealed="")
            state = after(life.begun(login, BEGIN, facts(login, code=code), now))
            past.append(state)
            while state.status is Status.PENDING and plan.tried < guesses:
                guess = facts(login, proof_check=drawn(login))
                past[-1] = state = after(life.apply(state, GUESS, None, guess, now))
                plan.tries()
        except RateLimitedError as wait:
            now += timedelta(seconds=wait.seconds or WINDOW.total_seconds())
        except TooLateError:
            continue
        plan.notes([] if state.enrolled_at is None else [f"guess {plan.tried} enrolled a key"])

    assert now - START > guesses * timedelta(minutes=5)  # a year for the full figure


def after(step: Transition) -> SignIn:
    """Return the sign-in after a transition."""
    assert isinstance(step.after, SignIn)
    return step.after


@fault("T40", "generated commands, written by a client and read by the door")
def test_client_and_server_sign_the_same_bytes(plan: FaultPlan) -> None:
    count = plan.times(100, 10_000)

    @seed(plan.seed)
    @settings(max_examples=count, deadline=None, database=None)
    @given(**SAID_BY_ANYBODY)
    def alike(**said: Any) -> None:
        meant, read = written_and_read(**said)
        assert read == meant
        plan.tries()

    alike()
    assert plan.tried >= count


@fault("T10", "links guessed; all that is ever said is one and the same sentence")
def test_no_guessed_link_opens(plan: FaultPlan) -> None:
    offer = make_pairing_life("offered").pairing
    said: set[str] = set()
    link = CODES.link(offer.process_id)
    offer = offer.model_copy(update={"check": link.check})
    right = CODES.opened(link.sealed)

    for _ in range(plan.times(1_000, 100_000)):
        token = (
            LINK_PREFIX + base64.urlsafe_b64encode(plan.chance.randbytes(TOKEN_BYTES)).decode()[:-1]
        )
        assert len(token) == len(right)
        check = CODES.keyed(proof_of_link(offer.process_id, token))
        with pytest.raises(LinkInvalidError) as refused:
            accepted(offer, ACCEPT, TOM.id, check, START)
        said.add(str(refused.value))
        plan.tries()

    assert len(said) == 1
    check = CODES.keyed(proof_of_link(offer.process_id, right))
    seen = ACCEPT.model_copy(update={"shown": shown_digest(offer)})
    assert accepted(offer, seen, TOM.id, check, START).event == "accepted"
