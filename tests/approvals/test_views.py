"""What somebody may see of a request: each side its own people, the recipient nobody concealed."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from approvals.audit import GENESIS, AuditEntry
from approvals.commands import CLOCK
from approvals.people import Person, PersonId, Role
from approvals.policy import Policy
from approvals.tenant_access.record import Status, TenantAccess, shown_digest
from approvals.tenant_access.views import name_shown, request_view, sees_people, timeline
from approvals.timeline import Line
from tests.factories import (
    ART_GALLERY,
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    CLASSICS,
    DAY,
    DIRECTORY,
    ELIZABETH,
    JANE,
    LYDIA,
    MARY,
    MINUTE,
    NAME,
    START,
    TOM,
    changed,
    make_id,
    make_request,
    role,
    with_roles,
)

ASKING = (ELIZABETH, JANE, CAROLINE, CHARLOTTE)
OPEN = make_request(policy=Policy(show_people=True))
SOMEBODY = "somebody of Classics, Inc."
NAMES = tuple(one.name for one in (*ASKING, LYDIA))


class Mailed(NamedTuple):
    """One mail and its fate."""

    to: PersonId
    version: int = 1
    kind: str = "request_granted"
    status: str = "sent"
    reply: str | None = "250 ok"
    at: datetime = START


def entry(event: str, actor: UUID | None, at: datetime = START, **more: object) -> AuditEntry:
    """Return one line of a chain."""
    fields: dict[str, object] = {
        "process": make_request().process_id,
        "seq": 1,
        "version": 1,
        "at": at,
        "actor": actor,
        "channel": "cli",
        "key": None,
        "nonce": None,
        "command": None,
        "event": event,
        "reason": None,
        "state": None,
        "previous": GENESIS,
    }
    return AuditEntry.model_validate({**fields, **more})


def lines(
    viewer: Person,
    *parts: AuditEntry | Mailed,
    state: TenantAccess | None = None,
) -> list[tuple[str, str, str]]:
    """Return event, name and text of each line that a viewer sees."""
    entries = [one for one in parts if isinstance(one, AuditEntry)]
    mails = [one for one in parts if isinstance(one, Mailed)]
    seen = timeline(state or make_request(), entries, mails, viewer.id, DIRECTORY)
    return [(one.event, one.who, one.text) for one in seen]


@pytest.mark.parametrize("viewer", ASKING, ids=lambda one: one.name)
def test_the_asking_side_sees_name_and_people(viewer: Person) -> None:
    view = request_view(make_request(), viewer.id, DIRECTORY)

    assert view.name == NAME
    assert view.people == ("Caroline Bingley", "Charlotte Lucas")


@pytest.mark.parametrize("viewer", [TOM, BECKY], ids=lambda one: one.name)
def test_the_recipient_sees_neither_name_nor_people(viewer: Person) -> None:
    view = request_view(make_request(), viewer.id, DIRECTORY)

    assert (view.name, view.people) == (None, None)
    assert not any(name in view.model_dump_json() for name in (NAME, *NAMES))
    assert (view.organization, view.tenant) == ("Classics, Inc.", "tom-sawyer")


def test_where_the_policy_shows_the_people_the_name_stays_with_the_sender() -> None:
    view = request_view(OPEN, TOM.id, DIRECTORY)

    assert view.people == ("Caroline Bingley", "Charlotte Lucas")
    assert view.name is None


def test_who_asks_and_also_decides_does_not_see_the_name() -> None:
    both = with_roles(DIRECTORY, role(ELIZABETH, Role.TENANT_ADMIN, make_request().tenant))

    assert request_view(make_request(), ELIZABETH.id, both).name is None


@pytest.mark.parametrize(
    ("viewer", "sees"),
    [(one, True) for one in ASKING] + [(one, False) for one in (LYDIA, TOM, CHRISTOPHER, MARY)],
    ids=lambda one: getattr(one, "name", str(one)),
)
def test_people_are_seen_by_those_who_ask_or_are_named(viewer: Person, sees: bool) -> None:
    assert sees_people(make_request(), viewer.id, DIRECTORY) is sees
    assert sees_people(OPEN, viewer.id, DIRECTORY)


def test_all_who_may_decide_are_named() -> None:
    view = request_view(make_request(), CAROLINE.id, DIRECTORY)

    assert view.deciders == ("Tom Sawyer", "Becky Thatcher")


def test_a_decision_is_told_with_who_and_when_and_the_answer() -> None:
    decided = make_request(
        status=Status.GRANTED,
        decided_by=TOM.id,
        decided_at=START + MINUTE,
        answer="Mind the paint.",
        ends_at=START + DAY,
    )

    view = request_view(decided, CAROLINE.id, DIRECTORY)

    assert (view.status, view.decided_by, view.answer) == (
        "granted",
        "Tom Sawyer",
        "Mind the paint.",
    )
    assert (view.decided_at, view.ends_at, view.no_end) == (START + MINUTE, START + DAY, False)


def test_before_a_decision_nobody_has_decided() -> None:
    view = request_view(make_request(), TOM.id, DIRECTORY)

    assert (view.decided_by, view.decided_at, view.answer, view.ends_at) == (None,) * 4


def test_a_view_carries_the_digest_of_what_a_decider_sees() -> None:
    state = make_request()
    others = make_request(people=(LYDIA.id,), name="Other")

    view = request_view(state, TOM.id, DIRECTORY)

    assert view.shown == shown_digest(state) == shown_digest(others)


def test_what_the_directory_no_longer_knows_leaves_a_gap_and_no_error() -> None:
    bare = DIRECTORY.model_copy(update={"tenants": (), "organizations": (), "people": ()})

    view = request_view(make_request(decided_by=TOM.id), ELIZABETH.id, bare)

    assert (view.organization, view.tenant, view.tenant_name) == ("", "", "")
    assert view.decided_by == "somebody no longer listed"
    assert set(view.people or ()) == {"somebody no longer listed"}


@pytest.mark.parametrize("actor", [*ASKING, LYDIA], ids=lambda one: one.name)
def test_nobody_of_the_asking_side_is_named_to_the_recipient(actor: Person) -> None:
    assert name_shown(make_request(), actor.id, TOM.id, DIRECTORY) == SOMEBODY
    assert name_shown(make_request(), actor.id, CAROLINE.id, DIRECTORY) == actor.name
    assert name_shown(OPEN, actor.id, TOM.id, DIRECTORY) == actor.name


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        (TOM.id, "Tom Sawyer"),
        (MARY.id, "Mary Bennet"),
        (CLOCK, "the clock"),
        (None, "unknown"),
        (make_id("gone"), "somebody no longer listed"),
    ],
)
@pytest.mark.parametrize("viewer", [TOM, CAROLINE], ids=lambda one: one.name)
def test_everybody_else_is_named_to_both_sides(
    viewer: Person, actor: UUID | None, name: str
) -> None:
    assert name_shown(make_request(), actor, viewer.id, DIRECTORY) == name


def test_a_concealed_person_of_an_unknown_organization_stays_concealed() -> None:
    bare = DIRECTORY.model_copy(update={"organizations": ()})

    shown = name_shown(make_request(), CAROLINE.id, TOM.id, bare)

    assert shown == "somebody of the asking organization"


def test_a_named_person_who_moved_elsewhere_stays_concealed() -> None:
    moved = changed(DIRECTORY, CAROLINE, organization=ART_GALLERY.id)

    assert name_shown(make_request(), CAROLINE.id, TOM.id, moved) == SOMEBODY


def test_a_timeline_is_told_in_the_order_of_time() -> None:
    seen = lines(
        ELIZABETH,
        entry("granted", TOM.id, START + 2 * MINUTE, reason="Mind the paint."),
        entry("submitted", ELIZABETH.id),
        Mailed(TOM.id, kind="request_received", at=START + MINUTE),
        entry("expired", CLOCK, START + DAY),
    )

    assert seen == [
        ("submitted", "Elizabeth Bennet", ""),
        ("mail.sent", "Tom Sawyer", "request received"),
        ("granted", "Tom Sawyer", "Mind the paint."),
        ("expired", "the clock", ""),
    ]


def test_refusals_stand_on_the_timeline_with_those_left_out() -> None:
    refused = entry("refused.end_date", TOM.id, version=None, left_out=3)

    assert lines(TOM, refused) == [("refused.end_date", "Tom Sawyer", "(3 more left out)")]


def test_a_mail_that_was_not_sent_says_why_to_its_own_side() -> None:
    failed = Mailed(CAROLINE.id, status="failed", reply=f"550 no {CAROLINE.email} here")

    assert lines(ELIZABETH, failed) == [
        ("mail.failed", "Caroline Bingley", f"request granted: 550 no {CAROLINE.email} here")
    ]


def test_the_mail_servers_words_tell_the_recipient_no_address() -> None:
    failed = Mailed(CAROLINE.id, status="failed", reply=f"550 no {CAROLINE.email} here")

    assert lines(TOM, failed) == [
        ("mail.failed", SOMEBODY, "request granted: what the mail server said is not shown")
    ]


def test_a_mail_that_waits_has_no_reply_yet() -> None:
    waiting = Mailed(CAROLINE.id, status="pending", reply=None)

    assert lines(TOM, waiting) == [("mail.pending", SOMEBODY, "request granted")]


def test_the_number_of_mails_does_not_tell_how_many_are_concealed() -> None:
    mails = [Mailed(one.id, at=START + number * MINUTE) for number, one in enumerate(ASKING)]

    assert len(lines(TOM, *mails)) == 1
    assert len(lines(ELIZABETH, *mails)) == len(ASKING)
    assert len(lines(TOM, *mails, state=OPEN)) == len(ASKING)


def test_mails_of_another_transition_or_fate_stand_by_themselves() -> None:
    granted, again = Mailed(CAROLINE.id), Mailed(CAROLINE.id, version=2)
    failed = Mailed(CHARLOTTE.id, status="failed", reply="550 no")

    assert len(lines(TOM, granted, again, failed)) == 3


def test_mails_to_several_admins_are_all_told() -> None:
    mails = [Mailed(one.id, kind="request_received") for one in (TOM, BECKY)]

    assert [who for _, who, _ in lines(BECKY, *mails)] == ["Tom Sawyer", "Becky Thatcher"]


def test_a_line_is_at_its_own_moment() -> None:
    at = START + timedelta(seconds=5)

    (line,) = timeline(make_request(), [entry("granted", TOM.id, at)], [], TOM.id, DIRECTORY)

    assert line == Line(at=at, event="granted", who="Tom Sawyer")


def test_the_recipient_reads_no_name_of_the_asking_side_in_a_whole_life() -> None:
    state = make_request(decided_by=TOM.id)
    parts: list[AuditEntry | Mailed] = [
        entry("submitted", ELIZABETH.id),
        entry("granted", TOM.id),
        entry("session_begun", CAROLINE.id),
        entry("refused.not_found", LYDIA.id, version=None),
        entry("finished", CHARLOTTE.id),
        *(Mailed(one.id) for one in ASKING),
    ]

    told = (
        str(lines(TOM, *parts, state=state))
        + request_view(state, TOM.id, DIRECTORY).model_dump_json()
    )

    assert not any(name in told for name in (NAME, *NAMES))
    assert CLASSICS.name in told
