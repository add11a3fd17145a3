"""The record of a request: the split into tenants, what a decider sees, what stays concealed."""

import json
from uuid import UUID, uuid5

import pytest

from approvals.people import Tenant
from approvals.policy import Policy
from approvals.tenant_access.commands import ChangeEnd, Finish, Grant
from approvals.tenant_access.record import (
    Status,
    grants_of,
    process_id_of,
    shown_digest,
    shown_to_decider,
    split,
    standing,
)
from tests.factories import (
    BATCH,
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    ELIZABETH,
    HUNDRED_ACRE,
    MESSAGE,
    NAME,
    START,
    TOM,
    TOM_SAWYER,
    Life,
    make_granted_life,
    make_request,
    make_submit,
)

SHOWING = Policy(show_people=True)


def test_the_seeds_example_asks_each_tenant_for_exactly_its_people() -> None:
    associations = [
        ([CAROLINE.id], ["tom-sawyer"]),
        ([CHARLOTTE.id], ["tom-sawyer", "hundred-acre"]),
    ]

    asked = split(associations)

    assert asked == {
        "tom-sawyer": (CAROLINE.id, CHARLOTTE.id),
        "hundred-acre": (CHARLOTTE.id,),
    }


def test_a_person_associated_twice_is_asked_for_once() -> None:
    associations = [
        ([CHARLOTTE.id, CAROLINE.id], ["tom-sawyer"]),
        ([CAROLINE.id, ELIZABETH.id], ["tom-sawyer"]),
    ]

    asked = split(associations)

    assert asked == {"tom-sawyer": (CHARLOTTE.id, CAROLINE.id, ELIZABETH.id)}


def test_no_associations_ask_nobody() -> None:
    assert split([]) == {}


def test_the_same_batch_and_tenant_always_give_the_same_process() -> None:
    ids = {process_id_of(BATCH, "tom-sawyer") for _ in range(3)}

    assert ids == {uuid5(BATCH, "tom-sawyer")}


def test_another_batch_or_tenant_gives_another_process() -> None:
    ids = {
        process_id_of(BATCH, "tom-sawyer"),
        process_id_of(BATCH, "hundred-acre"),
        process_id_of(UUID(int=1), "tom-sawyer"),
    }

    assert len(ids) == 3


@pytest.mark.parametrize("policy", [Policy(), SHOWING])
def test_the_requests_name_is_never_shown(policy: Policy) -> None:
    shown = shown_to_decider(make_request(policy=policy))

    assert NAME not in json.dumps(shown)


def test_a_decider_sees_organization_message_and_clock() -> None:
    shown = shown_to_decider(make_request())

    assert shown["organization"] == str(CLASSICS.id)
    assert shown["message"] == MESSAGE
    assert shown["due_at"] == "2026-03-16T09:00:00+00:00"
    assert shown["ends_at"] is None


@pytest.mark.parametrize("tenant", [TOM_SAWYER, HUNDRED_ACRE])
def test_people_are_concealed_by_default(tenant: Tenant) -> None:
    shown = json.dumps(shown_to_decider(make_request(tenant)))

    assert str(CHARLOTTE.id) not in shown
    assert str(ELIZABETH.id) not in shown


def test_people_are_shown_where_the_policy_says_so() -> None:
    shown = shown_to_decider(make_request(policy=SHOWING))

    assert shown["people"] == [str(CAROLINE.id), str(CHARLOTTE.id)]


def test_concealed_people_are_outside_the_digest() -> None:
    with_two = make_request()
    with_one = make_request(people=(CHARLOTTE.id,))

    assert shown_digest(with_two) == shown_digest(with_one)


def test_shown_people_are_inside_the_digest() -> None:
    with_two = make_request(policy=SHOWING)
    with_one = make_request(policy=SHOWING, people=(CHARLOTTE.id,))

    assert shown_digest(with_two) != shown_digest(with_one)


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "Something else."},
        {"message": None},
        {"due_at": START + 15 * DAY},
        {"status": Status.GRANTED},
        {"ends_at": START + DAY},
        {"no_end": True},
        {"organization": TOM_SAWYER.organization},
        {"tenant": HUNDRED_ACRE.id},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_whatever_a_decision_rests_on_changes_the_digest(changes: dict[str, object]) -> None:
    request = make_request()

    other = request.model_copy(update=changes)

    assert shown_digest(other) != shown_digest(request)


def test_using_the_access_does_not_make_a_decision_stale() -> None:
    life = make_granted_life()
    seen = shown_digest(life.request)
    life.says(Finish(), CAROLINE, START + DAY)

    life.says(ChangeEnd(no_end=True, shown=seen), TOM, START + 2 * DAY)

    assert life.request.no_end


def test_a_pending_request_opens_nothing() -> None:
    assert grants_of(make_request()) == ()


def test_a_grant_opens_one_row_for_each_named_person() -> None:
    life = make_granted_life()

    grants = grants_of(life.request)

    assert [one.person for one in grants] == [CAROLINE.id, CHARLOTTE.id]
    assert {(one.tenant, one.requested_by, one.granted_by) for one in grants} == {
        (TOM_SAWYER.id, ELIZABETH.id, TOM.id)
    }
    assert {(one.ends_at, one.no_end) for one in grants} == {(START + 30 * DAY, False)}


def test_a_grant_without_an_end_says_so_in_both_fields() -> None:
    life = make_granted_life()

    step = life.says(ChangeEnd(no_end=True), TOM, START + DAY)

    assert {(one.ends_at, one.no_end) for one in step.grants} == {(None, True)}


def test_a_person_asked_for_twice_gets_one_row() -> None:
    life = Life()
    life.says(make_submit(people=(CAROLINE.id, CAROLINE.id)), ELIZABETH, START)

    step = life.says(Grant(no_end=True), TOM, START + DAY)

    assert [one.person for one in step.grants] == [CAROLINE.id]


def test_the_lists_find_a_request_by_ids_alone() -> None:
    index = make_request().index

    assert (index.tenant, index.organization) == (TOM_SAWYER.id, CLASSICS.id)
    assert (index.requester, index.batch) == (ELIZABETH.id, BATCH)
    assert index.named == (CAROLINE.id, CHARLOTTE.id)
    assert index.subject is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "it is pending and waits for a decision until 2026-03-16 09:00:00 UTC."),
        ({"status": Status.GRANTED}, "it is granted without an end date."),
        (
            {"status": Status.GRANTED, "ends_at": START + DAY},
            "it is granted until 2026-03-03 09:00:00 UTC.",
        ),
    ],
)
def test_a_request_says_where_it_stands(changes: dict[str, object], sentence: str) -> None:
    request = make_request().model_copy(update=changes)

    assert standing(request) == sentence
