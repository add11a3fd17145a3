"""A platform of each test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.customer_platform.running import RunningPlatform, running


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with running(tmp_path / "platform.db") as one:
        yield one
