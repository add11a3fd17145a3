"""A customer is onboarded from the form in a real browser, on a reference platform that runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect
from temporalio.client import Client

from activities.onboarding import OnboardingActivities
from activities.send_notices import TemporalMailQueue
from approvals.facts import Needed
from store.ledger import SqlLedger
from tests.customer_platform.customers import adapter_to
from tests.customer_platform.running import RunningPlatform, running
from tests.installation import Installation, write_directory
from tests.onboardings import CHARLES, JIM, LIVESEY, SLUG, VENDORS
from tests.portal.test_browser_requests import press, told
from tests.portal.test_onboardings import stored
from tests.portal.windows import Windows

LIVE = 30_000  # milliseconds until the page must have shown the last of eleven steps


@pytest.fixture
async def platform(
    tmp_path: Path, installation: Installation, client: Client
) -> AsyncIterator[RunningPlatform]:
    """A reference platform, where the workers of this test have an account."""
    with running(tmp_path / "platform.db") as one:
        adapter, queue = adapter_to(one.address), TemporalMailQueue(client)
        ledger = SqlLedger(installation.engines)
        installation.onboarding = OnboardingActivities(ledger, adapter, queue)
        async with installation.engines.write.begin() as connection:
            await write_directory(connection, VENDORS)
        yield one
        await queue.close()
        await adapter.close()


async def test_an_onboarding_is_begun_from_the_form_and_its_page_shows_it_getting_ready(
    platform: RunningPlatform, windows: Windows
) -> None:
    charles = await windows.of(CHARLES)
    await charles.goto("/")
    await charles.get_by_role("link", name="Onboardings").click()
    await charles.get_by_role("link", name="Onboard a customer").click()
    for label, text in (
        ("Name", "Admiral Benbow"),
        ("Short name", SLUG),
        ("Reference", "C-1881"),
        ("Host", "pbx.admiral-benbow.example.com"),
        ("User name", "import"),
        ("Where its secret is", "env:ADMIRAL_BENBOW"),
    ):
        await charles.get_by_label(label, exact=True).first.fill(text)
    admin = charles.get_by_role("group", name="Admin 1", exact=True)
    await admin.get_by_label("Name").fill("Jim Hawkins")
    await admin.get_by_label("E-mail").fill(JIM)
    user = charles.get_by_role("group", name="User 1", exact=True)
    await user.get_by_label("Name").fill("Doctor Livesey")
    await user.get_by_label("E-mail").fill(LIVESEY)
    await user.get_by_label("customer.user.acd").check()
    await press(charles, "Look it over first")
    await told(charles, f"{JIM} is an admin without a supervisor role")
    await press(charles, "Begin the onboarding")
    await told(charles, "Onboarding of Admiral Benbow")

    await expect(charles.locator(".standing .badge")).to_have_text("Ready", timeout=LIVE)
    await told(charles, "The customer is in the directory, and its admins got a mail.")
    await expect(charles.locator(".steps .done")).to_have_count(5)
    state = await stored(windows.site, charles.url.partition("?")[0])
    (made,) = platform.ask("GET", "/customers?reference=C-1881").json()
    assert (state.status, str(state.customer)) == ("ready", made["id"])
    assert platform.users(made["id"])[LIVESEY] == ["customer.user.acd"]
    entered = Needed(organization_slugs=(SLUG,), emails=(JIM,))
    directory = await windows.site.installation.inbox.directory(entered)
    assert directory.organization_of(SLUG) is not None
    assert directory.person_of(JIM) is not None
