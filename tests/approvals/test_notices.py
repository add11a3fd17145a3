"""Who is told what: every notice of a request, to whom it goes, and what it never says."""

import json
from uuid import UUID

import pytest

from approvals.commands import Command, Tick
from approvals.notices import AddressedNotice, addressed, notice_id
from approvals.people import Directory, Person, Role
from approvals.policy import Policies, Policy
from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    CLASSICS,
    DAY,
    DIRECTORY,
    ELIZABETH,
    HOUR,
    HUNDRED_ACRE,
    JANE,
    MESSAGE,
    NAME,
    PROCESS,
    START,
    TOM,
    TOM_SAWYER,
    Life,
    Step,
    changed,
    make_life,
    make_submit,
    role,
    with_roles,
    without_roles,
)

ANSWER = "Come in by the gate."
WHY = "The fence is painted."
GRANTED = Step(Grant(ends_at=START + 30 * DAY, message=ANSWER), TOM, HOUR, "granted")
FINISHED_ONE = Step(Finish(), CAROLINE, DAY, "granted")
FINISHED = Step(Finish(), CHARLOTTE, DAY, "finished")
FINISHED_FOR_ALL = Step(Finish(for_all=True), JANE, DAY, "finished")
SUBMIT_TO_GALLERY = make_submit(HUNDRED_ACRE)
ADMINS = (TOM, BECKY)
ASKERS = (ELIZABETH, CAROLINE, CHARLOTTE)


def tick(days: int) -> Step:
    """Return a tick so many days after START."""
    return Step(Tick(), None, days * DAY, "")


def say(said: Command, by: Person) -> Step:
    """Return a command given a day after START."""
    return Step(said, by, DAY, "")


# What happened after the submission, the kind that the last step causes, and whom it reaches.
TELLINGS = {
    "submitted": ([], "request_received", ADMINS),
    "a pending request reminds": ([tick(7)], "request_reminder", ADMINS),
    "granted": ([GRANTED], "request_granted", ASKERS),
    "denied": ([say(Deny(reason=WHY), TOM)], "request_denied", ASKERS),
    "withdrawn": ([say(Withdraw(), ELIZABETH)], "request_withdrawn", ADMINS),
    "lapsed": ([tick(14)], "request_lapsed", ASKERS),
    "end changed": ([GRANTED, say(ChangeEnd(no_end=True), TOM)], "end_changed", ASKERS),
    "the end reminds": ([GRANTED, tick(23)], "end_reminder", ASKERS),
    "revoked": ([GRANTED, say(Revoke(reason=WHY), BECKY)], "access_revoked", ASKERS),
    "expired": ([GRANTED, tick(30)], "access_expired", ASKERS),
    "finished": ([GRANTED, FINISHED_ONE, FINISHED], "access_finished", (ELIZABETH, *ADMINS)),
    "finished for all": ([GRANTED, FINISHED_FOR_ALL], "access_finished", (ELIZABETH, *ADMINS)),
    "one of two is done": ([GRANTED, FINISHED_ONE], "", ()),
    "a session begins": ([GRANTED, say(BeginSession(mode=Mode.SUPPORT), CAROLINE)], "", ()),
}  # fmt: skip
SCENARIOS = [pytest.param(steps, id=said) for said, (steps, _, _) in TELLINGS.items()]
EXPECTED = [pytest.param(*telling, id=said) for said, telling in TELLINGS.items()]


def lived(steps: list[Step], policy: Policy | None = None) -> Life:
    """Return a life after these steps."""
    life = make_life(policy=policy)
    for step in steps:
        life.takes(step)
    return life


def told(life: Life, directory: Directory = DIRECTORY) -> tuple[AddressedNotice, ...]:
    """Return what the latest transition tells: one notice a person."""
    return addressed(life.last, directory)


def words(notice: AddressedNotice) -> str:
    """Return all that a template could write of a notice."""
    return json.dumps([notice.kind, notice.facts])


@pytest.mark.parametrize(("steps", "kind", "people"), EXPECTED)
def test_each_event_tells_exactly_whom_it_concerns(
    steps: list[Step], kind: str, people: tuple[Person, ...]
) -> None:
    notices = told(lived(steps))

    assert {one.person for one in notices} == {one.id for one in people}
    assert {one.kind for one in notices} == ({kind} if kind else set())
    assert len(notices) == len(people)


@pytest.mark.parametrize("policy", [Policy(), Policy(show_people=True)])
@pytest.mark.parametrize("steps", SCENARIOS)
def test_no_notice_ever_says_the_requests_name(steps: list[Step], policy: Policy) -> None:
    notices = told(lived(steps, policy))

    assert not any(NAME in words(one) for one in notices)


@pytest.mark.parametrize("steps", SCENARIOS)
def test_no_notice_to_an_admin_tells_of_people_by_default(steps: list[Step]) -> None:
    to_admins = [one for one in told(lived(steps)) if one.person in {TOM.id, BECKY.id}]

    concealed = [text for one in ASKERS for text in (str(one.id), one.name, one.email)]
    assert not any(text in words(one) for one in to_admins for text in concealed)


def test_admins_are_told_of_people_where_the_policy_shows_them() -> None:
    notices = told(lived([], Policy(show_people=True)))

    assert [one.facts["people"] for one in notices] == [["Caroline Bingley", "Charlotte Lucas"]] * 2


def test_an_organization_that_shows_its_people_shows_them_to_every_tenant() -> None:
    life = Life()
    life.policies = Policies(showing=frozenset({CLASSICS.slug}))
    life.says(SUBMIT_TO_GALLERY, ELIZABETH, START)

    (notice,) = told(life)

    assert notice.facts["people"] == ["Charlotte Lucas"]


def test_the_gallerys_admin_alone_is_told_of_the_gallerys_request() -> None:
    life = make_life(tenant=HUNDRED_ACRE)

    (notice,) = told(life)

    assert notice.person == CHRISTOPHER.id
    assert notice.facts["tenant"] == "Hundred Acre Wood Art Gallery"
    assert notice.facts["organization"] == "Classics, Inc."


def test_the_gallerys_answer_reaches_charlotte_and_the_sender_only() -> None:
    life = make_life(tenant=HUNDRED_ACRE)
    life.says(Grant(no_end=True), CHRISTOPHER, START + HOUR)

    people = {one.person for one in told(life)}

    assert people == {ELIZABETH.id, CHARLOTTE.id}


def test_the_admins_read_the_senders_message() -> None:
    (first, _) = told(lived([]))

    assert first.facts["message"] == MESSAGE


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([GRANTED], ANSWER),
        ([say(Deny(reason=WHY), TOM)], WHY),
        ([GRANTED, say(Revoke(reason=WHY), TOM)], WHY),
        ([GRANTED, tick(30)], ANSWER),
        ([tick(14)], None),
    ],
)
def test_the_asking_side_reads_the_admins_text(steps: list[Step], text: str | None) -> None:
    notices = told(lived(steps))

    assert {one.facts["message"] for one in notices} == {text}


def test_instants_travel_as_iso_8601_in_utc() -> None:
    (notice, *_) = told(lived([GRANTED]))

    assert notice.facts["due_at"] == "2026-03-16T09:00:00+00:00"
    assert notice.facts["ends_at"] == "2026-04-01T09:00:00+00:00"


def test_a_notice_knows_who_sent_the_request() -> None:
    notices = told(lived([GRANTED]))

    assert [one.facts["is_requester"] for one in notices] == [True, False, False]


def test_whoever_became_admin_since_is_told() -> None:
    newcomer = with_roles(
        without_roles(DIRECTORY, TOM), role(CHRISTOPHER, Role.TENANT_ADMIN, TOM_SAWYER.id)
    )

    people = {one.person for one in told(lived([tick(7)]), newcomer)}

    assert people == {BECKY.id, CHRISTOPHER.id}


def test_nobody_who_left_is_told() -> None:
    without_caroline = changed(DIRECTORY, CAROLINE, is_active=False)

    people = {one.person for one in told(lived([GRANTED]), without_caroline)}

    assert people == {ELIZABETH.id, CHARLOTTE.id}


def test_a_sender_who_is_named_too_is_told_once() -> None:
    life = Life()
    people = (ELIZABETH.id, CAROLINE.id)
    life.says(SUBMIT_TO_GALLERY.model_copy(update={"people": people}), ELIZABETH, START)
    life.says(Deny(reason=WHY), CHRISTOPHER, START + HOUR)

    assert [one.person for one in told(life)] == [ELIZABETH.id, CAROLINE.id]


def test_a_sender_who_is_admin_too_is_told_once_of_the_finish() -> None:
    directory = with_roles(DIRECTORY, role(ELIZABETH, Role.TENANT_ADMIN, TOM_SAWYER.id))

    notices = told(lived([GRANTED, FINISHED_FOR_ALL]), directory)

    assert sorted(str(one.person) for one in notices) == sorted(
        str(one.id) for one in (ELIZABETH, TOM, BECKY)
    )


@pytest.mark.parametrize("steps", SCENARIOS)
def test_telling_again_gives_the_same_ids(steps: list[Step]) -> None:
    first, second = told(lived(steps)), told(lived(steps))

    assert first == second
    assert len({one.id for one in first}) == len(first)


def test_every_version_kind_and_person_has_its_own_id() -> None:
    ids: set[UUID] = {
        notice_id(process, version, kind, person)
        for process in (PROCESS, UUID(int=1))
        for version in (1, 2)
        for kind in ("request_reminder", "end_reminder")
        for person in (TOM.id, BECKY.id)
    }

    assert len(ids) == 16
