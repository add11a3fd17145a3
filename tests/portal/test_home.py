"""My tenants: what waits for its viewer, what they may enter, and every session they have open."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from approvals.contacts.record import process_id_of as contacts_of
from approvals.people import Person
from store import tables as t
from store.waiting import Waiting
from tests.factories import BECKY, CHRISTOPHER, ELIZABETH, JANE, TOM
from tests.installation import CarriedClock, commit, write_directory
from tests.pairings import CHARLES, FITZWILLIAM, GEORGIANA
from tests.portal.pairings import active, done_by, offered, stored, with_vendor
from tests.portal.site import Page, Site
from tests.portal.test_customers import SHOWN, switched_on
from tests.portal.test_sites import CONTACTS, asked, path_of
from tests.sites import HUCK, MUFF, SID, SITE, SITES
from tests.switching import SWITCHING

HEADING = "Waits for you"
IS_COUNTED = ContextVar("is_counted", default=False)  # in whoever looks, not in the worker


async def home_of(site: Site, person: Person) -> Page:
    """Return the first page of somebody."""
    return await (await site.signed_in(person)).get("/")


@pytest.fixture
async def paired(site: Site) -> Site:
    """The portal with a vendor, its group and the customers' trust admins."""
    return await with_vendor(site)


@pytest.fixture
async def works(site: Site) -> Site:
    """The portal with a site and its contacts."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SITES)
    return site


@pytest.fixture
async def switching(site: Site) -> Site:
    """The portal with partner admins of two partners of Tom Sawyer's."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    return site


@contextmanager
def counted(site: Site) -> Iterator[list[str]]:
    """Collect what the database is asked by who runs the block; workers ask beside it."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if IS_COUNTED.get() and statement.lstrip().upper().startswith("SELECT"):
            said.append(statement)

    engine = site.installation.engines.read.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    mark = IS_COUNTED.set(True)
    try:
        yield said
    finally:
        IS_COUNTED.reset(mark)
        event.remove(engine, "before_cursor_execute", note)


async def test_nothing_waits_so_nothing_is_said_of_it(still: Site) -> None:
    page = await home_of(still, ELIZABETH)

    assert page.status == 200
    assert HEADING not in page.text


async def test_an_offer_waits_for_the_trust_admin_and_for_nobody_else(paired: Site) -> None:
    path = await offered(paired)

    tom, christopher = await home_of(paired, TOM), await home_of(paired, CHRISTOPHER)
    charles = await home_of(paired, CHARLES)

    assert "offers to pair Customer Care with Tom Sawyer" in tom.text
    assert f'href="{path}"' in tom.html
    assert HEADING not in christopher.text + charles.text


async def test_asks_for_roles_and_consents_wait_until_they_are_answered(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)
    await done_by(charles, path, "ask_roles", roles=["admin"], reason="The queue.")
    await done_by(charles, path, "ask_consent", what="Restart the queue.")
    state = await stored(paired, path)

    both = await tom.get("/")
    await done_by(tom, path, f"decline_roles/{state.asks[0].id}", reason="Support is enough.")
    await done_by(tom, path, f"consent/{state.consents[0].id}")
    neither = await tom.get("/")

    assert "asks for roles in Tom Sawyer" in both.text
    assert "asks for your consent to a change in Tom Sawyer" in both.text
    assert HEADING not in neither.text


async def test_a_tenant_to_enter_shows_to_the_group_while_the_pairing_is_active(
    paired: Site,
) -> None:
    path, tom = await active(paired)
    georgiana = await paired.signed_in(GEORGIANA)

    may = await georgiana.get("/")
    not_of_the_group = await home_of(paired, FITZWILLIAM)
    await done_by(tom, path, "suspend", message="We move house.")
    may_not = await georgiana.get("/")

    assert "You may enter Tom Sawyer" in may.text
    assert HEADING not in not_of_the_group.text + may_not.text


async def test_a_locked_tenant_is_none_to_enter(paired: Site) -> None:
    await active(paired)
    async with paired.installation.engines.write.begin() as connection:
        await connection.execute(update(t.tenant).values(is_locked=True))

    page = await home_of(paired, GEORGIANA)

    assert HEADING not in page.text


async def test_a_session_under_a_pairing_is_listed_and_closed_from_there(paired: Site) -> None:
    path, _ = await active(paired)
    georgiana = await paired.signed_in(GEORGIANA)
    begun = await done_by(georgiana, path, "begin_session", mode="support")
    session = begun.goal.rpartition("/")[2]

    page = await georgiana.get("/")
    closed = await georgiana.send(page, f"{path}/end_session/{session}")

    assert f'href="{begun.goal}"' in page.html
    assert closed.status == 303
    assert "Open sessions" not in (await georgiana.get("/")).text


async def test_a_visit_to_the_platform_is_listed_among_the_sessions(switching: Site) -> None:
    await switched_on(switching)
    tom = await switching.signed_in(TOM)
    await tom.send(await tom.get(f"{SHOWN}/terms"), f"{SHOWN}/accept_terms")
    await tom.send(await tom.get(SHOWN), f"{SHOWN}/begin_session")

    page = await tom.get("/")

    assert "Open sessions Classics, Inc. Platform access" in page.text
    assert f'href="{SHOWN}"' in page.html


async def test_terms_wait_for_the_people_of_the_customer_until_one_accepts(
    switching: Site,
) -> None:
    await switched_on(switching)
    tom = await switching.signed_in(TOM)

    before, of_partner = await tom.get("/"), await home_of(switching, JANE)
    await tom.send(await tom.get(f"{SHOWN}/terms"), f"{SHOWN}/accept_terms")
    after = await tom.get("/")

    assert "Classics, Inc. lets your organization in" in before.text
    assert f'href="{SHOWN}/terms"' in before.html
    assert HEADING not in of_partner.text + after.text


async def test_who_asks_for_a_site_waits_for_those_who_may_decide(works: Site) -> None:
    sid = await asked(works, SID)

    becky, huck = await home_of(works, BECKY), await home_of(works, HUCK)

    assert "Sid Sawyer asks for Fence works St. Petersburg" in becky.text
    assert f'href="{path_of(SID)}"' in becky.html
    assert HEADING not in huck.text + (await sid.get("/")).text


async def test_a_review_waits_from_its_day_until_it_is_confirmed(
    works: Site, clock: CarriedClock
) -> None:
    becky = await works.signed_in(BECKY)
    await becky.send(await becky.get(CONTACTS), f"{CONTACTS}/switch_review_on")
    before = await becky.get("/")
    clock.fixed = datetime.now(UTC) + timedelta(days=35)
    await commit(works.installation.door(), contacts_of(SITE.id), None, clock.fixed)
    clock.fixed = None

    due = await becky.get("/")
    await becky.send(await becky.get(CONTACTS), f"{CONTACTS}/confirm_review")
    after = await becky.get("/")

    assert "The contacts of Fence works St. Petersburg are to be reviewed" in due.text
    assert f'href="{CONTACTS}"' in due.html
    assert HEADING not in before.text + after.text


async def test_the_number_of_questions_does_not_grow_with_what_waits(works: Site) -> None:
    becky = await works.signed_in(BECKY)
    await asked(works, SID)
    with counted(works) as few:
        await becky.get("/")
    await asked(works, MUFF)

    with counted(works) as more:
        page = await becky.get("/")

    assert page.text.count("asks for Fence works") == 2
    assert len(more) == len(few) > 0


async def test_the_pulse_of_the_page_changes_with_what_waits(works: Site) -> None:
    waiting = Waiting(works.installation.engines)
    before = await waiting.pulse(BECKY.id)

    await asked(works, SID)

    assert await waiting.pulse(BECKY.id) != before
    assert await waiting.pulse(ELIZABETH.id) == ""
