"""The lists: what awaits me, what I asked for, where I am named; and nothing of anybody else's."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete

from approvals.people import Person
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.commands import Deny
from approvals.tenant_access.record import process_id_of
from identity.signing import fresh_nonce
from store import tables as t
from store.inbox import Inbox
from tests.factories import (
    BATCH,
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    ELIZABETH,
    HUNDRED_ACRE,
    JANE,
    LYDIA,
    MARY,
    MINUTE,
    PROCESS,
    TOM,
    WICKHAM,
    make_submit,
)
from tests.installation import key_id
from tests.stored_life import StoredLife

SECOND = process_id_of(BATCH, HUNDRED_ACRE.slug)


@pytest.fixture
async def inbox(life: StoredLife) -> Inbox:
    """The seed's two requests: one granted, and a minute later one denied."""
    await life.granted()
    life.waits(MINUTE)
    second = StoredLife(life.installation, life.clock, process=SECOND)
    await second.submitted(HUNDRED_ACRE)
    await second.says(CHRISTOPHER, Deny(reason="Not now."))
    return Inbox(life.engines)


async def test_everybody_finds_what_is_theirs_and_newest_first(inbox: Inbox) -> None:
    people = (ELIZABETH, JANE, TOM, BECKY, CHRISTOPHER, CAROLINE, CHARLOTTE, LYDIA, WICKHAM, MARY)

    async def listed(person: Person) -> tuple[list[UUID], ...]:
        found = [await one(person.id) for one in (inbox.outgoing, inbox.incoming, inbox.named)]
        return tuple([request.process_id for request in one] for one in found)

    assert {one.name: await listed(one) for one in people} == {
        "Elizabeth Bennet": ([SECOND, PROCESS], [], []),
        "Jane Bennet": ([SECOND, PROCESS], [], []),
        "Tom Sawyer": ([], [PROCESS], []),
        "Becky Thatcher": ([], [PROCESS], []),
        "Christopher Robin": ([], [SECOND], []),
        "Caroline Bingley": ([], [], [PROCESS]),
        "Charlotte Lucas": ([], [], [SECOND, PROCESS]),
        "Lydia Bennet": ([], [], []),
        "George Wickham": ([], [], []),
        "Mary Bennet": ([], [], []),
    }


async def test_a_list_is_narrowed_by_status_and_by_length(inbox: Inbox) -> None:
    granted = await inbox.named(CHARLOTTE.id, ["granted", "pending"])
    denied = await inbox.outgoing(ELIZABETH.id, ["denied"])
    newest = await inbox.outgoing(ELIZABETH.id, limit=1)

    assert [one.process_id for one in granted] == [PROCESS]
    assert [one.process_id for one in denied] == [SECOND]
    assert [one.process_id for one in newest] == [SECOND]


async def test_who_loses_a_role_loses_its_list(inbox: Inbox, life: StoredLife) -> None:
    async with life.engines.write.begin() as connection:
        roles = t.role_assignment
        await connection.execute(delete(roles).where(roles.c.person_id == TOM.id))

    assert await inbox.incoming(TOM.id) == []


async def test_open_sessions_are_their_persons_own(inbox: Inbox, life: StoredLife) -> None:
    begun = await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))
    seen = [await inbox.sessions(one.id) for one in (CAROLINE, CHARLOTTE)]
    await life.says(CAROLINE, EndSession(session=UUID(begun.receipt)))

    assert [[str(one.id) for one in each] for each in seen] == [[begun.receipt], []]
    assert await inbox.sessions(CAROLINE.id) == []


async def test_the_mails_of_a_process_are_listed_with_their_fate(inbox: Inbox) -> None:
    mails = await inbox.mails(PROCESS)

    assert [(one.version, one.kind) for one in mails] == (
        [(1, "request_received")] * 2 + [(2, "request_granted")] * 3
    )
    assert {(one.status, one.attempts, one.reply) for one in mails} == {("pending", 0, None)}


async def test_an_answer_is_found_by_key_and_nonce(inbox: Inbox, life: StoredLife) -> None:
    nonce = fresh_nonce()
    outcome = await life.says(LYDIA, Deny(reason="No."), nonce=nonce)

    assert await inbox.outcome(key_id(LYDIA), nonce) == outcome
    assert await inbox.outcome(key_id(TOM), nonce) is None


async def test_keys_are_listed_for_their_person(inbox: Inbox) -> None:
    (key,) = await inbox.keys(TOM.id)

    assert (key.id, key.person, key.revoked_at) == (key_id(TOM), TOM.id, None)
    assert await inbox.keys(LYDIA.id) != [key]


async def test_a_state_that_is_not_there_is_none(inbox: Inbox) -> None:
    assert await inbox.state(uuid4()) is None
    assert (await inbox.state(PROCESS)) is not None


async def test_the_same_batch_again_is_no_second_line(inbox: Inbox, life: StoredLife) -> None:
    await life.says(ELIZABETH, make_submit())

    assert len(await inbox.outgoing(ELIZABETH.id)) == 2
