"""Nobody decides what they asked for or what lets them in, whoever they say they are."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from identity.signing import SigningKey, fresh_nonce
from portal.keys import ensured
from store import tables as t
from tests.factories import ELIZABETH, TOM, make_id
from tests.installation import key_id
from tests.portal.site import Site
from tests.security.matter import Matter
from tests.security.matters import OfTenants, on_every_matter
from tests.security.ways import WAYS, answered, carried, events, heard
from tests.workflows.stage import on_both_databases


@on_both_databases
@on_every_matter
@pytest.mark.parametrize("way", WAYS)
async def test_nobody_gets_their_own_way_in_by_any_way(
    site: Site, matter: Matter, way: str
) -> None:
    for decision in matter.ends:
        for who, process in await matter.of_their_own():
            (begun,) = await events(site, process)
            if way == "form":
                browser = await site.signed_in(who)
                assert await matter.sent_as_form(browser, process, decision) == 403
            else:
                said = await matter.signed(who, process, decision)
                refusal = await answered(site, who, process, said, way, matter.kind)
                assert refusal == "own_request", (who.name, decision)
            state = await matter.state(process)
            assert (state.status, state.version) == (matter.open, 1)
            assert await events(site, process) == [begun, "refused.own_request"]


@on_both_databases
@pytest.mark.parametrize("matter", [OfTenants], indirect=True)
@pytest.mark.parametrize("way", ["update", "signal"])
@pytest.mark.parametrize("decision", OfTenants.ends)
async def test_another_name_or_another_key_is_no_way_round(
    site: Site, matter: Matter, decision: str, way: str
) -> None:
    await matter.of_their_own()  # from here on Elizabeth is an admin of the tenant too
    second, own = SigningKey.fresh(), site.installation.keys[ELIZABETH.id]
    async with site.installation.engines.write.begin() as connection:
        row = site.installation.key_row(ELIZABETH, datetime.now(UTC))
        row |= {"id": make_id("second key"), "public_key": second.public}
        await connection.execute(insert(t.key).values(**row))
    portal = ensured(site.settings.keys).service

    for key, actor, number, refusal in (
        (second, ELIZABETH, make_id("second key"), "own_request"),
        (own, TOM, key_id(ELIZABETH), "key_refused"),
        (own, TOM, key_id(TOM), "invalid_decision"),
        (portal, TOM, make_id("portal"), "invalid_decision"),
    ):
        process = await matter.begun()
        command = matter.command(decision, process)
        command = command.model_copy(update={"shown": await matter.shown(process)})
        said = key.signed(
            process, command, actor=actor.id, key_id=number,
            issued_at=datetime.now(UTC), nonce=fresh_nonce(),
        )  # fmt: skip
        await carried(site, process, said, way)
        assert (await heard(site, process, 1))[1:] == [f"refused.{refusal}"], (actor.name, number)
        assert (await matter.state(process)).status == matter.open


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
