"""Fixtures of the gate over HTTP: a granted request, a program with a token, a still clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.settings import Settings
from tests.factories import START
from tests.installation import CarriedClock, Installation, home_of
from tests.portal.authzen.asking import ORIGIN, Program
from tests.shared_database import changes_the_schema, database_url, shared_postgres
from tests.store.entries import Entries
from tests.stored_life import StoredLife

__all__ = ["changes_the_schema", "database_url", "shared_postgres"]


@pytest.fixture
def clock() -> CarriedClock:
    """The injected clock; it stands still at START until a test moves it."""
    still = CarriedClock()
    still.fixed = START
    return still


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The portal's settings, in a folder of this test alone."""
    return Settings(home=home_of(tmp_path), portal_url=ORIGIN)


@pytest.fixture
async def life(installation: Installation, clock: CarriedClock) -> StoredLife:
    """Caroline and Charlotte were let into Tom Sawyer's tenant for thirty days."""
    life = StoredLife(installation, clock)
    await life.granted()
    return life


@pytest.fixture
def entries(life: StoredLife) -> Entries:
    """Adds further ways in."""
    return Entries(life.engines)


@pytest.fixture
async def stranger(life: StoredLife, settings: Settings) -> AsyncIterator[Program]:
    """A program whose token nobody knows."""
    program = Program(life.engines, settings)
    yield program
    await program.client.aclose()


@pytest.fixture
async def program(stranger: Program) -> Program:
    """A program that may ask and search everywhere."""
    return await stranger.enrolled()
