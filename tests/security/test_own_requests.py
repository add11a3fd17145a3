"""Nobody decides what they asked for or what lets them in, whoever they say they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from approvals.people import Person
from identity.signing import SigningKey, fresh_nonce
from portal.keys import ensured
from store import tables as t
from tests.factories import ELIZABETH, TOM, make_id
from tests.installation import key_id
from tests.portal.site import Site
from tests.security.matter import Matter
from tests.security.matters import OfTenants, on_every_matter
from tests.security.ways import WAYS, answered, carried, events
from tests.workflows.stage import eventually, on_both_databases


@on_both_databases
@on_every_matter
@pytest.mark.parametrize("way", WAYS)
async def test_nobody_gets_their_own_way_in_by_any_way(
    site: Site, matter: Matter, way: str
) -> None:
    for who, process in await matter.of_their_own():
        browser = await site.signed_in(who)
        for decision in matter.ends:
            if way == "form":
                status = await matter.sent_as_form(browser, process, decision)
                refusal = "own_request" if status == 403 else str(status)
            else:
                said = await matter.signed(who, process, decision)
                refusal = await answered(site, who, process, said, way, matter.kind) or "none"
            assert (refusal, who.name, decision) == ("own_request", who.name, decision)

        state = await matter.state(process)
        begun = (await events(site, process))[0]
        assert (state.status, state.version) == (matter.open, 1)
        # The second refusal of a kind within a minute is counted, and no entry of its own.
        assert await events(site, process) == [begun, "refused.own_request"]


@on_both_databases
@pytest.mark.parametrize("matter", [OfTenants], indirect=True)
@pytest.mark.parametrize("way", ["update", "signal"])
@pytest.mark.parametrize("decision", OfTenants.ends)
async def test_another_name_or_another_key_is_no_way_round(
    site: Site, matter: Matter, decision: str, way: str
) -> None:
    process = (await matter.of_their_own())[0][1]
    command = matter.command(decision, process)
    command = command.model_copy(update={"shown": await matter.shown(process)})
    second = SigningKey.fresh()
    async with site.installation.engines.write.begin() as connection:
        row = site.installation.key_row(ELIZABETH, datetime.now(UTC))
        row |= {"id": make_id("second key"), "public_key": second.public}
        await connection.execute(insert(t.key).values(**row))
    portal = ensured(site.settings.keys).service

    def signed(key: SigningKey, actor: Person, number: UUID) -> bytes:
        return key.signed(
            process, command, actor=actor.id, key_id=number,
            issued_at=datetime.now(UTC) - timedelta(0), nonce=fresh_nonce(),
        )  # fmt: skip

    for said in (
        signed(second, ELIZABETH, make_id("second key")),
        signed(site.installation.keys[ELIZABETH.id], TOM, key_id(ELIZABETH)),
        signed(site.installation.keys[ELIZABETH.id], TOM, key_id(TOM)),
        signed(portal, TOM, make_id("portal")),
    ):
        await carried(site, process, said, way)

    async def is_refused() -> bool:
        return {"refused.own_request", "refused.key_refused"} < set(await events(site, process))

    await eventually(is_refused)
    assert (await site.installation.request(process)).status == "pending"
    assert {one.partition(".")[0] for one in await events(site, process)} == {
        "submitted",
        "refused",
    }


@on_both_databases
@pytest.mark.parametrize("spelled", [str.upper, str.title, str])
async def test_one_address_is_never_two_people(site: Site, spelled: "type[str]") -> None:
    email = spelled(TOM.email)
    second = {
        "id": make_id("second account"), "email": email, "email_key": email.casefold(),
        "name": "Tom S.", "organization_id": TOM.organization, "is_active": True,
    }  # fmt: skip

    with pytest.raises(IntegrityError):
        async with site.installation.engines.write.begin() as connection:
            await connection.execute(insert(t.person).values(**second))
