"""Whose rules apply: which key must have signed, what must be read, and who judges."""

from typing import Any
from uuid import UUID

import pytest

from approvals import rules
from approvals.commands import Command
from approvals.errors import (
    AlreadySubmittedError,
    ApprovalError,
    CommandStaleError,
    KeyRefusedError,
    NotFoundError,
    RateLimitedError,
)
from approvals.facts import Counts, Facts, FreshSecret, Kin, Needed
from approvals.people import Person
from approvals.policy import Policies, Policy
from approvals.sessions import BeginSession, Mode
from approvals.sign_in.commands import Begin, Prove, RevokeKey, SignOut
from approvals.sign_in.record import SignIn
from approvals.tenant_access.commands import Grant, Submit, Withdraw
from approvals.tenant_access.record import TenantAccess, process_id_of
from approvals.transition import Transition
from tests.factories import (
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    DIRECTORY,
    ELIZABETH,
    FORMS,
    HOUR,
    HUNDRED_ACRE,
    JANE,
    MARY,
    MINUTE,
    PROCESS,
    PUBLIC_KEY,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    make_granted_life,
    make_key,
    make_life,
    make_request,
    make_signed,
    make_submit,
)

LOGIN = UUID(int=77)
BEGIN = Begin(email="elizabeth.bennet@classics.example", public_key="E" * 43, client="laptop")
PROVE = Prove(proof="0" * 64)
SIGN_IN: dict[str, Any] = {
    "subject": "digest",
    "secret": FreshSecret(check="right", sealed="sealed"),
    "proof_check": "right",
    "kin": Kin(newest=LOGIN),
}


def make_facts(actor: Person = ELIZABETH, **changes: Any) -> Facts:
    """Return what the door knows when this person's key is good."""
    facts = Facts(directory=DIRECTORY, key=make_key(actor), **SIGN_IN)
    return facts.model_copy(update=changes)


def make_sign_in() -> SignIn:
    """Return a pending sign-in of Elizabeth."""
    step = rules.judge(None, make_signed(BEGIN, None, process=LOGIN), make_facts(), START)
    assert isinstance(step.after, SignIn)
    return step.after


def make_enrolled() -> SignIn:
    """Return an enrolled sign-in of Elizabeth."""
    signed = make_signed(PROVE, None, process=LOGIN)
    step = rules.judge(make_sign_in(), signed, make_facts(), START)
    assert isinstance(step.after, SignIn)
    return step.after


def judged(
    state: TenantAccess | SignIn | None, command: Command, actor: Person = ELIZABETH, **facts: Any
) -> Transition:
    """Judge a command at START."""
    return rules.judge(state, make_signed(command, actor), make_facts(actor, **facts), START)


def test_a_submission_opens_a_request_with_the_effective_policy() -> None:
    policies = Policies(
        default=Policy(decision_window=DAY), tenants={"hundred-acre": Policy(decision_window=HOUR)}
    )

    step = judged(None, make_submit(), policies=policies)

    assert isinstance(step.after, TenantAccess)
    assert (step.after.status, step.after.version) == ("pending", 1)
    assert (step.after.organization, step.after.tenant) == (CLASSICS.id, TOM_SAWYER.id)
    assert step.after.due_at == START + DAY


def test_a_batch_makes_one_request_a_tenant() -> None:
    steps = [
        rules.judge(
            None,
            make_signed(
                make_submit(tenant), process=process_id_of(make_submit().batch, tenant.slug)
            ),
            make_facts(),
            START,
        )
        for tenant in (TOM_SAWYER, HUNDRED_ACRE)
    ]

    named = [step.after.index.named for step in steps]
    assert named == [(CAROLINE.id, CHARLOTTE.id), (CHARLOTTE.id,)]
    assert len({step.after.process_id for step in steps}) == 2


def test_an_operator_is_the_requester_of_what_they_send_for_an_organization() -> None:
    step = judged(None, make_submit(organization="classics"), MARY)

    assert (step.actor, step.reason) == (MARY.id, "for classics")
    assert (step.after.index.requester, step.after.index.organization) == (MARY.id, CLASSICS.id)


def test_quotas_of_the_effective_policy_are_judged() -> None:
    policies = Policies(default=Policy(per_hour_and_person=10))

    with pytest.raises(RateLimitedError):
        judged(None, make_submit(), policies=policies, counts=Counts(by_person=10))


@pytest.mark.parametrize(
    ("actor", "refusal"), [(ELIZABETH, AlreadySubmittedError), (WICKHAM, NotFoundError)]
)
def test_a_repeated_submission_creates_nothing(actor: Person, refusal: type[ApprovalError]) -> None:
    with pytest.raises(refusal):
        judged(make_request(), make_submit(), actor)


NO_STATE = [command for command in FORMS.values() if command not in (Submit, Begin, Prove)]


@pytest.mark.parametrize("kind", NO_STATE, ids=lambda kind: kind.kind)
def test_nothing_but_a_submission_or_a_sign_in_begins_a_process(kind: type[Command]) -> None:
    with pytest.raises(NotFoundError):
        judged(None, kind.model_construct())


@pytest.mark.parametrize("command", [SignOut(), RevokeKey(reason="Stolen.")])
def test_a_request_is_no_sign_in(command: Command) -> None:
    with pytest.raises(NotFoundError):
        judged(make_request(), command)


@pytest.mark.parametrize(
    "command", [Withdraw(), make_submit(), Grant(no_end=True), BeginSession(mode=Mode.SUPPORT)]
)
def test_a_sign_in_is_no_request(command: Command) -> None:
    with pytest.raises(NotFoundError):
        judged(make_enrolled(), command)


@pytest.mark.parametrize("state", [None, make_request()])
def test_a_proof_needs_a_sign_in(state: TenantAccess | None) -> None:
    with pytest.raises(NotFoundError):
        judged(state, PROVE)


def test_a_sign_in_is_not_begun_on_a_request() -> None:
    with pytest.raises(NotFoundError):
        judged(make_request(), BEGIN)


def test_a_sign_in_begins_once() -> None:
    with pytest.raises(AlreadySubmittedError):
        judged(make_sign_in(), BEGIN)


def test_a_proved_code_enrols_the_key_of_the_sign_in() -> None:
    state = make_enrolled()

    assert (state.status, state.public_key) == ("enrolled", "E" * 43)


def test_one_signs_out_with_the_very_key_that_ends() -> None:
    signed = make_signed(SignOut(), process=LOGIN, key=LOGIN)

    step = rules.judge(make_enrolled(), signed, make_facts(), START)

    assert step.after.status == "finished"


def test_another_key_of_the_same_person_does_not_sign_out() -> None:
    signed = make_signed(SignOut(), process=LOGIN)

    with pytest.raises(NotFoundError):
        rules.judge(make_enrolled(), signed, make_facts(), START)


@pytest.mark.parametrize(
    ("actor", "refusal"), [(ELIZABETH, None), (MARY, None), (JANE, NotFoundError)]
)
def test_keys_are_revoked_by_their_person_or_an_operator(
    actor: Person, refusal: type[ApprovalError] | None
) -> None:
    heard: type[ApprovalError] | None = None

    try:
        judged(make_enrolled(), RevokeKey(reason="Stolen."), actor)
    except ApprovalError as no:
        heard = type(no)

    assert heard is refusal


@pytest.mark.parametrize("command", [BEGIN, Withdraw(), make_submit()])
def test_an_old_message_is_stale_whatever_it_says(command: Command) -> None:
    signed = make_signed(command)

    with pytest.raises(CommandStaleError):
        rules.judge(None, signed, make_facts(), START + 5 * MINUTE)


def test_a_key_is_judged_before_anything_is_told() -> None:
    with pytest.raises(KeyRefusedError):
        judged(make_request(), Grant(no_end=True), TOM, key=None)


def test_begin_is_signed_by_the_key_that_it_names() -> None:
    signed = make_signed(BEGIN, None, process=LOGIN)

    assert rules.public_key_of(None, signed, None) == "E" * 43


def test_a_repeated_begin_is_signed_by_the_key_that_the_sign_in_names() -> None:
    other = BEGIN.model_copy(update={"public_key": "F" * 43})
    signed = make_signed(other, None, process=LOGIN)

    assert rules.public_key_of(make_sign_in(), signed, None) == "E" * 43


@pytest.mark.parametrize("command", [BEGIN, PROVE])
def test_a_request_names_no_key_for_a_sign_in(command: Command) -> None:
    signed = make_signed(command, None)

    assert rules.public_key_of(make_request(), signed, None) is None


def test_prove_is_signed_by_the_key_that_the_sign_in_names() -> None:
    signed = make_signed(PROVE, None, process=LOGIN)

    assert rules.public_key_of(make_sign_in(), signed, None) == "E" * 43


@pytest.mark.parametrize("command", [BEGIN, PROVE])
def test_an_enrolled_key_signs_no_sign_in(command: Command) -> None:
    signed = make_signed(command, ELIZABETH, process=LOGIN)

    assert rules.public_key_of(make_sign_in(), signed, make_key(ELIZABETH)) is None


def test_a_proof_without_a_sign_in_has_no_key() -> None:
    signed = make_signed(PROVE, None, process=LOGIN)

    assert rules.public_key_of(None, signed, None) is None


def test_every_other_command_is_signed_by_the_enrolled_key() -> None:
    signed = make_signed(Withdraw())

    assert rules.public_key_of(make_request(), signed, make_key(ELIZABETH)) == PUBLIC_KEY
    assert rules.public_key_of(make_request(), signed, None) is None


def test_a_submission_needs_its_people_tenant_and_organization() -> None:
    signed = make_signed(make_submit(organization="classics"), MARY)

    assert rules.needed(None, signed) == Needed(
        people=(MARY.id, CAROLINE.id, CHARLOTTE.id),
        slugs=("tom-sawyer",),
        organization_slugs=("classics",),
    )


def test_a_decision_needs_everybody_whom_it_concerns() -> None:
    state = make_granted_life().request

    found = rules.needed(state, make_signed(Withdraw(), JANE))

    assert set(found.people) == {JANE.id, ELIZABETH.id, CAROLINE.id, CHARLOTTE.id, TOM.id}
    assert (found.tenants, found.organizations) == ((TOM_SAWYER.id,), (CLASSICS.id,))


def test_a_tick_needs_whom_its_notices_reach() -> None:
    found = rules.needed(make_request(), None)

    assert found.people == (ELIZABETH.id, CAROLINE.id, CHARLOTTE.id)


def test_a_sign_in_needs_whoever_has_the_address() -> None:
    found = rules.needed(None, make_signed(BEGIN, None, process=LOGIN))

    assert found == Needed(
        emails=("elizabeth.bennet@classics.example",),
        keyed_subject="subject elizabeth.bennet@classics.example",
        draws="code",
    )


def test_a_proof_needs_the_person_of_the_sign_in() -> None:
    found = rules.needed(make_sign_in(), make_signed(PROVE, None, process=LOGIN))

    assert found == Needed(
        people=(ELIZABETH.id,), with_own_tenants=True, subject="digest", proof=PROVE.proof
    )


def test_nothing_at_all_needs_nothing() -> None:
    assert rules.needed(None, None) == Needed()


@pytest.mark.parametrize(
    "state", [make_life().request, make_granted_life().request, make_sign_in(), make_enrolled()]
)
def test_a_row_is_read_back_as_it_was_written(state: TenantAccess | SignIn) -> None:
    assert rules.restored(state.kind, state.model_dump_json()) == state


def test_an_older_row_reads_what_a_newer_release_wrote() -> None:
    text = make_request().model_dump_json().replace("{", '{"later":1,', 1)

    assert rules.restored("tenant_access", text) == make_request()


def test_every_kind_knows_its_state_and_its_closed_statuses() -> None:
    closed = {name: kind.closed for name, kind in rules.KINDS.items()}
    assert {"tenant_access", "sign_in"} <= set(closed)
    assert closed["tenant_access"] == {
        "denied", "withdrawn", "lapsed", "expired", "revoked", "finished",
    }  # fmt: skip


def test_what_is_not_due_is_not_ticked() -> None:
    assert rules.ticked(make_request(), START + DAY) is None


def test_what_is_due_is_ticked_by_the_clock() -> None:
    step = rules.ticked(make_request(), START + 14 * DAY)

    assert step is not None
    assert (step.event, step.actor) == ("lapsed", UUID(int=0))


def test_the_process_of_a_submission_is_its_own() -> None:
    assert process_id_of(make_submit().batch, "tom-sawyer") == PROCESS
