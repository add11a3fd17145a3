"""One round over the sites whose review is due: a row that cannot be read stops no other."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import insert
from temporalio.testing import ActivityEnvironment

from activities.reviews import ReviewActivities
from approvals.contacts.commands import ContactForm, SaveContacts
from approvals.contacts.record import Contacts, process_id_of, shown_digest
from approvals.people import Role
from store import tables as t
from tests.factories import BECKY, DIRECTORY, START, TOM, make_id, role
from tests.installation import write_directory
from tests.sites import SITE
from tests.stored_life import StoredLife, code_of

SITED = DIRECTORY.model_copy(
    update={
        "sites": (SITE,),
        "roles": (*DIRECTORY.roles, role(BECKY, Role.PRIMARY_CONTACT, SITE.id)),
    }
)
BROKEN = make_id("a broken row")


@pytest.fixture
async def site(life: StoredLife) -> StoredLife:
    """A site whose contacts are saved, beside a row that nobody can read; both are due."""
    async with life.engines.write.begin() as connection:
        await write_directory(connection, SITED)
        await connection.execute(
            insert(t.process).values(
                id=BROKEN, kind="contacts", version=1, status="kept", state="{}", is_closed=False,
                due=START, site_id=SITE.id, begun_at=START,
            )
        )  # fmt: skip
    site = StoredLife(life.installation, life.clock, process=process_id_of(SITE.id))
    forms = [ContactForm(person=one.email) for one in (BECKY, TOM)]
    command = SaveContacts(
        site=SITE.slug, primary=forms[0], secondaries=tuple(forms[1:]),
        shown=shown_digest(None, SITE.id, SITED),
    )  # fmt: skip
    assert code_of(await site.says(BECKY, command)) is None
    site.waits(timedelta(days=40))
    return site


async def test_a_row_that_cannot_be_judged_is_logged_and_the_others_are_asked(
    site: StoredLife, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        woken = await ActivityEnvironment().run(ReviewActivities(site.door).wake_reviews)

    state = await site.installation.inbox.state(site.process)
    assert isinstance(state, Contacts)
    assert state.review is not None
    assert woken == 1
    assert str(BROKEN) in caplog.text


async def test_a_second_round_asks_nobody_twice(site: StoredLife) -> None:
    rounds = ReviewActivities(site.door)
    await ActivityEnvironment().run(rounds.wake_reviews)

    assert await ActivityEnvironment().run(rounds.wake_reviews) == 0
    assert [event for _, event in await site.audit()] == ["contacts_saved", "review_asked"]
