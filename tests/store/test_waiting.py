"""What may wait for somebody, and lists in parts, read on each database."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert

from approvals.people import Directory, OrganizationKind
from approvals.transition import State
from store import tables as t
from store.customers import Customers, Part
from store.engine import Engines
from store.pairings import Pairings
from store.sites import Sites
from store.waiting import FIRST, Waiting
from tests.factories import (
    BECKY,
    CLASSICS,
    JANE,
    MINUTE,
    START,
    TOM,
    make_id,
    make_organization,
)
from tests.installation import write_directory
from tests.pairings import PAIRED_DIRECTORY, make_pairing_life
from tests.sites import SID, SITE, SITES, SiteLife
from tests.stored_life import StoredLife
from tests.switching import HUCK, ON, SWITCH, SWITCHING, SwitchLife


async def known(engines: Engines, *directories: Directory) -> None:
    """Write directories."""
    async with engines.write.begin() as connection:
        for one in directories:
            await write_directory(connection, one)


async def filled(engines: Engines, states: Sequence[State]) -> None:
    """Store processes, of which each begins a minute after the one before."""
    rows = [
        {
            "id": one.process_id,
            "kind": one.kind,
            "version": one.version,
            "status": str(one.status),
            "state": one.model_dump_json(),
            "is_closed": one.is_closed,
            "begun_at": START + number * MINUTE,
            "tenant_id": one.index.tenant,
            "organization_id": one.index.organization,
            "requester_id": one.index.requester,
            "customer_id": one.index.customer,
            "site_id": one.index.site,
        }
        for number, one in enumerate(states)
    ]
    async with engines.write.begin() as connection:
        await connection.execute(insert(t.process), rows)


def switched() -> SwitchLife:
    """Return the switch that Jane threw at START."""
    life = SwitchLife()
    life.says(ON, JANE, START)
    return life


async def test_each_finds_what_may_wait_for_them(life: StoredLife) -> None:
    await known(life.engines, PAIRED_DIRECTORY, SITES, SWITCHING)
    asking = SiteLife()
    asking.asks(SID, START)
    offered = make_pairing_life("paired").pairing
    await filled(life.engines, [offered, asking.access(SID), switched().switch])
    waiting = Waiting(life.engines)

    found = {
        one.name: sorted(state.kind for state in await waiting.of(one.id))
        for one in (TOM, BECKY, JANE, SID)
    }

    assert found == {
        "Tom Sawyer": ["customer_access", "pairing"],
        "Becky Thatcher": ["customer_access", "pairing", "site_access"],
        "Jane Bennet": [],
        "Sid Sawyer": ["customer_access"],
    }


async def test_no_more_than_the_first_of_each_part_are_read(life: StoredLife) -> None:
    await known(life.engines, PAIRED_DIRECTORY)
    offered = make_pairing_life("paired").pairing
    copies = [
        offered.model_copy(update={"process_id": make_id(f"process {number}")})
        for number in range(FIRST + 1)
    ]
    await filled(life.engines, copies)

    found = await Waiting(life.engines).of(TOM.id)

    assert [one.process_id for one in found] == [one.process_id for one in copies[:0:-1]]


async def test_terms_wait_for_admins_while_the_partner_serves_them(life: StoredLife) -> None:
    await known(life.engines, SWITCHING)
    await filled(life.engines, [switched().switch])
    waiting = Waiting(life.engines)

    served = [await waiting.terms(one.id) for one in (TOM, BECKY, HUCK, JANE)]
    async with life.engines.write.begin() as connection:
        await connection.execute(delete(t.serves))
    after = [await waiting.terms(one.id) for one in (TOM, BECKY)]

    assert served == [SWITCH, SWITCH, None, None]
    assert after == [None, None]


async def test_the_pulse_tells_a_new_version(life: StoredLife) -> None:
    await known(life.engines, PAIRED_DIRECTORY)
    await filled(life.engines, [make_pairing_life("paired").pairing])
    waiting = Waiting(life.engines)
    before = await waiting.pulse(TOM.id)

    async with life.engines.write.begin() as connection:
        await connection.execute(t.process.update().values(version=9))

    assert before != await waiting.pulse(TOM.id) != ""
    assert await waiting.pulse(JANE.id) == ""


async def test_customers_are_read_in_parts_by_slug_and_status(life: StoredLife) -> None:
    slugs = ("inn", "inn-b", "inna", "inn2")
    inns = [make_organization(one, one, OrganizationKind.CUSTOMER) for one in slugs]
    served = Directory(
        organizations=tuple(inns), serves=tuple((CLASSICS.id, one.id) for one in inns)
    )
    await known(life.engines, SWITCHING, served)
    await filled(life.engines, [switched().switch])
    customers = Customers(life.engines)

    every = [one.customer for one in await customers.served(JANE.id)]
    walked: list[str] = []
    place: tuple[str, str] | None = None
    while found := await customers.served(JANE.id, Part(limit=2, after=place)):
        walked += [one.customer for one in found]
        place = (found[-1].partner, found[-1].customer)

    assert sorted(every) == sorted([*slugs, "hundred-acre", "tom-sawyer"])
    assert walked == every
    pending = await customers.served_by(CLASSICS.id, Part(status="pending"))
    never = await customers.served_by(CLASSICS.id, Part(status="never"))
    assert [one.customer for one in pending] == ["tom-sawyer"]
    assert sorted(one.customer for one in never) == sorted([*slugs, "hundred-acre"])


async def test_a_list_goes_on_after_its_last_process(life: StoredLife) -> None:
    await known(life.engines, PAIRED_DIRECTORY)
    pairing = make_pairing_life("active").pairing
    ids = [make_id(f"process {number}") for number in range(5)]
    await filled(life.engines, [pairing.model_copy(update={"process_id": one}) for one in ids])
    pairings, walked = Pairings(life.engines), list[UUID]()

    while found := await pairings.of(TOM.id, ["active"], 2, walked[-1] if walked else None):
        walked += [one.process_id for one in found]

    assert walked == ids[::-1]
    assert await pairings.of(TOM.id, (), 2, make_id("no process")) == []


async def test_the_sites_of_contacts_and_members_are_read_in_parts(life: StoredLife) -> None:
    await known(life.engines, SITES)
    asking = SiteLife()
    asking.asks(SID, START)
    await filled(life.engines, [asking.access(SID)])
    sites = Sites(life.engines)

    assert [await sites.of_viewer(one.id) for one in (BECKY, SID, JANE)] == [[SITE.id]] * 2 + [[]]
    assert await sites.of_viewer(BECKY.id, 1, SITE.slug) == []
