"""Who may start an onboarding and act on it, and whom it may name."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from approvals.commands import Command
from approvals.errors import (
    AlreadySubmittedError,
    ApprovalError,
    InvalidDecisionError,
    NotAuthorisedError,
    NotFoundError,
    SubmissionError,
)
from approvals.facts import Kin
from approvals.onboarding.commands import Abandon, NamedUser, Retry
from approvals.onboarding.record import Status, process_id_of
from approvals.people import Person
from tests.factories import (
    BATCH,
    ELIZABETH,
    MARY,
    NETHERFIELD,
    TOM,
)
from tests.onboardings import (
    AGENT,
    ARTHUR,
    CHARLES,
    LOUISA,
    OnboardingLife,
    life_in,
    make_life,
    make_start,
    refusing,
)


def test_one_that_exists_is_not_started_again() -> None:
    with pytest.raises(AlreadySubmittedError):
        make_life().says(make_start())


@pytest.mark.parametrize(
    ("by", "command", "refusal"),
    [
        (LOUISA, Retry(), None),
        (ARTHUR, Retry(), NotFoundError),
        (ELIZABETH, Abandon(), NotFoundError),
        (MARY, Retry(), NotFoundError),
    ],
)
def test_any_operator_of_the_vendor_acts_and_nobody_else_even_sees_it(
    by: Person, command: Command, refusal: type[ApprovalError] | None
) -> None:
    life = life_in("parked")

    if refusal is None:
        life.says(command, by)
        assert life.onboarding.status is Status.RUNNING
    else:
        with pytest.raises(refusal):
            life.says(command, by)


@pytest.mark.parametrize(
    ("by", "fields", "refusal"),
    [
        (ARTHUR, {}, NotAuthorisedError),
        (ELIZABETH, {}, NotAuthorisedError),
        (ELIZABETH, {"organization": "netherfield"}, NotFoundError),
        (MARY, {"organization": "classics"}, SubmissionError),
        (MARY, {"organization": "nobody"}, NotFoundError),
        (CHARLES, {"switch_on_for": "netherfield"}, SubmissionError),
        (CHARLES, {"switch_on_for": "nobody"}, SubmissionError),
        (
            CHARLES,
            {"users": (NamedUser(email=TOM.email.upper(), name="Tom", roles=(AGENT,)),)},
            SubmissionError,
        ),
    ],
)
def test_who_may_not_start_it_or_names_what_does_not_fit_is_refused(
    by: Person, fields: dict[str, Any], refusal: type[ApprovalError]
) -> None:
    life = OnboardingLife()

    with pytest.raises(refusal):
        life.says(make_start(**fields), by)

    assert life.state is None


def test_an_installation_operator_starts_it_for_a_named_vendor_and_the_record_names_both() -> None:
    life = OnboardingLife()

    started = life.says(make_start(organization="netherfield"), MARY)
    life.platform.before = refusing("create_customer")
    life.goes_on()
    life.says(Retry(), MARY)

    assert (started.actor, started.reason) == (MARY.id, "for netherfield")
    assert life.onboarding.vendor == NETHERFIELD.id


@pytest.mark.parametrize("slug", ["tom-sawyer", "classics"])
def test_a_slug_of_the_directory_is_refused(slug: str) -> None:
    life = OnboardingLife()

    with pytest.raises(SubmissionError, match=f"'{slug}' is in the directory already"):
        life.says(make_start(customer=slug), process=process_id_of(BATCH, slug))


def test_a_slug_that_is_being_onboarded_already_is_refused() -> None:
    life = OnboardingLife()
    other = uuid4()
    life.kin = Kin(open=other)

    with pytest.raises(SubmissionError, match=f"is being onboarded already: see {other}"):
        life.says(make_start())


def test_an_id_that_is_not_made_of_batch_and_customer_is_refused() -> None:
    with pytest.raises(InvalidDecisionError, match="process_id"):
        OnboardingLife().says(make_start(), process=uuid4())


@pytest.mark.parametrize(
    "secret",
    ["file:admiral-benbow", "file:admiral-benbow.pbx", "env:ADMIRAL_BENBOW"],
)
def test_a_pbx_secret_of_the_customers_own_may_be_named(secret: str) -> None:
    assert make_start(pbx={**PBX, "secret": secret}).pbx.secret == secret


@pytest.mark.parametrize(
    "secret",
    [
        "file:green-gables",
        "file:admiral",
        "file:admiral-benbow-inn",  # the slug of another customer may begin so
        "file:Admiral-Benbow",
        "file:platform-client",
        "env:GREEN_GABLES",
        "env:ADMIRAL_BENBOW_INN",
        "env:ADMIRAL",
    ],
)
def test_a_pbx_secret_of_another_customers_is_refused_with_the_rule(secret: str) -> None:
    with pytest.raises(ValidationError) as refused:
        make_start(pbx={**PBX, "secret": secret})

    assert "pbx.secret must name a secret of this customer's own" in str(refused.value)
    assert "file:admiral-benbow, or a file whose name begins with" in str(refused.value)


PBX = {"host": "pbx.admiral-benbow.example.com", "username": "import"}
