"""Passkeys on the pages: added, used to sign in and to decide, refused, removed."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from approvals.people import Person
from config.settings import Settings
from identity.signing import encoded
from portal.sentences import REFUSALS
from store import tables as t
from store.portal_tables import portal_challenge
from tests.authenticator import Device
from tests.factories import BECKY, TOM
from tests.installation import home_of
from tests.portal.site import Browser, Page, Site

HOST, ORIGIN = "gatehouse.example.com", "https://gatehouse.example.com"
OPTIONS = re.compile(r'data-options="([^"]*)"')
REFUSED = "That passkey was not accepted. Try again."
MINUTE = timedelta(minutes=1)


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    """The settings of a portal with a name, as passkeys need it."""
    return Settings(home=home_of(tmp_path), portal_url=ORIGIN, portal_requests_per_minute=10_000)


def device_of(person: Person = TOM, **changes: Any) -> Device:
    """Return somebody's device."""
    return Device(HOST, ORIGIN, person, **changes)


def options(page: Page) -> str:
    """Return what a page tells the browser that is asked for a passkey."""
    found = OPTIONS.search(page.html)
    assert found is not None, page.text
    return html.unescape(found.group(1))


async def by_code(site: Site, person: Person) -> Browser:
    """Return a browser in which somebody has really proved a mailed code."""
    browser, sent = site.browser(), len(site.letters)
    page = await browser.send(await browser.get("/sign-in"), "/sign-in", email=person.email)
    page = await browser.follow(page)
    await browser.send(page, "/sign-in/code", code=await site.code_for(person, sent))
    return browser


async def making(browser: Browser) -> Page:
    """Ask for a new passkey on the account's page; return the page that makes it."""
    account = await browser.get("/account")
    return await browser.follow(await browser.send(account, "/account/passkeys/ask"))


async def added(browser: Browser, device: Device) -> Page:
    """Add a device's passkey; return where it leads."""
    page = await making(browser)
    answer = device.made(options(page))
    return await browser.send(page, "/account/passkeys/new", name="My laptop", answer=answer)


async def asked(browser: Browser) -> Page:
    """Ask to sign in with a passkey; return the page that uses it."""
    page = await browser.get("/sign-in")
    return await browser.follow(await browser.send(page, "/sign-in/passkey/ask"))


async def used(browser: Browser, page: Page, answer: str) -> Page:
    """Answer the page that uses a passkey."""
    return await browser.send(page, "/sign-in/passkey", answer=answer)


async def signed_in(site: Site, device: Device) -> Browser:
    """Return a new browser that a device's passkey has signed in."""
    browser = site.browser()
    page = await asked(browser)
    led = await used(browser, page, device.used(options(page)))
    assert (led.status, led.goal) == (303, "/"), led.text
    return browser


async def tom_with(site: Site, device: Device) -> Browser:
    """Return Tom's browser, signed in by a mailed code, where he has added a passkey."""
    tom = await by_code(site, TOM)
    led = await added(tom, device)
    assert led.goal == "/account?done=passkey-added", led.text
    return tom


async def test_a_passkey_is_added_and_listed(site: Site) -> None:
    tom = await tom_with(site, device_of())

    account = await tom.get("/account?done=passkey-added")

    assert "Your passkey is added. From now on you decide with it." in account.text
    assert "My laptop" in account.text


async def test_a_new_passkey_signs_its_person_out_elsewhere(site: Site) -> None:
    elsewhere, becky = await site.signed_in(TOM), await site.signed_in(BECKY)

    here = await tom_with(site, device_of())

    pages = [(await one.get("/account")).status for one in (here, elsewhere, becky)]
    assert pages == [200, 303, 200]


async def test_a_browser_is_asked_for_what_its_person_alone_can_do(site: Site) -> None:
    device = device_of()
    tom = await tom_with(site, device)

    wanted = json.loads(options(await asked(site.browser())))
    again = await (await signed_in(site, device)).get("/account")

    assert (wanted["rpId"], wanted["userVerification"]) == (HOST, "required")
    assert wanted.get("allowCredentials", []) == []  # who signs in is not known yet
    assert "used for this sign-in" in again.text
    assert (await tom.get("/account")).status == 200


async def test_a_passkey_signs_in_and_decides(site: Site) -> None:
    device = device_of()
    await tom_with(site, device)
    request = await site.asked()
    path = f"/requests/{request}"

    tom = await signed_in(site, device)
    denied = await tom.send(await tom.get(path), f"{path}/deny", reason="No need.")

    assert (denied.status, denied.goal) == (303, f"{path}?done=deny")
    assert (await site.installation.request(request)).status == "denied"


async def test_after_a_mailed_code_a_decision_asks_for_the_passkey_and_keeps_what_was_typed(
    site: Site,
) -> None:
    device = device_of()
    tom = await tom_with(site, device)
    request = await site.asked()
    path = f"/requests/{request}"

    stopped = await tom.send(await tom.get(path), f"{path}/deny", reason="No need.")
    again = await tom.follow(stopped)
    page = await tom.follow(await tom.send(again, "/sign-in/again/passkey"))
    wanted = json.loads(options(page))
    led = await used(tom, page, device.used(options(page)))

    assert stopped.goal == "/sign-in/again"
    assert "You have a passkey, so a decision needs it" in again.text
    assert not again.has_form("/sign-in/again")
    assert [one["id"] for one in wanted["allowCredentials"]] == [encoded(device.credential)]
    assert led.goal == path
    filled = await tom.follow(led)
    assert filled.form(f"{path}/deny")["reason"] == "No need."
    denied = await tom.send(filled, f"{path}/deny")
    assert denied.goal == f"{path}?done=deny"


def wrong_origin(device: Device) -> dict[str, Any]:
    """Another site passes on what the passkey was asked there."""
    return {"origin": "https://gatehouse.example.com.evil.example"}


def not_verified(device: Device) -> dict[str, Any]:
    """The device does not look who holds it."""
    device.verifies = False
    return {}


def not_counted_on(device: Device) -> dict[str, Any]:
    """The device has been copied: its count is not higher than the last one."""
    device.count = 0
    return {}


def other_challenge(device: Device) -> dict[str, Any]:
    """It signed something else."""
    return {"challenge": encoded(bytes(32))}


@pytest.mark.parametrize("spoilt", [wrong_origin, not_verified, not_counted_on, other_challenge])
async def test_what_does_not_hold_signs_nobody_in(
    site: Site, spoilt: Callable[[Device], dict[str, Any]]
) -> None:
    device = device_of(count=3)
    await tom_with(site, device)
    browser = site.browser()
    page = await asked(browser)
    changes = spoilt(device)

    refused = await used(browser, page, device.used(options(page), **changes))

    assert refused.status == 422
    assert REFUSED in refused.text
    assert (await browser.get("/")).goal == "/sign-in"
    async with site.installation.engines.read.connect() as connection:
        rows = (
            await connection.execute(select(t.key).where(t.key.c.passkey_id.is_not(None)))
        ).all()
    assert rows == []


async def test_a_challenge_is_answered_once(site: Site) -> None:
    device = device_of(counts=False)
    await tom_with(site, device)
    first = site.browser()
    page = await asked(first)
    answer = device.used(options(page))
    name = next(one for one in first.client.cookies if one.endswith("passkey"))
    token = first.client.cookies[name]
    led = await used(first, page, answer)

    second = site.browser()
    guest = await asked(second)
    second.client.cookies.set(name, token, domain=HOST)
    replayed = await used(second, guest, answer)

    assert led.goal == "/"
    assert (replayed.status, REFUSED in replayed.text) == (422, True)


async def test_a_challenge_of_another_browser_is_not_answered_here(site: Site) -> None:
    device = device_of(counts=False)
    await tom_with(site, device)
    one, other = site.browser(), site.browser()
    answer = device.used(options(await asked(one)))

    refused = await used(other, await asked(other), answer)

    assert REFUSED in refused.text


@pytest.mark.parametrize(("by", "goal"), [(4 * MINUTE, "/"), (5 * MINUTE, "")])
async def test_a_challenge_is_over_after_five_minutes(site: Site, by: timedelta, goal: str) -> None:
    device = device_of()
    await tom_with(site, device)
    browser = site.browser()
    page = await asked(browser)
    answer = device.used(options(page))
    async with site.installation.engines.write.begin() as connection:
        row = (await connection.execute(select(portal_challenge))).one()
        await connection.execute(update(portal_challenge).values(ends_at=row.ends_at - by))

    led = await used(browser, page, answer)

    assert led.headers.get("location", "") == goal


async def test_a_passkey_that_nobody_added_signs_nobody_in(site: Site) -> None:
    browser = site.browser()
    page = await asked(browser)

    refused = await used(browser, page, device_of().used(options(page)))

    assert REFUSED in refused.text


async def test_somebody_elses_passkey_does_not_confirm_who_one_is(site: Site) -> None:
    becky = await by_code(site, BECKY)
    mine, hers = device_of(), device_of(BECKY)
    await added(becky, hers)
    tom = await tom_with(site, mine)
    page = await tom.get("/sign-in/again")
    page = await tom.follow(await tom.send(page, "/sign-in/again/passkey"))

    refused = await used(tom, page, hers.used(options(page)))

    assert REFUSED in refused.text
    assert "Tom Sawyer" in (await tom.get("/account")).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, {"origin": "https://evil.example"}),
        ({}, {"challenge": encoded(bytes(32))}),
        ({"verifies": False}, {}),
        ({}, {"crossOrigin": True}),
        ({}, {"type": "webauthn.get"}),
    ],
    ids=["other origin", "other challenge", "no user verification", "framed", "used, not made"],
)
async def test_a_new_passkey_that_does_not_hold_is_not_added(
    site: Site, change: dict[str, Any], said: dict[str, Any]
) -> None:
    tom = await by_code(site, TOM)
    page = await making(tom)
    answer = device_of(**change).made(options(page), **said)

    led = await tom.send(page, "/account/passkeys/new", name="My laptop", answer=answer)

    assert led.goal == "/account?done=passkey-refused"
    assert await site.parts.passkeys.of(TOM.id) == []


async def test_one_challenge_adds_one_passkey(site: Site) -> None:
    tom = await by_code(site, TOM)
    page = await making(tom)
    token = {**tom.client.cookies}
    fields = {"name": "My laptop", "answer": device_of().made(options(page))}
    await tom.send(page, "/account/passkeys/new", **fields)
    name = next(one for one in token if one.endswith("passkey"))
    tom.client.cookies.set(name, token[name], domain=HOST)

    again = await tom.send(page, "/account/passkeys/new", **fields)

    assert again.goal == "/account?done=passkey-late"
    assert len(await site.parts.passkeys.of(TOM.id)) == 1


async def test_a_passkey_needs_a_name_and_is_not_lost_without_one(site: Site) -> None:
    tom = await by_code(site, TOM)
    page = await making(tom)
    device = device_of()

    wrong = await tom.send(
        page, "/account/passkeys/new", name=" ", answer=device.made(options(page))
    )
    right = await tom.send(
        wrong, "/account/passkeys/new", name="Phone", answer=device.made(options(wrong))
    )

    assert (wrong.status, "Enter a name." in wrong.text) == (422, True)
    assert right.goal == "/account?done=passkey-added"


async def test_without_a_script_the_page_says_what_is_missing(site: Site) -> None:
    device = device_of()
    tom = await tom_with(site, device)
    browser = site.browser()
    page = await asked(browser)

    wrong = await browser.send(page, "/sign-in/passkey")

    assert "A passkey needs JavaScript, which is off in this browser." in page.text
    assert (wrong.status, "This browser did not use a passkey" in wrong.text) == (422, True)
    led = await used(browser, wrong, device.used(options(wrong)))  # nothing was used up
    assert led.goal == "/"
    assert (await tom.get("/account")).status == 200


@pytest.mark.parametrize("ago", [timedelta(0), 15 * MINUTE], ids=["fresh", "old"])
async def test_after_a_mailed_code_nobody_who_has_a_passkey_adds_or_removes_one(
    site: Site, ago: timedelta
) -> None:
    await tom_with(site, device_of())
    later = await site.signed_in(TOM, ago=ago)
    account = await later.get("/account")
    remove = next(one for one in account._forms if one.endswith("/remove"))

    adding = await later.send(account, "/account/passkeys/ask")
    removing = await later.send(account, remove)

    assert (adding.goal, removing.goal) == ("/sign-in/again", "/sign-in/again")


async def test_a_removed_passkey_ends_its_sign_ins_and_lets_codes_decide_again(site: Site) -> None:
    device = device_of()
    await tom_with(site, device)
    by_code_before = await site.signed_in(TOM)
    by_passkey, elsewhere = await signed_in(site, device), await signed_in(site, device)
    account = await by_passkey.get("/account")
    remove = next(one for one in account._forms if one.endswith("/remove"))

    removed = await by_passkey.send(account, remove)

    assert removed.goal == "/account?done=passkey-removed"
    for one in (by_passkey, elsewhere, by_code_before):
        assert (await one.get("/")).goal == "/sign-in"
    request, again = await site.asked(), await site.signed_in(TOM)
    path = f"/requests/{request}"
    denied = await again.send(await again.get(path), f"{path}/deny", reason="No need.")
    assert denied.goal == f"{path}?done=deny"


async def test_nobody_removes_a_passkey_of_somebody_else(site: Site) -> None:
    await tom_with(site, device_of())
    (passkey,) = await site.parts.passkeys.of(TOM.id)
    becky = await by_code(site, BECKY)
    await added(becky, device_of(BECKY))
    account = await becky.get("/account")
    form = next(one for one in account._forms if one.endswith("/remove"))

    refused = await becky.client.post(
        f"/account/passkeys/{passkey.id}/remove",
        data=account.form(form),
        headers={"sec-fetch-site": "same-origin"},
    )

    assert refused.status_code == 404
    assert [one.id for one in await site.parts.passkeys.of(TOM.id)] == [passkey.id]


async def test_a_disabled_person_s_passkey_signs_nobody_in(site: Site) -> None:
    device = device_of()
    await tom_with(site, device)
    async with site.installation.engines.write.begin() as connection:
        off = update(t.person).where(t.person.c.id == TOM.id).values(is_active=False)
        await connection.execute(off)
    browser = site.browser()
    page = await asked(browser)

    refused = await used(browser, page, device.used(options(page)))

    assert REFUSED in refused.text


@pytest.mark.parametrize(
    "answer", ["{}", "[]", "no json", '{"id": 1}', "[" * 9_000, '{"response": []}']
)
async def test_an_answer_that_is_none_is_refused(site: Site, answer: str) -> None:
    browser = site.browser()
    page = await asked(browser)

    refused = await used(browser, page, answer)

    assert (refused.status, REFUSED in refused.text) == (422, True)


def test_every_refusal_of_passkeys_has_words() -> None:
    assert {"passkey_needed", "passkey_refused"} <= set(REFUSALS)
