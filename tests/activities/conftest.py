"""Fixtures of the door's tests: one request on each database, at a clock that stands still."""

import pytest

from tests.factories import START
from tests.installation import CarriedClock, Installation
from tests.stored_life import StoredLife


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
