"""Sessions: a named person's visits under a granted request, and how they end."""

from uuid import UUID

import pytest

from approvals.errors import NotFoundError, SubmissionError
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Finish, Revoke
from tests.factories import (
    CAROLINE,
    CHARLOTTE,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    MS,
    START,
    TOM,
    TOM_SAWYER,
    Life,
    changed,
    make_granted_life,
)

SUPPORT = BeginSession(mode=Mode.SUPPORT)
CONFIGURE = BeginSession(mode=Mode.CONFIGURE)


def open_sessions(life: Life) -> list[tuple[UUID, str]]:
    """Return person and mode of each open session, in order."""
    return [(one.person, one.mode) for one in life.last.sessions]


def test_a_session_names_person_tenant_mode_and_beginning() -> None:
    life = make_granted_life()

    step = life.says(SUPPORT, CAROLINE, START + DAY)

    (session,) = step.sessions
    assert (session.person, session.tenant) == (CAROLINE.id, TOM_SAWYER.id)
    assert (session.mode, session.begun_at) == ("support", START + DAY)
    assert step.receipt == str(session.id)


def test_a_grant_covers_both_modes_for_every_named_person() -> None:
    life = make_granted_life()

    for person, mode in ((CAROLINE, SUPPORT), (CAROLINE, CONFIGURE), (CHARLOTTE, SUPPORT)):
        life.says(mode, person, START + DAY)

    assert open_sessions(life) == [
        (CAROLINE.id, "support"),
        (CAROLINE.id, "configure"),
        (CHARLOTTE.id, "support"),
    ]


def test_a_second_session_in_the_same_mode_replaces_the_first() -> None:
    life = make_granted_life()

    first = life.says(SUPPORT, CAROLINE, START + DAY).receipt
    second = life.says(SUPPORT, CAROLINE, START + 2 * DAY).receipt

    assert first != second
    assert [str(one.id) for one in life.last.sessions] == [second]


def test_a_person_ends_one_session_of_their_own() -> None:
    life = make_granted_life()
    mine = life.says(SUPPORT, CAROLINE, START + DAY).receipt
    life.says(SUPPORT, CHARLOTTE, START + DAY)

    life.says(EndSession(session=UUID(mine)), CAROLINE, START + 2 * DAY)

    assert open_sessions(life) == [(CHARLOTTE.id, "support")]


def test_nobody_ends_the_session_of_another() -> None:
    life = make_granted_life()
    theirs = life.says(SUPPORT, CHARLOTTE, START + DAY).receipt

    with pytest.raises(NotFoundError):
        life.says(EndSession(session=UUID(theirs)), CAROLINE, START + 2 * DAY)


def test_a_session_that_never_was_cannot_be_ended() -> None:
    life = make_granted_life()

    with pytest.raises(NotFoundError):
        life.says(EndSession(session=UUID(int=7)), CAROLINE, START + DAY)


def test_a_session_ends_once() -> None:
    life = make_granted_life()
    mine = EndSession(session=UUID(life.says(SUPPORT, CAROLINE, START + DAY).receipt))
    life.says(mine, CAROLINE, START + 2 * DAY)

    with pytest.raises(NotFoundError):
        life.says(mine, CAROLINE, START + 2 * DAY)


def test_revoking_ends_every_session_at_once() -> None:
    life = make_granted_life()
    life.says(SUPPORT, CAROLINE, START + DAY)
    life.says(CONFIGURE, CHARLOTTE, START + DAY)

    step = life.says(Revoke(reason="Enough."), TOM, START + DAY + MS)

    assert (step.sessions, step.grants) == ((), ())


def test_expiry_ends_every_session() -> None:
    life = make_granted_life()
    life.says(SUPPORT, CAROLINE, START + DAY)

    step = life.ticks(START + 30 * DAY)

    assert step is not None
    assert (step.sessions, step.grants) == ((), ())


def test_being_done_ends_only_ones_own_sessions_and_grant() -> None:
    life = make_granted_life()
    life.says(SUPPORT, CAROLINE, START + DAY)
    life.says(SUPPORT, CHARLOTTE, START + DAY)

    step = life.says(Finish(), CAROLINE, START + 2 * DAY)

    assert open_sessions(life) == [(CHARLOTTE.id, "support")]
    assert [grant.person for grant in step.grants] == [CHARLOTTE.id]


def test_finishing_for_all_ends_every_session() -> None:
    life = make_granted_life()
    life.says(SUPPORT, CAROLINE, START + DAY)

    step = life.says(Finish(for_all=True), ELIZABETH, START + 2 * DAY)

    assert (step.sessions, step.grants) == ((), ())


def test_a_moved_end_and_a_reminder_leave_sessions_open() -> None:
    life = make_granted_life()
    life.says(SUPPORT, CAROLINE, START + DAY)

    life.says(ChangeEnd(ends_at=START + 20 * DAY), TOM, START + 2 * DAY)
    life.ticks(START + 13 * DAY)

    assert life.mail[-1] == (START + 13 * DAY, "end_reminder")
    assert open_sessions(life) == [(CAROLINE.id, "support")]


def test_nobody_enters_a_locked_tenant() -> None:
    life = make_granted_life()
    life.directory = changed(life.directory, TOM_SAWYER, is_locked=True)

    with pytest.raises(SubmissionError, match=r"Tom Sawyer Fence Painting Co\. is locked"):
        life.says(SUPPORT, CAROLINE, START + DAY)


def test_nobody_enters_a_tenant_that_is_off() -> None:
    life = make_granted_life()
    life.directory = changed(life.directory, TOM_SAWYER, is_on=False)

    with pytest.raises(NotFoundError):
        life.says(SUPPORT, CAROLINE, START + DAY)


def test_nobody_enters_the_tenant_of_an_inactive_customer() -> None:
    life = make_granted_life()
    life.directory = changed(life.directory, FENCE_PAINTING, is_active=False)

    with pytest.raises(NotFoundError):
        life.says(SUPPORT, CAROLINE, START + DAY)
