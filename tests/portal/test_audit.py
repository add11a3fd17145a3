"""The record of a process on its page: for operators of the installation, and for nobody else."""

import pytest
from sqlalchemy import text

from approvals.people import Person
from tests.factories import ELIZABETH, MARY, TOM
from tests.portal.site import Site


async def test_an_operator_reads_every_entry_refusals_included(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")
    action = f"/requests/{request}/deny"
    await tom.send(page, action, shown="0" * 64, reason="Not now.")
    await tom.send(page, action, reason="<b>Not</b> now.")
    mary = await site.signed_in(MARY)

    led = await mary.get(f"/audit?process={str(request).upper()}")
    record = await mary.follow(led)

    assert "The chain holds" in record.text
    assert "3 entries, oldest first" in record.text
    assert "Refused stale" in record.text
    assert "&lt;b&gt;Not&lt;/b&gt; now." in record.html
    assert "Tom Sawyer" in record.text


async def test_a_record_that_was_changed_is_called_so(site: Site) -> None:
    request = await site.asked()
    async with site.installation.engines.write.begin() as connection:
        names = await connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        )
        for name in names.scalars().all():
            await connection.execute(text(f"DROP TRIGGER {name}"))
        await connection.execute(text("UPDATE audit SET reason = 'another one'"))
    mary = await site.signed_in(MARY)

    record = await mary.get(f"/audit/{request}")

    assert "The record does not hold:" in record.text


@pytest.mark.parametrize("person", [ELIZABETH, TOM], ids=lambda one: one.name)
async def test_nobody_else_reads_records(site: Site, person: Person) -> None:
    request = await site.asked()
    browser = await site.signed_in(person)

    paths = ("/audit", f"/audit?process={request}", f"/audit/{request}")

    assert [(await browser.get(one)).status for one in paths] == [404] * 3
    assert "Audit" not in (await browser.get("/")).text


@pytest.mark.parametrize("number", ["nothing", "00000000-0000-4000-8000-00000000000"])
async def test_what_is_no_number_is_named_beside_its_field(site: Site, number: str) -> None:
    mary = await site.signed_in(MARY)

    wrong = await mary.get(f"/audit?process={number}")

    assert wrong.status == 422
    assert "That is not the number of a process." in wrong.text
    assert f'value="{number}"' in wrong.html


async def test_a_process_that_is_not_there_has_no_record(site: Site) -> None:
    mary = await site.signed_in(MARY)

    assert (await mary.get("/audit/00000000-0000-4000-8000-000000000009")).status == 404
