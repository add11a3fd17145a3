"""What open access rests on: an asked and granted membership, and what somebody gave it later."""

import pytest

from approvals.site_access.commands import ChangePrivileges, Grant
from approvals.site_access.privileges import Area, Level
from approvals.site_access.record import SiteAccess, shown_digest
from identity.signing import Ed25519Signatures
from store.engine import Engines
from store.grounds import grants
from tests import sites
from tests.every_kind import EveryKind
from tests.factories import BECKY
from tests.installation import CarriedClock


@pytest.fixture
async def life(engines: Engines, clock: CarriedClock) -> EveryKind:
    """An installation of all kinds, in which somebody asks for access to a site."""
    return await EveryKind(engines, clock).lives()


async def found(life: EveryKind) -> list[str]:
    """Return what access does not rest on."""
    return [one.sentence async for one in grants(life.engines, Ed25519Signatures())]


async def seen(life: EveryKind) -> str:
    """Return the digest of what a decider sees of the membership that somebody asked for."""
    state = await life.installation.inbox.state(life.named["asked"])
    assert isinstance(state, SiteAccess)
    return shown_digest(state)


async def test_a_membership_rests_on_its_grant_and_then_on_its_last_change(
    life: EveryKind,
) -> None:
    asked, given = life.named["asked"], sites.make_add(sites.SID).privileges

    await life.does(BECKY, asked, Grant(privileges=given, shown=await seen(life)))
    after_grant = await found(life)
    more = {**given, Area.REPORTING: Level.VIEW}
    await life.does(BECKY, asked, ChangePrivileges(privileges=more, shown=await seen(life)))

    assert after_grant == []
    assert await found(life) == []
