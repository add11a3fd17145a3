"""Passkeys at the door: what is added, what signs in, and who decides with which key."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from approvals.delivery import Outcome
from approvals.passkeys import challenge, id_of
from approvals.people import Person
from approvals.sign_in.commands import AddPasskey, Begin, Prove, RemovePasskey, vouched
from approvals.tenant_access.commands import Deny
from identity.passkeys import RelyingParty
from identity.signing import SigningKey, encoded
from store import tables as t
from store.drift import drifted
from tests.activities.test_sign_in_at_the_door import Login, audit_of, keys_of
from tests.authenticator import Device
from tests.factories import BECKY, ELIZABETH, MINUTE, TOM, TOM_SAWYER
from tests.store.rows import rows_of
from tests.stored_life import StoredLife, code_of, kept

SECOND = timedelta(seconds=1)
HOST, ORIGIN = "gatehouse.example.com", "https://gatehouse.example.com"
PORTAL = SigningKey.fresh()


@pytest.fixture
async def life(life: StoredLife) -> StoredLife:
    """A door that was told of one portal, and of where it is. Becky looks after security."""
    async with life.engines.write.begin() as connection:
        await connection.execute(t.role_assignment.insert(), role(BECKY, "security_contact"))
    life.installation.portals = (PORTAL.public,)
    life.installation.authenticators = RelyingParty.of(ORIGIN)
    life.door = life.installation.door(life.mail)
    return life


def role(person: Person, name: str) -> dict[str, Any]:
    """Return the row of a role: for Tom Sawyer's tenant, or an operator's for everything."""
    scope = t.INSTALLATION if name == "operator" else TOM_SAWYER.id
    return {"person_id": person.id, "role": name, "scope_id": scope}


class Window(Login):
    """A browser, whose key the portal holds."""

    def __init__(self, life: StoredLife, person: Person = TOM) -> None:
        super().__init__(life, person.email)
        self.person = person

    async def asks(self) -> Outcome:
        self.life.waits(SECOND)  # the newest code alone counts
        return await self.says(self.begin())

    async def enrolled(self) -> "Window":
        await super().enrolled()
        return self

    def begin(self, **changes: Any) -> Begin:
        """Return what the portal says first."""
        voucher = PORTAL.signature(vouched(self.id, self.key.public))
        said = {
            "email": self.email, "public_key": self.key.public, "client": "Firefox",
            "voucher": voucher,
        }  # fmt: skip
        return Begin(**{**said, **changes})

    async def adds(self, device: Device, **changes: Any) -> Outcome:
        """Add the passkey of a device."""
        return await self.says(self.adding(device), actor=self.person.id, **changes)

    def adding(self, device: Device) -> AddPasskey:
        """Return the command that adds it."""
        return AddPasskey(
            credential=encoded(device.credential),
            public_key=encoded(device.public_key),
            sign_count=device.count,
            name="laptop",
        )

    async def uses(self, device: Device, **changes: Any) -> Outcome:
        """Begin with a passkey, and prove it."""
        begun = await self.says(self.begin(passkey=id_of(encoded(device.credential))))
        return begun if begun.refusal else await self.asserts(device, **changes)

    async def asserts(self, device: Device, **changes: Any) -> Outcome:
        """Prove a passkey."""
        assertion = device.asserted(challenge(self.id, self.key.public), **changes)
        return await self.says(Prove(proof="0" * 64, assertion=assertion))

    async def denies(self) -> Outcome:
        """Decide on the request."""
        shown = await self.life.installation.shown(self.life.process)
        said = self.key.signed(
            self.life.process,
            Deny(reason="No need.", shown=shown),
            actor=self.person.id,
            key_id=self.id,
            issued_at=self.life.now,
            nonce=encoded(uuid4().bytes),
        )
        return await self.life.hears(said)


@pytest.fixture
def device() -> Device:
    """Tom's laptop."""
    return Device(HOST, ORIGIN, TOM, count=5)


@pytest.fixture
async def tom(life: StoredLife, device: Device) -> Window:
    """Tom's browser, signed in by a mailed code, with a passkey that he has added there."""
    window = Window(life)
    await window.enrolled()
    assert (await window.adds(device)).refusal is None
    return window


async def test_a_passkey_is_added_recorded_and_mailed(
    life: StoredLife, tom: Window, device: Device
) -> None:
    (row,) = await rows_of(life.engines, "passkey")
    assert (row["person_id"], row["name"], row["sign_count"]) == (TOM.id, "laptop", device.count)
    assert (row["process_id"], row["removed_at"]) == (tom.id, None)
    assert await audit_of(life, tom.id) == [(1, "asked"), (2, "enrolled"), (3, "passkey_added")]
    mails = {one["person_id"] for one in await life.outbox() if one["kind"] == "passkey_added"}
    assert mails == {TOM.id, BECKY.id}
    await kept(life.engines)


async def test_a_passkey_signs_in_and_decides(
    life: StoredLife, tom: Window, device: Device
) -> None:
    await life.submitted()
    window = Window(life)

    enrolled = await window.uses(device)
    decided = await window.denies()

    assert (enrolled.refusal, enrolled.status) == (None, "enrolled")
    assert (decided.refusal, decided.status) == (None, "denied")
    (key,) = await keys_of(life, window)
    assert (key["channel"], key["passkey_id"]) == ("portal", id_of(encoded(device.credential)))
    (row,) = await rows_of(life.engines, "passkey")
    assert (row["sign_count"], row["used_at"], row["process_id"]) == (
        device.count,
        life.now,
        tom.id,
    )
    assert "sign_in_code" not in [
        one["kind"] for one in await life.outbox() if one["process_id"] == window.id
    ]
    await kept(life.engines)


async def test_who_has_a_passkey_decides_with_no_mailed_code(life: StoredLife, tom: Window) -> None:
    await life.submitted()
    later = await Window(life).enrolled()

    assert code_of(await tom.denies()) == "passkey_needed"
    assert code_of(await later.denies()) == "passkey_needed"


async def test_a_passkey_decides_for_fifteen_minutes(
    life: StoredLife, tom: Window, device: Device
) -> None:
    await life.submitted()
    window = Window(life)
    await window.uses(device)

    life.waits(15 * MINUTE)

    assert code_of(await window.denies()) == "sign_in_aged"


async def test_without_a_passkey_a_mailed_code_decides_as_before(life: StoredLife) -> None:
    await life.submitted()
    window = Window(life)
    await window.enrolled()

    assert (await window.denies()).refusal is None


async def test_a_terminal_s_key_decides_whether_there_is_a_passkey_or_not(
    life: StoredLife, tom: Window
) -> None:
    await life.submitted()

    decided = await life.says(
        TOM, Deny(reason="No.", shown=await life.installation.shown(life.process))
    )

    assert decided.refusal is None


def other_device(device: Device) -> Device:
    """Return a device with another key that claims the same credential."""
    return Device(HOST, ORIGIN, TOM, credential=device.credential, count=100)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one, {"origin": "https://evil.example"}),
        (lambda one: one, {"challenge": encoded(challenge(uuid4(), "A" * 43))}),
        (lambda one: one, {"type": "webauthn.create"}),
        (lambda one: one, {"crossOrigin": True}),
        (lambda one: replace(one, host="evil.example"), {}),
        (lambda one: replace(one, verifies=False), {}),
        (lambda one: replace(one, count=0), {}),
        (other_device, {}),
        (lambda one: Device(HOST, ORIGIN, TOM), {}),
    ],
    ids=[
        "other origin", "other sign-in", "made, not used", "inside another page", "other host",
        "no user verification", "count not higher", "other key", "other credential",
    ],
)  # fmt: skip
async def test_what_a_passkey_did_not_sign_for_this_sign_in_enrols_nobody(
    life: StoredLife,
    tom: Window,
    device: Device,
    change: Callable[[Device], Device],
    said: dict[str, Any],
) -> None:
    window = Window(life)
    await window.says(window.begin(passkey=id_of(encoded(device.credential))))

    outcome = await window.asserts(change(device), **said)

    assert code_of(outcome) == "passkey_refused"
    assert await keys_of(life, window) == []
    assert await audit_of(life, window.id) == [(1, "asked"), (2, "wrong_passkey")]


async def test_what_one_sign_in_has_used_fits_no_other(
    life: StoredLife, tom: Window, device: Device
) -> None:
    first, second = Window(life), Window(life)
    assertion = device.asserted(challenge(first.id, first.key.public))
    passkey = id_of(encoded(device.credential))
    await first.says(first.begin(passkey=passkey))
    await first.says(Prove(proof="0" * 64, assertion=assertion))
    await second.says(second.begin(passkey=passkey))

    replayed = await second.says(Prove(proof="0" * 64, assertion=assertion))

    assert code_of(replayed) == "passkey_refused"
    assert await keys_of(life, second) == []


async def test_a_device_that_counts_nothing_is_taken(life: StoredLife) -> None:
    device = Device(HOST, ORIGIN, TOM, counts=False)
    window = await Window(life).enrolled()
    await window.adds(device)

    first, second = await Window(life).uses(device), await Window(life).uses(device)

    assert (first.status, second.status) == ("enrolled", "enrolled")


async def test_a_mailed_code_is_no_passkey(life: StoredLife, tom: Window, device: Device) -> None:
    window = Window(life)
    await window.says(window.begin(passkey=id_of(encoded(device.credential))))

    assert code_of(await window.says(Prove(proof="0" * 64))) == "passkey_refused"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": ELIZABETH.email}, "not_found"),
        ({"passkey": uuid4()}, "not_found"),
        ({"voucher": None}, "invalid_decision"),
        ({"issuer": "https://id.example.com"}, "invalid_decision"),
    ],
    ids=["somebody else's", "nobody's", "no portal", "an issuer besides"],
)
async def test_only_its_owner_begins_with_a_passkey_in_a_portal(
    life: StoredLife, tom: Window, device: Device, changes: dict[str, Any], code: str
) -> None:
    said = {"passkey": id_of(encoded(device.credential)), **changes}
    window = Window(life)

    assert code_of(await window.says(window.begin(**said))) == code


async def test_a_passkey_is_not_added_by_who_has_one_and_came_by_mail(
    life: StoredLife, tom: Window
) -> None:
    later = await Window(life).enrolled()

    outcome = await later.adds(Device(HOST, ORIGIN, TOM))

    assert code_of(outcome) == "passkey_needed"
    assert len(await rows_of(life.engines, "passkey")) == 1


async def test_nor_removed(life: StoredLife, tom: Window, device: Device) -> None:
    later = await Window(life).enrolled()
    remove = RemovePasskey(passkey=id_of(encoded(device.credential)))

    outcome = await later.says(remove, actor=TOM.id)

    assert code_of(outcome) == "passkey_needed"


async def test_a_passkey_is_added_once(life: StoredLife, tom: Window, device: Device) -> None:
    window = Window(life)
    await window.uses(device)

    assert code_of(await window.adds(device)) == "passkey_refused"


async def test_a_first_passkey_is_added_only_soon_after_the_sign_in(life: StoredLife) -> None:
    window = await Window(life).enrolled()
    life.waits(15 * MINUTE)

    assert code_of(await window.adds(Device(HOST, ORIGIN, TOM))) == "sign_in_aged"


async def test_a_terminal_adds_none_and_removes_none_of_its_own_person_s(
    life: StoredLife, tom: Window, device: Device
) -> None:
    life.waits(SECOND)
    login = await Login(life, TOM.email).enrolled()
    add = tom.adding(Device(HOST, ORIGIN, TOM))
    remove = RemovePasskey(passkey=id_of(encoded(device.credential)))

    added = await login.says(add, actor=TOM.id)
    removed = await login.says(remove, actor=TOM.id)

    assert (code_of(added), code_of(removed)) == ("passkey_refused", "passkey_refused")


async def test_a_removed_passkey_s_sign_ins_sign_nothing_and_it_never_comes_back(
    life: StoredLife, tom: Window, device: Device
) -> None:
    await life.submitted()
    window = Window(life)
    await window.uses(device)

    removed = await window.says(
        RemovePasskey(passkey=id_of(encoded(device.credential))), actor=TOM.id
    )

    assert removed.refusal is None
    assert code_of(await window.denies()) == "key_refused"
    assert code_of(await Window(life).uses(device)) == "not_found"
    later = await Window(life).enrolled()
    assert code_of(await later.adds(device)) == "passkey_refused"
    assert (await later.denies()).refusal is None  # by a mailed code again
    assert "passkey_removed" in [one["kind"] for one in await life.outbox()]
    await kept(life.engines)


async def test_others_passkeys_are_removed_by_an_operator_alone(
    life: StoredLife, tom: Window, device: Device
) -> None:
    remove = RemovePasskey(passkey=id_of(encoded(device.credential)))
    elizabeth = await Login(life).enrolled()
    before = await elizabeth.says(remove, actor=ELIZABETH.id)
    async with life.engines.write.begin() as connection:
        await connection.execute(t.role_assignment.insert(), role(ELIZABETH, "operator"))

    after = await elizabeth.says(remove, actor=ELIZABETH.id)

    assert (code_of(before), after.refusal) == ("not_found", None)
    (mail,) = [
        one
        for one in await life.outbox()
        if one["kind"] == "passkey_removed" and one["person_id"] == TOM.id
    ]
    assert mail["facts"]["person_name"] == TOM.name


async def test_a_passkey_that_the_database_alone_knows_is_told(
    life: StoredLife, tom: Window
) -> None:
    async with life.engines.write.begin() as connection:
        await connection.execute(update(t.passkey).values(public_key="AAAA"))
        rows = (await connection.execute(select(t.passkey.c.process_id))).scalars().all()

    found = [process async for process, sentence in drifted(life.engines) if "passkey" in sentence]

    assert found == rows == [tom.id]


async def test_a_portal_without_a_name_takes_no_passkeys(
    life: StoredLife, tom: Window, device: Device
) -> None:
    life.installation.authenticators = RelyingParty.of("http://127.0.0.1:8090")
    life.door = life.installation.door(life.mail)

    assert code_of(await Window(life).uses(device)) == "passkey_refused"
