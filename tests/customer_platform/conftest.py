"""A platform of each test's own, and our adapter to it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from customer_platform.platform import HttpCustomerPlatform
from tests.customer_platform.customers import adapter_to
from tests.customer_platform.running import RunningPlatform, running


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[RunningPlatform]:
    with running(tmp_path / "platform.db") as one:
        yield one


@pytest.fixture
async def adapter(platform: RunningPlatform) -> AsyncIterator[HttpCustomerPlatform]:
    one = adapter_to(platform.address)
    yield one
    await one.close()
