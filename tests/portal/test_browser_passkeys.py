"""Passkeys in a real browser, whose virtual authenticator stands for a person's device."""

from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import CDPSession, Page, expect
from sqlalchemy import select

from approvals.sign_in.record import SignIn
from store.portal_tables import portal_session
from tests.factories import TOM
from tests.portal.test_browser_pages import faults
from tests.portal.test_browser_requests import form, press, told
from tests.portal.windows import Windows

NAME = "Tom's laptop"


@pytest.fixture
def host() -> str:
    """Browsers give passkeys to names alone."""
    return "localhost"


async def sign_in(windows: Windows, **options: Any) -> Page:
    """Sign Tom in with a mailed code, in a browser of its own. *options* are the browser's."""
    page, sent = await windows.of(None, **options), len(windows.site.letters)
    await page.goto("/sign-in")
    await page.get_by_label("Your e-mail address").fill(TOM.email)
    await press(page, "Mail me a code")
    await page.get_by_label("Code from the mail").fill(await windows.site.code_for(TOM, sent))
    await press(page, "Sign in")
    await expect(page.get_by_role("link", name=TOM.name)).to_be_visible()
    return page


async def device(page: Page, *, verifies: bool = True) -> tuple[CDPSession, str]:
    """Plug a device in that holds passkeys and knows its owner, or does not."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, str(added["authenticatorId"])


async def add(page: Page) -> None:
    """Add a passkey on the account's page."""
    await page.goto("/account")
    await press(page, "Add a passkey")
    await page.get_by_label("A name for it").fill(NAME)
    await press(page, "Add the passkey")


async def use(page: Page) -> None:
    """Sign in with a passkey."""
    await page.goto("/sign-in")
    await press(page, "Sign in with a passkey")
    await press(page, "Use your passkey")


async def deny(page: Page, request: UUID) -> None:
    """Deny a request on its page."""
    await page.goto(f"/requests/{request}")
    await form(page, "deny").get_by_label("Reason").fill("No need.")
    await form(page, "deny").get_by_role("button").click()


async def test_a_passkey_is_added_signs_in_and_decides_and_a_mailed_code_does_not(
    windows: Windows,
) -> None:
    request = await windows.site.asked()
    tom = await sign_in(windows)
    await device(tom)

    await add(tom)
    await told(tom, "Your passkey is added.")
    await expect(tom.get_by_text(NAME)).to_be_visible()
    await press(tom, "Sign out")
    await told(tom, "You are signed out.")
    await use(tom)
    await expect(tom.get_by_role("link", name=TOM.name)).to_be_visible()
    by_code = await sign_in(windows)
    await deny(by_code, request)
    await told(by_code, "You have a passkey, so a decision needs it")
    assert (await windows.site.installation.request(request)).status == "pending"
    await deny(tom, request)
    await expect(tom).to_have_url(f"{windows.origin}/requests/{request}?done=deny")

    assert (await windows.site.installation.request(request)).status == "denied"
    (passkey,) = await windows.site.parts.passkeys.of(TOM.id)
    assert passkey.name == NAME
    assert passkey.sign_count > 1
    assert passkey.used_at is not None


async def test_what_was_typed_is_decided_after_the_passkey_has_confirmed_it(
    windows: Windows,
) -> None:
    request = await windows.site.asked()
    tom = await sign_in(windows)
    await device(tom)
    await add(tom)
    await told(tom, "Your passkey is added.")

    await deny(tom, request)
    await press(tom, "Go on with your passkey")
    await press(tom, "Use your passkey")
    await expect(tom).to_have_url(f"{windows.origin}/requests/{request}")
    await expect(form(tom, "deny").get_by_label("Reason")).to_have_value("No need.")
    await form(tom, "deny").get_by_role("button").click()
    await expect(tom).to_have_url(f"{windows.origin}/requests/{request}?done=deny")

    (state,) = [
        state
        for key in await windows.site.installation.inbox.keys(TOM.id)
        if isinstance(state := await windows.site.installation.inbox.state(key.id), SignIn)
        and state.passkey is not None
    ]
    assert (await windows.site.installation.request(request)).decided_by == TOM.id
    assert state.person == TOM.id


async def test_a_device_that_does_not_know_its_owner_signs_nobody_in(windows: Windows) -> None:
    tom = await sign_in(windows)
    session, authenticator = await device(tom)
    await add(tom)
    await told(tom, "Your passkey is added.")
    await press(tom, "Sign out")
    unknown = {"authenticatorId": authenticator, "isUserVerified": False}
    await session.send("WebAuthn.setUserVerified", unknown)

    await use(tom)

    await expect(tom.get_by_role("alert")).to_contain_text("The browser found no passkey")
    await expect(tom).to_have_url(f"{windows.origin}/sign-in/passkey")
    async with windows.site.installation.engines.read.connect() as connection:
        assert (await connection.execute(select(portal_session))).all() == []


async def test_a_device_gets_no_second_passkey_of_the_same_person(windows: Windows) -> None:
    tom = await sign_in(windows)
    await device(tom)
    await add(tom)
    await told(tom, "Your passkey is added.")
    await press(tom, "Sign out")
    await told(tom, "You are signed out.")
    await use(tom)
    await expect(tom.get_by_role("link", name=TOM.name)).to_be_visible()

    await add(tom)

    await expect(tom.get_by_role("alert")).to_contain_text("it has one for you already")
    assert len(await windows.site.parts.passkeys.of(TOM.id)) == 1


async def test_everybody_can_use_the_pages_of_passkeys(windows: Windows) -> None:
    request = await windows.site.asked()
    tom = await sign_in(windows)
    await device(tom)
    found = []

    await tom.goto("/account")
    await press(tom, "Add a passkey")
    found += await faults(tom)
    await tom.get_by_label("A name for it").fill(NAME)
    await press(tom, "Add the passkey")
    await told(tom, "Your passkey is added.")
    found += await faults(tom)
    await deny(tom, request)
    await told(tom, "You have a passkey, so a decision needs it")
    found += await faults(tom)
    await press(tom, "Go on with your passkey")
    await told(tom, "Your browser asks you")
    found += await faults(tom)

    assert found == []
