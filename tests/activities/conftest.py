"""Fixtures of the door's tests: one request on each database, at a clock that stands still."""

import pytest

from tests.factories import START
from tests.installation import CarriedClock, Installation
from tests.shared_database import changes_the_schema, database_url, shared_postgres
from tests.stored_life import StoredLife

__all__ = ["changes_the_schema", "clock", "database_url", "life", "shared_postgres"]


@pytest.fixture
def clock() -> CarriedClock:
    """The injected clock; it stands still at START until a test moves it."""
    still = CarriedClock()
    still.fixed = START
    return still


@pytest.fixture
def life(installation: Installation, clock: CarriedClock) -> StoredLife:
    """One request, which nobody has sent yet."""
    return StoredLife(installation, clock)
