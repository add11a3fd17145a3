"""Fixtures of the tests of threats: a portal on an installation in which every process lives."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.settings import Settings
from store.engine import Engines
from tests.every_kind import EveryKind
from tests.installation import CarriedClock
from tests.portal.conftest import settings, site, still
from tests.portal.site import Site
from tests.security.full_house import FullHouse
from tests.security.matter import Matter

__all__ = ["settings", "site", "still"]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test asks for both: what lies below is tested on each."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
async def matter(request: pytest.FixtureRequest, site: Site) -> Matter:
    """One of the matters that can be decided on, with its people."""
    kind: type[Matter] = request.param
    found = kind(site)
    await found.furnished()
    return found


@pytest.fixture
async def house(
    engines: Engines, clock: CarriedClock, settings: Settings, tmp_path: Path
) -> AsyncIterator[FullHouse]:
    """Every kind of process in many of its states, behind a portal that cannot reach Temporal."""
    life = await EveryKind(engines, clock).lives()
    clock.fixed = None
    settings.maildir = tmp_path / "mail"
    settings.temporal_ui_url = "http://127.0.0.1:8233"
    portal = Site(life.installation, settings, None)
    yield FullHouse(life, portal)
    await portal.close()
