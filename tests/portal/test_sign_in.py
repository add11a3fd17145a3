"""Signing in at the portal: a mailed code, a key that the portal holds, and its end."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from approvals.directory_file import DirectoryFile
from approvals.people import Directory, Person, Role, RoleAssignment
from approvals.sign_in.record import SignIn
from portal import cookies
from portal.languages import speech_of
from store import tables as t
from store.portal_tables import portal_session
from store.registrar import Registrar
from store.waiting import Waiting
from tests.factories import (
    BECKY,
    CAROLINE,
    DIRECTORY,
    ELIZABETH,
    JANE,
    TOM,
    TOM_SAWYER,
    WICKHAM,
)
from tests.installation import write_directory
from tests.portal.site import Browser, Page, Site
from tests.portal.test_customers import SHOWN, switched_on
from tests.switching import HUCK, SWITCH, SWITCHING

QUARTER = timedelta(minutes=15)


async def code_asked(browser: Browser, email: str) -> Page:
    """Ask for a code; return the page that awaits it."""
    page = await browser.get("/sign-in")
    sent = await browser.send(page, "/sign-in", email=email)
    assert sent.status == 303, sent.text
    return await browser.follow(sent)


async def signed_in(site: Site, browser: Browser) -> Page:
    """Sign Elizabeth in with the code that comes by mail; return where she is led."""
    page = await code_asked(browser, ELIZABETH.email)
    code = await site.code_for(ELIZABETH)
    return await browser.send(page, "/sign-in/code", code=f"{code[:4]} {code[4:]}")


async def test_a_mailed_code_signs_in_and_leads_to_my_tenants(site: Site) -> None:
    browser = site.browser()

    led = await signed_in(site, browser)

    home = await browser.follow(led)
    assert (led.goal, home.status) == ("/", 200)
    assert "Elizabeth Bennet" in home.text
    assert "My tenants" in home.text


async def test_the_record_says_that_the_portal_holds_the_key(site: Site) -> None:
    await signed_in(site, site.browser())

    async with site.installation.engines.read.connect() as connection:
        audit = (await connection.execute(select(t.audit.c.channel, t.audit.c.event))).all()
        key = (await connection.execute(select(t.key).where(t.key.c.channel == "portal"))).one()
    assert [tuple(one) for one in audit] == [("portal", "asked"), ("portal", "enrolled")]
    assert key.person_id == ELIZABETH.id
    assert key.expires_at - key.enrolled_at == timedelta(hours=8)


async def test_the_database_holds_neither_the_cookie_nor_the_key(site: Site) -> None:
    browser = site.browser()
    await signed_in(site, browser)

    token = browser.client.cookies[cookies.name_of(site.parts, cookies.SIGN_IN)]
    async with site.installation.engines.read.connect() as connection:
        row = (await connection.execute(select(portal_session))).one()
    assert row.token_hash == cookies.hashed(token)
    assert token not in str(row)
    assert site.parts.keys.sealer.opened(row.sealed, "another purpose") is None


async def test_a_page_that_was_asked_for_comes_after_the_sign_in(site: Site) -> None:
    browser = site.browser()
    asked = await browser.get("/requests/outgoing?status=pending")

    led = await signed_in(site, browser)

    assert (asked.status, asked.goal) == (303, "/sign-in")
    assert led.goal == "/requests/outgoing"


@pytest.mark.parametrize(
    "next_page",
    [
        "?next=//evil.example",
        "?next=https:evil.example",
        "?next=https://evil.example",
        "?next=/%09/evil.example",
        "?goal=/account",
    ],
)
async def test_no_address_says_where_to_go_afterwards(site: Site, next_page: str) -> None:
    browser = site.browser()
    await browser.get(f"/sign-in{next_page}")

    led = await signed_in(site, browser)

    assert led.goal == "/"


async def test_an_unknown_address_gets_the_same_page_and_no_mail(site: Site) -> None:
    known, unknown = site.browser(), site.browser()

    one = await code_asked(known, ELIZABETH.email)
    other = await code_asked(unknown, "nobody@classics.example")

    same = one.text.replace(ELIZABETH.email, "ADDRESS")[:120]
    assert other.text.replace("nobody@classics.example", "ADDRESS")[:120] == same
    await site.code_for(ELIZABETH)
    assert {letter.to for letter in site.letters} == {ELIZABETH.email}


async def test_a_wrong_code_says_so_and_a_right_one_still_counts(site: Site) -> None:
    browser = site.browser()
    page = await code_asked(browser, ELIZABETH.email)
    code = await site.code_for(ELIZABETH)
    other = "00000000" if code != "00000000" else "11111111"

    wrong = await browser.send(page, "/sign-in/code", code=other)

    assert wrong.status == 422
    assert "4 of 5 attempts are left" in wrong.text
    right = await browser.send(wrong, "/sign-in/code", code=code)
    assert (right.status, right.goal) == (303, "/")


async def test_after_five_wrong_codes_the_next_one_says_when_to_try_again(site: Site) -> None:
    browser = site.browser()
    page = await code_asked(browser, ELIZABETH.email)
    code = await site.code_for(ELIZABETH)
    other = "00000000" if code != "00000000" else "11111111"

    tries = [await browser.send(page, "/sign-in/code", code=other) for _ in range(5)]
    asked = await browser.send(await browser.get("/sign-in"), "/sign-in", email=ELIZABETH.email)

    assert [one.status for one in tries] == [422] * 5
    assert "Ask for a new code." in tries[-1].text
    assert asked.status == 429
    assert 0 < int(asked.headers["retry-after"]) <= 15
    assert f"Try again in {asked.headers['retry-after']} seconds." in asked.text


async def test_a_code_that_has_to_wait_keeps_its_page_and_stays_good(site: Site) -> None:
    browser = site.browser()
    page = await code_asked(browser, ELIZABETH.email)
    code = await site.code_for(ELIZABETH)
    await failed_before(site, times=5)

    early = await browser.send(page, "/sign-in/code", code=code)
    await failed_before(site, times=4)
    right = await browser.send(early, "/sign-in/code", code=code)

    assert early.status == 429
    assert 0 < int(early.headers["retry-after"]) <= 15
    assert "Too many attempts. Try again in" in early.text
    assert (right.status, right.goal) == (303, "/")


async def failed_before(site: Site, *, times: int) -> None:
    """Write so many wrong codes of Elizabeth's into the one sign-in that waits."""
    async with site.installation.engines.write.begin() as connection:
        of_it = t.process.c.kind == "sign_in"
        text = (await connection.execute(select(t.process.c.state).where(of_it))).scalar_one()
        changes = {"attempts": times, "failed_at": datetime.now(UTC)}
        state = SignIn.model_validate_json(text).model_copy(update=changes)
        values = {"state": state.model_dump_json()}
        await connection.execute(update(t.process).where(of_it).values(values))


@pytest.mark.parametrize("said", ["", "1234", "123456789", "１２３４５６７８", "abcdefgh"])
async def test_what_is_no_code_names_the_rule(site: Site, said: str) -> None:
    browser = site.browser()
    page = await code_asked(browser, ELIZABETH.email)

    wrong = await browser.send(page, "/sign-in/code", code=said)

    assert wrong.status == 422
    assert "The code is 8 digits" in wrong.text


async def test_a_sign_in_gets_a_cookie_that_was_not_there_before(site: Site) -> None:
    browser = site.browser()
    name = cookies.name_of(site.parts, cookies.SIGN_IN)
    browser.client.cookies.set(name, "A" * 43)

    await signed_in(site, browser)

    tokens = [one.value for one in browser.client.cookies.jar if one.name == name]
    assert "A" * 43 not in tokens[-1:]
    assert len(tokens[-1] or "") == 43


async def test_signing_out_ends_the_browser_and_the_key(site: Site) -> None:
    browser = site.browser()
    home = await browser.follow(await signed_in(site, browser))
    token = browser.client.cookies[cookies.name_of(site.parts, cookies.SIGN_IN)]

    out = await browser.send(home, "/sign-out")

    assert "You are signed out." in (await browser.follow(out)).text
    stolen = site.browser()
    stolen.client.cookies.set(cookies.name_of(site.parts, cookies.SIGN_IN), token)
    assert (await stolen.get("/")).goal == "/sign-in"
    async with site.installation.engines.read.connect() as connection:
        query = select(t.key.c.revoked_at).where(t.key.c.channel == "portal")
        assert (await connection.execute(query)).scalar_one() is not None


@pytest.mark.parametrize(
    ("column", "by", "is_in"),
    [
        ("seen_at", timedelta(minutes=14), True),
        ("seen_at", QUARTER, False),
        ("ends_at", timedelta(hours=7), True),
        ("ends_at", timedelta(hours=8, seconds=1), False),
    ],
)
async def test_a_browser_ends_when_idle_or_old(
    still: Site, column: str, by: timedelta, is_in: bool
) -> None:
    browser = await still.signed_in(TOM)
    async with still.installation.engines.write.begin() as connection:
        row = (await connection.execute(select(portal_session))).one()
        change = {column: getattr(row, column) - by}
        await connection.execute(update(portal_session).values(change))

    page = await browser.get("/")

    assert (page.status == 200) is is_in


async def test_whoever_is_disabled_is_out_at_the_next_page(still: Site) -> None:
    browser = await still.signed_in(CAROLINE)
    before = await browser.get("/")

    async with still.installation.engines.write.begin() as connection:
        off = update(t.person).where(t.person.c.id == CAROLINE.id).values(is_active=False)
        await connection.execute(off)

    assert before.status == 200
    assert (await browser.get("/")).goal == "/sign-in"


@pytest.mark.parametrize("loss", ["a role", "the address", "the place"])
async def test_whoever_loses_what_they_are_known_by_signs_in_anew(still: Site, loss: str) -> None:
    tom, becky = await still.signed_in(TOM), await still.signed_in(BECKY)
    changed = {
        "a role": DIRECTORY.model_copy(update={"roles": without(DIRECTORY.roles, TOM)}),
        "the address": with_person(TOM.model_copy(update={"email": "sawyer@tom-sawyer.example"})),
        "the place": with_person(TOM.model_copy(update={"is_active": False})),
    }[loss]

    await Registrar(still.installation.engines).write(DirectoryFile(directory=changed))

    assert (await tom.get("/")).goal == "/sign-in"
    assert (await becky.get("/")).status == 200
    async with still.installation.engines.read.connect() as connection:
        rows = (await connection.execute(select(portal_session.c.person_id))).scalars().all()
    assert rows == [BECKY.id]


def without(roles: tuple[RoleAssignment, ...], person: Person) -> tuple[RoleAssignment, ...]:
    """Return the roles without one of this person's."""
    lost = next(one for one in roles if one.person == person.id)
    return tuple(one for one in roles if one != lost)


def with_person(person: Person) -> Directory:
    """Return the directory with somebody as they are now."""
    people = tuple(person if one.id == person.id else one for one in DIRECTORY.people)
    return DIRECTORY.model_copy(update={"people": people})


async def test_a_role_that_is_given_or_a_name_that_changes_signs_nobody_out(still: Site) -> None:
    tom = await still.signed_in(TOM)
    given = RoleAssignment(person=TOM.id, role=Role.SECURITY_CONTACT, scope=TOM_SAWYER.id)
    more = with_person(TOM.model_copy(update={"name": "Thomas Sawyer"}))
    more = more.model_copy(update={"roles": (*more.roles, given)})

    await Registrar(still.installation.engines).write(DirectoryFile(directory=more))

    assert "Thomas Sawyer" in (await tom.get("/")).text


async def test_a_role_that_is_lost_decides_nothing_even_where_the_sign_in_goes_on(
    site: Site,
) -> None:
    path = f"/requests/{await site.asked()}"
    tom = await site.signed_in(TOM)
    page = await tom.get(path)

    async with site.installation.engines.write.begin() as connection:  # past the import
        lost = delete(t.role_assignment).where(t.role_assignment.c.person_id == TOM.id)
        await connection.execute(lost)

    granted = await tom.send(page, f"{path}/grant", end="7d")
    assert granted.status in (403, 404)
    assert not (await tom.get("/")).has_form(path)
    assert "To decide" not in (await tom.get("/account")).text


async def test_another_browser_can_be_signed_out_from_here(site: Site) -> None:
    here, there = site.browser(), site.browser()
    await there.follow(await signed_in(site, there))
    seen = len(site.letters)
    page = await code_asked(here, ELIZABETH.email)
    code = await site.code_for(ELIZABETH, seen)
    await here.send(page, "/sign-in/code", code=code)
    account = await here.get("/account")
    action = next(one for one in account._forms if one.startswith("/account/sign-ins/"))

    done = await here.send(account, action)

    assert "That sign-in has ended" in (await here.follow(done)).text
    assert (await there.get("/")).goal == "/sign-in"


async def test_a_guest_is_spoken_to_as_the_browser_asks(still: Site) -> None:
    german = await still.browser(**{"accept-language": "fr;q=0.4, de-AT, en;q=0.8"}).get("/sign-in")

    assert german.headers["content-language"] == "de"
    assert speech_of("de", "UTC").say("Your e-mail address") in german.text


async def test_more_than_ten_tries_a_minute_from_one_address_must_wait(still: Site) -> None:
    browser = still.browser()
    page = await browser.get("/sign-in")
    tries = [await browser.send(page, "/sign-in", email="not an address") for _ in range(11)]

    assert [one.status for one in tries] == [422] * 10 + [429]
    assert int(tries[-1].headers["retry-after"]) > 0
    assert "Too many attempts. Try again in" in tries[-1].text


async def entered(site: Site, browser: Browser, person: Person) -> Page:
    """Sign somebody in with the code that comes by mail; return where they are led."""
    before = len(site.letters)
    page = await code_asked(browser, person.email)
    return await browser.send(page, "/sign-in/code", code=await site.code_for(person, before))


async def test_an_admin_is_led_once_to_terms_that_wait_for_their_organization(site: Site) -> None:
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    await switched_on(site)
    browser, after_terms = site.browser(), site.browser()
    await browser.get("/")

    led = await entered(site, browser, TOM)
    terms = await browser.follow(led)
    await browser.send(terms, f"{SHOWN}/accept_terms")
    later = await entered(site, after_terms, TOM)

    assert led.goal == f"{SHOWN}/terms"
    assert terms.has_form(f"{SHOWN}/accept_terms")
    assert later.goal == "/"


async def test_terms_that_wait_lead_nobody_away_from_the_page_that_was_asked_for(
    site: Site,
) -> None:
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    await switched_on(site)
    browser = site.browser()
    await browser.get("/sites")

    led = await entered(site, browser, TOM)

    assert led.goal == "/sites"


async def test_terms_wait_for_admins_of_the_customer_alone(site: Site) -> None:
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SWITCHING)
    await switched_on(site)
    waiting = Waiting(site.installation.engines)

    found = {one.name: await waiting.terms(one.id) for one in (TOM, BECKY, HUCK, JANE, WICKHAM)}

    assert found == {
        "Tom Sawyer": SWITCH,
        "Becky Thatcher": SWITCH,
        "Huckleberry Finn": None,
        "Jane Bennet": None,
        "George Wickham": None,
    }
