"""What an address, a head or a cookie brings along leads nowhere, shows nowhere, finds nobody."""

import re

import pytest

from portal import cookies
from tests.factories import CHRISTOPHER, CLASSICS, ELIZABETH, TOM
from tests.portal.site import Site
from tests.security.full_house import FullHouse, routes
from tests.store.rows import digest_of

EVIL = "evil.example"
BROUGHT = [
    {"host": EVIL},
    {"host": f"127.0.0.1.{EVIL}"},
    {"host": f"{EVIL}:8090"},
    {"host": f"127.0.0.1:8090@{EVIL}"},
    {"host": f"{EVIL}#127.0.0.1"},
    {"host": f"127.0.0.1, {EVIL}"},
    {"x-forwarded-host": EVIL},
    {"x-forwarded-server": EVIL},
    {"x-host": EVIL},
    {"forwarded": f"host={EVIL};proto=https"},
    {"x-original-url": f"https://{EVIL}/", "x-rewrite-url": f"https://{EVIL}/"},
    {"x-forwarded-proto": "https", "x-forwarded-for": EVIL, "x-forwarded-prefix": f"//{EVIL}"},
]
LISTS = {
    "/": ("status", "after"),
    "/requests/incoming": ("status", "after"),
    "/requests/outgoing": ("status", "after"),
    "/pairings": ("status",),
    "/customers": ("status", "name", "partner"),
    "/onboardings": ("status",),
    "/mailbox": ("to",),
}
ATTACKS = [
    "'", "''", '"', "`", "\\", ";", "--", "/*", "%", "_", "1' OR '1'='1", "' OR 1=1--",
    "' OR ''='", '" OR ""="', "') OR ('1'='1", "'; DROP TABLE process;--",
    "' UNION SELECT * FROM person--", "' UNION ALL SELECT NULL,NULL,NULL--",
    "pending' AND SLEEP(5)--", "pending'||(SELECT email FROM person LIMIT 1)||'",
    "1; SELECT pg_sleep(5)", "$$;SELECT 1;$$", "{{7*7}}", "${7*7}", ":status", "%s", "%(id)s",
    "0x27", "%27%20OR%201=1", "pending) OR (1=1",
]  # fmt: skip
AWAY = [
    f"//{EVIL}",
    f"https://{EVIL}",
    f"https:{EVIL}",
    f"/\\{EVIL}",
    f"/%09/{EVIL}",
    f"/{EVIL}/..",
]


@pytest.mark.parametrize("brought", BROUGHT, ids=lambda one: ",".join(one))
async def test_a_name_that_a_request_brings_along_shows_nowhere(
    house: FullHouse, brought: dict[str, str]
) -> None:
    shown = []
    for person in (None, TOM):
        browser = await house.site.signed_in(person) if person else house.site.browser()
        for address in (
            "/",
            "/sign-in",
            "/requests/incoming",
            "/nothing",
            "/.well-known/jwks.json",
        ):
            answer = await browser.client.get(address, headers=brought)
            said = f"{answer.headers} {answer.text}"
            shown += [(address, answer.status_code)] if EVIL in said or "https://" in said else []
            if "host" in brought:
                assert answer.status_code == 400

    assert shown == []


@pytest.mark.parametrize("path", LISTS)
async def test_no_parameter_of_a_list_reaches_the_database_as_sql(
    house: FullHouse, path: str
) -> None:
    browser = await house.site.signed_in(CHRISTOPHER)
    before = await digest_of(house.life.engines, ("portal_session",))
    whole = await browser.client.get(path)
    wrong = []
    for name in LISTS[path]:
        for attack in ATTACKS:
            answer = await browser.client.get(path, params={name: attack})
            is_fine = answer.status_code in (200, 404, 422)
            holds = [one for one in (TOM.name, TOM.email) if one in answer.text]
            if not is_fine or holds or len(answer.text) > len(whole.text) + 2_000:
                wrong.append((name, attack, answer.status_code, holds))

    assert wrong == []
    assert await digest_of(house.life.engines, ("portal_session",)) == before


def test_every_parameter_of_every_list_is_attacked() -> None:
    listed = {one.path for one in routes() if one.method == "GET" and not one.names_something}

    assert set(LISTS) <= listed


@pytest.mark.parametrize("away", AWAY)
async def test_no_page_leads_where_an_address_says(still: Site, away: str) -> None:
    led = []
    for person in (None, TOM):
        browser = await still.signed_in(person) if person else still.browser()
        for path in ("/", "/sign-in", "/sign-in/code", "/account"):
            for name in ("next", "goal", "return_to", "url", "redirect_uri", "continue", "done"):
                answer = await browser.client.get(path, params={name: away})
                led.append(answer.headers.get("location", "/"))
        for path in (away.removeprefix("https:"), f"/sign-in/..{away}"):
            if path.startswith("/"):
                answer = await browser.client.get(f"{still.ORIGIN}{path}")
                led.append(answer.headers.get("location", "/"))

    assert {one for one in led if not re.fullmatch(r"/(sign-in(/code)?)?", one)} == set()


async def test_a_goal_that_was_planted_is_not_gone_to(still: Site) -> None:
    link = cookies.name_of(still.parts, cookies.LINK)
    sealed = still.parts.keys.sealer.sealed(f"//{EVIL}", cookies.GOAL)
    for planted in (f"//{EVIL}", f"https://{EVIL}", sealed, "x" * 200):
        browser = still.browser()
        browser.client.cookies.set(link, planted, domain="127.0.0.1")

        answer = await browser.client.get("/account")

        assert answer.headers["location"] == "/sign-in"
        assert EVIL not in f"{answer.headers}"


@pytest.mark.parametrize("planted", ["A" * 43, "", "' OR 1=1--", "../../etc/passwd", "x" * 3000])
async def test_a_cookie_that_was_planted_signs_nobody_in(still: Site, planted: str) -> None:
    sid = cookies.name_of(still.parts, cookies.SIGN_IN)
    browser = still.browser()
    browser.client.cookies.set(sid, planted, domain="127.0.0.1")
    good = await still.signed_in(ELIZABETH)
    token = good.client.cookies[sid]

    page = await browser.client.get("/account")
    hashed = await still.browser().client.get(
        "/account", headers={"cookie": f"{sid}={cookies.hashed(token)}"}
    )
    twice = await still.browser().client.get(
        "/account", headers={"cookie": f"{sid}={planted}; {sid}={token}"}
    )

    assert [one.status_code for one in (page, hashed, twice)] == [303, 303, 303]
    assert (await good.client.get("/account")).status_code == 200
    assert CLASSICS.name not in page.text
