"""The key of session assertions changes while those that it signed still count."""

import json

from approvals.people import TenantId
from identity.assertions import OpenSession, key_id, minted
from identity.signing import SigningKey
from portal.keys import ensured
from starter.times import now
from starter.visits import ASSERTION_KEY, OTHER_ASSERTION_KEY
from tests.factories import CAROLINE, TOM_SAWYER, make_id
from tests.identity.test_assertions import ISSUER, verified
from tests.portal.site import Site

SESSION = OpenSession(
    id=make_id("session"),
    person=CAROLINE.id,
    tenant=TenantId(TOM_SAWYER.id),
    mode="overview",
    ends_at=None,
)


async def test_a_key_that_was_put_aside_is_published_beside_the_fresh_one(still: Site) -> None:
    folder = still.settings.keys
    before = minted(SESSION, ensured(folder).assertions[0], ISSUER, now())
    (folder / ASSERTION_KEY).rename(folder / OTHER_ASSERTION_KEY)

    still.parts.keys = ensured(folder)  # as a restart does
    after = minted(SESSION, still.parts.keys.assertions[0], ISSUER, now())
    published = json.loads((await still.browser().get("/.well-known/jwks.json")).html)

    fresh, other = (SigningKey.read(folder / one) for one in (ASSERTION_KEY, OTHER_ASSERTION_KEY))
    assert [one["kid"] for one in published["keys"]] == [key_id(fresh), key_id(other)]
    for token in (before, after):
        assert verified(token, published)["sid"] == str(SESSION.id)
