"""Who may do what: every row of the roles, and what strangers, the disabled and the late hear."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from approvals import authority
from approvals.commands import Command
from approvals.errors import (
    ApprovalError,
    CommandStaleError,
    InvalidDecisionError,
    KeyRefusedError,
    NotAuthorisedError,
    NotFoundError,
    RateLimitedError,
    SubmissionError,
)
from approvals.facts import Counts
from approvals.instants import EARLIEST, LATEST
from approvals.people import Directory, Person, Role
from approvals.policy import Policy
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.sign_in.commands import RevokeKey, SignOut
from approvals.tenant_access import authority as asking
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import process_id_of
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    CLASSICS,
    DAY,
    DIRECTORY,
    ELIZABETH,
    EVERYBODY,
    FENCE_PAINTING,
    HOUR,
    JANE,
    LYDIA,
    MARY,
    MERYTON,
    MINUTE,
    MS,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    changed,
    make_key,
    make_request,
    make_signed,
    make_submit,
    role,
    with_roles,
    without_roles,
)

DECIDING = (
    Grant(no_end=True),
    Deny(reason="No."),
    ChangeEnd(no_end=True),
    Revoke(reason="No."),
)
TAKING_BACK = (Withdraw(), Finish(for_all=True))
USING = (BeginSession(mode=Mode.SUPPORT), Finish(), EndSession(session=UUID(int=1)))
MAY: list[tuple[tuple[Command, ...], tuple[Person, ...]]] = [
    (DECIDING, (TOM, BECKY)),
    (TAKING_BACK, (ELIZABETH, JANE)),
    (USING, (CAROLINE, CHARLOTTE)),
]
SEEING = (ELIZABETH, JANE, CAROLINE, CHARLOTTE, TOM, BECKY)
ROWS = [
    pytest.param(command, person, person in may, id=f"{command.kind} by {person.name}")
    for commands, may in MAY
    for command in commands
    for person in EVERYBODY
]


@pytest.mark.parametrize(("command", "person", "may"), ROWS)
def test_each_role_may_exactly_what_its_row_says(
    command: Command, person: Person, may: bool
) -> None:
    heard: type[ApprovalError] | None = None

    try:
        asking.require_role(make_request(), command, person.id, DIRECTORY)
    except ApprovalError as refusal:
        heard = type(refusal)

    refused = NotAuthorisedError if person in SEEING else NotFoundError
    assert heard == (None if may else refused)


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda person: person.name)
def test_those_with_a_part_in_the_request_see_it(person: Person) -> None:
    assert asking.may_see(make_request(), person.id, DIRECTORY) == (person in SEEING)


@pytest.mark.parametrize("person", SEEING, ids=lambda person: person.name)
def test_a_disabled_person_sees_nothing(person: Person) -> None:
    directory = changed(DIRECTORY, person, is_active=False)

    assert not asking.may_see(make_request(), person.id, directory)


@pytest.mark.parametrize("person", [ELIZABETH, CAROLINE])
def test_the_people_of_an_inactive_organization_see_nothing(person: Person) -> None:
    directory = changed(DIRECTORY, CLASSICS, is_active=False)

    assert not asking.may_see(make_request(), person.id, directory)


def test_whoever_lost_the_role_decides_no_more() -> None:
    with pytest.raises(NotFoundError):
        asking.require_role(make_request(), DECIDING[0], TOM.id, without_roles(DIRECTORY, TOM))


def test_an_admin_of_another_tenant_is_no_admin_of_this_one() -> None:
    with pytest.raises(NotFoundError):
        asking.require_role(make_request(), DECIDING[0], CHRISTOPHER.id, DIRECTORY)


@pytest.mark.parametrize("command", [*DECIDING, *TAKING_BACK, *USING])
def test_an_operator_who_sent_a_request_does_nothing_on_anybodys_behalf(command: Command) -> None:
    request = make_request(requester=MARY.id)

    with pytest.raises(NotAuthorisedError):
        asking.require_role(request, command, MARY.id, DIRECTORY)


@pytest.mark.parametrize("command", [make_submit(), SignOut(), RevokeKey(reason="No.")])
def test_a_command_without_a_row_is_for_nobody(command: Command) -> None:
    with pytest.raises(NotFoundError):
        asking.require_role(make_request(), command, TOM.id, DIRECTORY)


def test_the_sentence_names_the_act_and_the_role() -> None:
    with pytest.raises(NotAuthorisedError) as refusal:
        asking.require_role(make_request(), DECIDING[0], ELIZABETH.id, DIRECTORY)

    assert str(refusal.value) == (
        "You may not decide this request: that needs the role tenant_admin of the tenant."
    )


def test_a_tm_admin_asks_for_a_served_customer() -> None:
    asked = asking.require_submission(PROCESS, make_submit(), ELIZABETH.id, DIRECTORY)

    assert asked == (CLASSICS, TOM_SAWYER)


def test_an_operator_asks_for_a_named_organization() -> None:
    submit = make_submit(organization="classics")

    asked = asking.require_submission(PROCESS, submit, MARY.id, DIRECTORY)

    assert asked == (CLASSICS, TOM_SAWYER)


def test_a_tm_admin_may_name_their_own_organization() -> None:
    submit = make_submit(organization="classics")

    asked = asking.require_submission(PROCESS, submit, ELIZABETH.id, DIRECTORY)

    assert asked == (CLASSICS, TOM_SAWYER)


@pytest.mark.parametrize(
    ("fields", "actor", "refusal"),
    [
        pytest.param({}, CAROLINE, NotAuthorisedError, id="an account manager asks"),
        pytest.param({}, TOM, NotAuthorisedError, id="a customer's admin asks"),
        pytest.param({}, MARY, NotAuthorisedError, id="an operator names no organization"),
        pytest.param({}, WICKHAM, NotFoundError, id="a partner that does not serve the tenant"),
        pytest.param(
            {"organization": "meryton"}, MARY, NotFoundError, id="an operator for one of those"
        ),
        pytest.param(
            {"organization": "meryton"}, ELIZABETH, NotFoundError, id="for an organization not hers"
        ),
        pytest.param(
            {"organization": "classics"}, WICKHAM, NotFoundError, id="a stranger in its name"
        ),
        pytest.param(
            {"organization": "classics"}, TOM, NotFoundError, id="a customer's admin in its name"
        ),
        pytest.param(
            {"organization": "nobody"}, MARY, NotFoundError, id="for an organization unknown"
        ),
        pytest.param(
            {"people": (TOM.id,)}, ELIZABETH, SubmissionError, id="for a person of the customer"
        ),
        pytest.param(
            {"people": (CAROLINE.id, WICKHAM.id)}, ELIZABETH, SubmissionError, id="for one of two"
        ),
        pytest.param(
            {"people": (UUID(int=9),)}, ELIZABETH, SubmissionError, id="for a person unknown"
        ),
    ],
)
def test_a_submission_that_does_not_fit_is_refused(
    fields: dict[str, Any], actor: Person, refusal: type[ApprovalError]
) -> None:
    with pytest.raises(refusal):
        asking.require_submission(PROCESS, make_submit(**fields), actor.id, DIRECTORY)


def test_an_unknown_tenant_and_an_unserved_one_sound_the_same() -> None:
    unknown = make_submit().model_copy(update={"tenant": "nowhere"})
    heard = []

    for submit, actor in ((unknown, ELIZABETH), (make_submit(), WICKHAM)):
        process = process_id_of(submit.batch, submit.tenant)
        with pytest.raises(NotFoundError) as refusal:
            asking.require_submission(process, submit, actor.id, DIRECTORY)
        heard.append(str(refusal.value))

    assert heard[0] == heard[1]


def test_a_person_unknown_and_one_of_another_organization_sound_the_same() -> None:
    heard = []

    for person in (UUID(int=9), WICKHAM.id):
        with pytest.raises(SubmissionError) as refusal:
            asking.require_submission(
                PROCESS, make_submit(people=(person,)), ELIZABETH.id, DIRECTORY
            )
        heard.append(str(refusal.value))

    sentence = (
        "A person of this request does not belong to Classics, Inc.:"
        " name people of your own organization."
    )
    assert heard == [sentence, sentence]


DIRECTORIES: dict[str, tuple[Callable[[], Directory], type[ApprovalError], str]] = {
    "a tenant that is off": (
        lambda: changed(DIRECTORY, TOM_SAWYER, is_on=False),
        NotFoundError,
        "There is nothing here, or you may not see it.",
    ),
    "a customer that is inactive": (
        lambda: changed(DIRECTORY, FENCE_PAINTING, is_active=False),
        NotFoundError,
        "There is nothing here, or you may not see it.",
    ),
    "a tenant that is locked": (
        lambda: changed(DIRECTORY, TOM_SAWYER, is_locked=True),
        SubmissionError,
        "Tom Sawyer Fence Painting Co. is locked at the moment; nobody gets in.",
    ),
    "a tenant without an admin": (
        lambda: without_roles(DIRECTORY, TOM, BECKY),
        SubmissionError,
        "Tom Sawyer Fence Painting Co. has no admin who could decide. Ask them to name one.",
    ),
    "a tenant whose admins are all disabled": (
        lambda: changed(changed(DIRECTORY, TOM, is_active=False), BECKY, is_active=False),
        SubmissionError,
        "Tom Sawyer Fence Painting Co. has no admin who could decide. Ask them to name one.",
    ),
    "a named person who is disabled": (
        lambda: changed(DIRECTORY, CAROLINE, is_active=False),
        SubmissionError,
        "Not active any more: Caroline Bingley. Leave them out.",
    ),
    "a sender who is disabled": (
        lambda: changed(DIRECTORY, ELIZABETH, is_active=False),
        NotAuthorisedError,
        "You may not send a request: that needs the role tm_admin of your organization.",
    ),
    "a sender of an inactive organization": (
        lambda: changed(DIRECTORY, CLASSICS, is_active=False),
        NotAuthorisedError,
        "You may not send a request: that needs the role tm_admin of your organization.",
    ),
    "a customer no longer served": (
        lambda: DIRECTORY.model_copy(update={"serves": ()}),
        NotFoundError,
        "There is nothing here, or you may not see it.",
    ),
}


@pytest.mark.parametrize(
    ("directory", "refusal", "sentence"),
    [pytest.param(*row, id=said) for said, row in DIRECTORIES.items()],
)
def test_a_submission_is_judged_by_the_directory_as_of_now(
    directory: Callable[[], Directory], refusal: type[ApprovalError], sentence: str
) -> None:
    with pytest.raises(refusal) as heard:
        asking.require_submission(PROCESS, make_submit(), ELIZABETH.id, directory())

    assert str(heard.value) == sentence


def test_an_operator_does_not_wake_an_inactive_organization() -> None:
    directory = changed(DIRECTORY, CLASSICS, is_active=False)

    with pytest.raises(SubmissionError):
        asking.require_submission(PROCESS, make_submit(organization="classics"), MARY.id, directory)


def test_a_role_for_another_organization_sends_nothing() -> None:
    directory = with_roles(DIRECTORY, role(LYDIA, Role.TM_ADMIN, MERYTON.id))

    with pytest.raises(NotAuthorisedError):
        asking.require_submission(PROCESS, make_submit(), LYDIA.id, directory)


def test_a_submission_belongs_to_the_process_of_its_batch_and_tenant() -> None:
    with pytest.raises(InvalidDecisionError) as refusal:
        asking.require_submission(UUID(int=5), make_submit(), ELIZABETH.id, DIRECTORY)

    assert [field for field, _ in refusal.value.fields] == ["process_id"]


QUOTAS = Policy(per_hour_and_person=10, per_hour_and_pair=30, pending_per_pair_and_person=5)


def has_room(policy: Policy, counts: Counts) -> bool:
    """Whether one more request is within the quotas."""
    try:
        asking.require_quota(policy, counts)
    except RateLimitedError:
        return False
    return True


def test_quotas_are_off_by_default() -> None:
    counts = Counts(by_person=10**6, by_pair=10**6, pending_of_pair_and_person=10**6)

    assert has_room(Policy(), counts)


def test_one_below_every_quota_passes() -> None:
    counts = Counts(by_person=9, by_pair=29, pending_of_pair_and_person=4)

    assert has_room(QUOTAS, counts)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (Counts(by_person=10), "The limit is 10 requests an hour by one person."),
        (Counts(by_pair=30), "The limit is 30 requests an hour to one tenant."),
        (
            Counts(pending_of_pair_and_person=5),
            "The limit is 5 requests of yours waiting at one tenant.",
        ),
    ],
)
def test_a_quota_that_is_used_up_refuses_by_name(counts: Counts, sentence: str) -> None:
    with pytest.raises(RateLimitedError) as refusal:
        asking.require_quota(QUOTAS, counts)

    assert str(refusal.value) == f"{sentence} Try again later."


def is_fresh(age: timedelta) -> bool:
    """Whether a command counts at that age."""
    try:
        authority.require_fresh(make_signed(Withdraw(), at=START), START + age)
    except CommandStaleError:
        return False
    return True


@pytest.mark.parametrize("age", [-timedelta(seconds=30), timedelta(0), 5 * MINUTE - MS])
def test_a_command_counts_for_five_minutes(age: timedelta) -> None:
    assert is_fresh(age)


@pytest.mark.parametrize("age", [-timedelta(seconds=30) - MS, 5 * MINUTE, DAY])
def test_a_command_signed_too_early_or_late_is_refused(age: timedelta) -> None:
    assert not is_fresh(age)


@pytest.mark.parametrize("at", [EARLIEST, LATEST])
def test_the_first_and_last_instants_are_refused_like_any_other(at: datetime) -> None:
    signed = make_signed(Withdraw()).model_copy(update={"issued_at": at})

    with pytest.raises(CommandStaleError):
        authority.require_fresh(signed, START)


def test_a_key_speaks_for_its_person() -> None:
    signed = make_signed(Withdraw(), ELIZABETH)

    actor = authority.require_key(signed, make_key(ELIZABETH), DIRECTORY, START)

    assert actor == ELIZABETH.id


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw()), None, DIRECTORY, START)


def test_a_key_of_another_person_is_refused() -> None:
    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw()), make_key(JANE), DIRECTORY, START)


def test_a_message_without_an_actor_is_refused() -> None:
    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw(), None), make_key(JANE), DIRECTORY, START)


def test_a_revoked_key_is_refused() -> None:
    key = make_key(ELIZABETH, revoked_at=START - HOUR)

    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw()), key, DIRECTORY, START)


def test_a_key_counts_until_just_before_its_end() -> None:
    key = make_key(ELIZABETH, expires_at=START + MS)

    assert authority.require_key(make_signed(Withdraw()), key, DIRECTORY, START) == ELIZABETH.id


def test_a_key_at_its_end_is_refused() -> None:
    key = make_key(ELIZABETH, expires_at=START)

    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw()), key, DIRECTORY, START)


def test_the_key_of_a_disabled_person_is_refused() -> None:
    directory = changed(DIRECTORY, ELIZABETH, is_active=False)

    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw()), make_key(ELIZABETH), directory, START)


def test_the_key_of_an_inactive_organizations_person_is_refused() -> None:
    directory = changed(DIRECTORY, CLASSICS, is_active=False)

    with pytest.raises(KeyRefusedError):
        authority.require_key(make_signed(Withdraw()), make_key(ELIZABETH), directory, START)
