"""People whom nobody has named: a mailed code proves their address, and makes them guests."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert

from approvals.commands import Command
from approvals.delivery import Outcome
from approvals.newcomers import GUESTS, person_id_of
from approvals.sign_in.commands import Begin, NewcomerForm, Prove
from identity.enrolment import proof_of
from identity.signing import SigningKey, fresh_nonce
from store import tables as t
from tests.factories import MINUTE
from tests.installation import CODES
from tests.sites import SITE
from tests.store.rows import rows_of
from tests.stored_life import StoredLife, kept

EMAIL = "injun.joe@cave.example"
WRONG = "0" * 64


class Arrival:
    """Somebody who comes by themselves, with a key of their own."""

    def __init__(self, life: StoredLife, site: str = SITE.slug) -> None:
        self.life, self.id, self.key = life, uuid4(), SigningKey.fresh()
        self._form = NewcomerForm(name="Joe", locale="es", site=site)

    async def says(self, command: Command) -> Outcome:
        """Sign with the key that is being enrolled, and deliver."""
        envelope = {"actor": None, "key_id": self.id, "issued_at": self.life.now}
        said = self.key.signed(self.id, command, nonce=fresh_nonce(), **envelope)
        return await self.life.hears(said, process=self.id)

    async def asks(self) -> Outcome:
        """Ask for a code as somebody new."""
        key = self.key.public
        begin = Begin(email=EMAIL, public_key=key, client="laptop", newcomer=self._form)
        return await self.says(begin)

    async def proves(self, proof: str | None = None) -> Outcome:
        """Prove the mailed code, or send another proof."""
        if proof is None:
            (row,) = await self.mails()
            proof = proof_of(self.id, self.key.public, CODES.opened(row["sealed"]))
        return await self.says(Prove(proof=proof))

    async def mails(self) -> list[Any]:
        """Return this sign-in's mails that hold a code."""
        rows = await self.life.outbox()
        return [one for one in rows if one["process_id"] == self.id and one["sealed"]]

    async def row(self) -> Any:
        """Return the sign-in's row."""
        rows = await rows_of(self.life.engines, "process")
        return next(one for one in rows if one["id"] == self.id)


@pytest.fixture
async def life(life: StoredLife) -> StoredLife:
    """The example's directory, with Tom's site."""
    values = {"organization_id": SITE.organization, **SITE.model_dump(exclude={"organization"})}
    async with life.engines.write.begin() as connection:
        await connection.execute(insert(t.site).values(**values))
    return life


async def guests(life: StoredLife) -> list[tuple[str, str]]:
    """Return address and name of whoever came by themselves."""
    people = await rows_of(life.engines, "person")
    return [(one["email"], one["name"]) for one in people if one["organization_id"] == GUESTS]


async def test_a_proved_newcomer_is_a_guest_and_the_row_says_whose_key_it_is(
    life: StoredLife,
) -> None:
    joe = Arrival(life)
    await joe.asks()
    before = (await joe.row())["requester_id"], await guests(life)

    outcome = await joe.proves()

    assert before == (None, [])
    assert outcome.status == "enrolled"
    assert await guests(life) == [(EMAIL, "Joe")]
    assert (await joe.row())["requester_id"] == person_id_of(EMAIL)
    await kept(life.engines)


async def test_a_wrong_code_makes_nobody(life: StoredLife) -> None:
    joe = Arrival(life)
    await joe.asks()

    outcome = await joe.proves(WRONG)

    assert outcome.refusal is not None
    assert (outcome.refusal.code, await guests(life)) == ("wrong_code", [])
    await kept(life.engines)


async def test_a_newcomer_to_no_site_gets_the_same_answer_and_no_mail(life: StoredLife) -> None:
    joe, nobody = Arrival(life), Arrival(life, site="nowhere")

    answers = [await one.asks() for one in (joe, nobody)]

    assert [one.status for one in answers] == ["pending", "pending"]
    assert (len(await joe.mails()), await nobody.mails()) == (1, [])


async def test_a_second_proof_of_the_same_address_finds_the_guest(life: StoredLife) -> None:
    first, second = Arrival(life), Arrival(life)
    await first.asks()
    await first.proves()
    life.waits(MINUTE)
    await second.asks()

    outcome = await second.proves()

    assert outcome.status == "enrolled"
    assert await guests(life) == [(EMAIL, "Joe")]
    assert (await second.row())["requester_id"] == (await first.row())["requester_id"]
