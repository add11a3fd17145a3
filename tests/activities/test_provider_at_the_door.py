"""Sign-in by a provider of identities: the door believes the portals and issuers it was told of."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from approvals.sign_in.commands import Begin, Prove, SignOut, identified, vouched
from approvals.sign_in.record import SignIn
from identity.signing import SigningKey
from tests.activities.test_sign_in_at_the_door import Login, audit_of, keys_of
from tests.factories import ELIZABETH, HOUR, MINUTE, TOM
from tests.store.rows import rows_of
from tests.stored_life import StoredLife, code_of, kept

ISSUER = "https://id.example.com"
PORTAL = SigningKey.fresh()
PROOF = Prove(proof="0" * 64)


@pytest.fixture
def life(life: StoredLife) -> StoredLife:
    """A door that was told of one portal and one issuer."""
    life.installation.portals = (PORTAL.public,)
    life.installation.issuers = (ISSUER,)
    life.door = life.installation.door(life.mail)
    return life


class ByProvider(Login):
    """A browser whose person the provider has identified."""

    def begin(self, **changes: Any) -> Begin:
        """Return what the portal says first, vouched for unless *changes* say otherwise."""
        said = {
            "email": self.email, "public_key": self.key.public, "client": "Firefox",
            "issuer": ISSUER, "voucher": self.voucher(),
        }  # fmt: skip
        return Begin(**{**said, **changes})

    def voucher(
        self, issuer: str = ISSUER, sign_in: UUID | None = None, key: SigningKey = PORTAL
    ) -> str:
        """Return the portal's word for it."""
        return key.signature(identified(sign_in or self.id, self.key.public, issuer, self.email))


@pytest.fixture
def browser(life: StoredLife) -> ByProvider:
    """Elizabeth's browser."""
    return ByProvider(life)


async def test_whom_the_provider_knows_is_enrolled_without_a_code(
    life: StoredLife, browser: ByProvider
) -> None:
    begun = await browser.says(browser.begin())
    proved = await browser.says(PROOF)

    assert (begun.refusal, proved.refusal, proved.status) == (None, None, "enrolled")
    (key,) = await keys_of(life, browser)
    assert (key["person_id"], key["channel"]) == (ELIZABETH.id, "portal")
    assert key["expires_at"] - key["enrolled_at"] == 8 * HOUR
    mails = [one["kind"] for one in await life.outbox() if one["process_id"] == browser.id]
    assert mails == ["key_enrolled"]
    assert await audit_of(life, browser.id) == [(1, "asked"), (2, "enrolled")]
    assert (await browser.state()).issuer == ISSUER
    await kept(life.engines)


async def test_nothing_is_enrolled_before_the_key_itself_has_spoken(
    life: StoredLife, browser: ByProvider
) -> None:
    await browser.says(browser.begin())

    other = await browser.says(PROOF, key=SigningKey.fresh())

    assert code_of(other) == "invalid_decision"
    assert await keys_of(life, browser) == []
    life.waits(10 * MINUTE)
    assert code_of(await browser.says(PROOF)) == "too_late"


@pytest.mark.parametrize(
    "changes",
    [
        lambda one: {"voucher": None},
        lambda one: {"voucher": one.voucher(key=SigningKey.fresh())},
        lambda one: {"voucher": one.voucher(sign_in=uuid4())},
        lambda one: {"voucher": one.voucher(issuer="https://other.example.com")},
        lambda one: {"voucher": PORTAL.signature(vouched(one.id, one.key.public))},
        lambda one: {"email": TOM.email},
        lambda one: {"issuer": "https://other.example.com"},
        lambda one: {
            "issuer": "https://other.example.com",
            "voucher": one.voucher(issuer="https://other.example.com"),
        },
        lambda one: {"issuer": None},
    ],
    ids=[
        "no voucher", "strange portal", "other sign-in", "other issuer vouched",
        "a voucher for a code", "other person", "other issuer", "unknown issuer", "no issuer",
    ],
)  # fmt: skip
async def test_what_the_portal_did_not_say_enrols_nobody(
    life: StoredLife, browser: ByProvider, changes: Any
) -> None:
    outcome = await browser.says(browser.begin(**changes(browser)))

    assert code_of(outcome) == "invalid_decision"
    assert await rows_of(life.engines, "process") == []
    assert await keys_of(life, browser) == []


async def test_an_installation_without_a_provider_believes_none(
    life: StoredLife, browser: ByProvider
) -> None:
    life.installation.issuers = ()
    life.door = life.installation.door(life.mail)

    assert code_of(await browser.says(browser.begin())) == "invalid_decision"


async def test_an_address_that_nobody_has_is_refused(life: StoredLife) -> None:
    nobody = ByProvider(life, "nobody@classics.example")

    outcome = await nobody.says(nobody.begin())

    assert code_of(outcome) == "not_found"
    assert await rows_of(life.engines, "process") == []


async def test_a_disabled_person_is_refused(life: StoredLife, browser: ByProvider) -> None:
    await life.disable(ELIZABETH)

    assert code_of(await browser.says(browser.begin())) == "not_found"


async def test_a_key_that_a_code_enrols_is_not_enrolled_by_a_provider_s_proof(
    life: StoredLife,
) -> None:
    login = Login(life)
    await login.asks()

    outcome = await login.says(PROOF)

    assert code_of(outcome) == "wrong_code"
    assert await keys_of(life, login) == []


async def test_it_is_signed_out_like_any_other(life: StoredLife, browser: ByProvider) -> None:
    await browser.says(browser.begin())
    await browser.says(PROOF)

    await browser.says(SignOut(), actor=ELIZABETH.id)

    state = await browser.state()
    assert isinstance(state, SignIn)
    assert state.status == "finished"
