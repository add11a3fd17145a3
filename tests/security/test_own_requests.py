"""Nobody decides what they asked for or what lets them in, whoever they say they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from approvals.people import Person, Role
from identity.signing import SigningKey, fresh_nonce
from portal.keys import ensured
from store import tables as t
from tests.factories import CAROLINE, ELIZABETH, MARY, TOM, TOM_SAWYER, make_id
from tests.installation import key_id
from tests.portal.site import Site
from tests.security.ways import DECISIONS, WAYS, carried, command_of, events, sent_as_form
from tests.workflows.stage import eventually, on_both_databases


async def submitted(site: Site, requester: Person) -> UUID:
    """Send a request of that person's, who is also made an admin of the tenant that is asked."""
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(
            insert(t.role_assignment),
            [
                {"person_id": one.id, "role": Role.TENANT_ADMIN, "scope_id": TOM_SAWYER.id}
                for one in (requester, CAROLINE)
            ],
        )
    return await site.asked(requester, organization="classics" if requester == MARY else None)


async def told(site: Site, process: UUID, said: bytes, way: str) -> str:
    """Give signed bytes by one way; return the code of the refusal that was recorded."""
    await carried(site, process, said, way)

    async def is_refused() -> bool:
        return (await events(site, process))[-1].startswith("refused.")

    await eventually(is_refused)
    return (await events(site, process))[-1].removeprefix("refused.")


@on_both_databases
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("decision", DECISIONS)
@pytest.mark.parametrize("who", [ELIZABETH, CAROLINE, MARY], ids=["sender", "named", "operator"])
async def test_nobody_gets_their_own_way_in_by_any_way(
    site: Site, who: Person, decision: str, way: str
) -> None:
    process = await submitted(site, ELIZABETH if who == CAROLINE else who)

    if way == "form":
        status = await sent_as_form(site, await site.signed_in(who), process, decision)
        refusal = "own_request" if status == 403 else str(status)
    else:
        command = command_of(decision, await site.installation.shown(process))
        said = site.installation.signed(who, process, command)
        refusal = await told(site, process, said, way)

    assert refusal == "own_request"
    assert (await site.installation.request(process)).status == "pending"
    assert await events(site, process) == ["submitted", "refused.own_request"]


@on_both_databases
@pytest.mark.parametrize("way", ["update", "signal"])
@pytest.mark.parametrize("decision", DECISIONS)
async def test_another_name_or_another_key_is_no_way_round(
    site: Site, decision: str, way: str
) -> None:
    process = await submitted(site, ELIZABETH)
    command = command_of(decision, await site.installation.shown(process))
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
