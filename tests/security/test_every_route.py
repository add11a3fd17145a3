"""Every address of the portal, asked by who has no part in it: nothing shows and nothing moves."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import httpx2
import pytest

from approvals.people import Person
from portal.authzen.api import (
    ACTIONS,
    DOCUMENT,
    EVALUATION,
    EVALUATIONS,
    METADATA,
    RESOURCES,
    SUBJECTS,
)
from portal.guard import GATE
from tests import sites
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    ELIZABETH,
    FENCE_PAINTING,
    LYDIA,
    NAME,
    TOM,
    TOM_SAWYER,
)
from tests.onboardings import ARTHUR
from tests.security.full_house import MAILED_LINK, FullHouse, Route, words_of
from tests.store.rows import digest_of

PUBLIC = {  # what everybody may ask for, and what it says to who is not signed in
    "/sign-in": {200, 403},
    "/sign-in/code": {303, 403},
    "/sign-in/new": {200, 403},
    "/sign-in/passkey": {200, 303, 403},
    "/sign-in/passkey/ask": {303, 403},
    MAILED_LINK.path: {303},  # the same for every id; the page behind it is asked for below
    "/.well-known/jwks.json": {200},
    "/healthz": {200},
    "/readyz": {503},  # Temporal is away here
    "/codec/decode": {303, 404},  # 404 to a browser that asks from elsewhere
    "/mailbox": {404},  # opens by the key that `gatehouse up` prints
    "/mailbox/open/{key}": {404, 429},
    "/mailbox/{letter}": {404},
}
SEEN = ("requests", "pairings", "customers", "sites", "contacts", "onboardings", "tenants")
STRANGERS = pytest.mark.parametrize("stranger", [CHRISTOPHER, ARTHUR], ids=lambda one: one.name)
KEPT_OUT = ("portal_session", "key")  # what a sign-in itself writes
FRAMES = "frame-ancestors 'none'"
HIDDEN = (TOM.name, BECKY.name, sites.SID.name, LYDIA.name, CAROLINE.name, CHARLOTTE.name)


def is_framed_by_nobody(answer: httpx2.Response) -> bool:
    """Whether no other page can show this answer inside of it."""
    head = answer.headers
    return FRAMES in head["content-security-policy"] and head["x-frame-options"] == "DENY"


async def test_who_is_not_signed_in_gets_nothing_anywhere(house: FullHouse) -> None:
    before = await digest_of(house.life.engines)
    wrong: list[object] = []
    frames: list[object] = []
    for route in house.routes():
        for address in house.addresses(route):
            answer = await house.asked(route.method, address, None, route)
            if route.path in PUBLIC:
                is_right = answer.status_code in PUBLIC[route.path]
            else:
                is_right = answer.status_code == 303 and answer.headers["location"] == "/sign-in"
            wrong += [] if is_right else [(route, answer.status_code)]
            wrong += [(route, one) for one in HIDDEN if one in answer.text]
            frames += [] if is_framed_by_nobody(answer) else [(route, answer.status_code)]

    assert wrong == []
    assert frames == []
    assert await digest_of(house.life.engines) == before


async def test_no_answer_to_a_program_can_be_shown_inside_another_page(house: FullHouse) -> None:
    client = house.site.browser().client
    frames: list[object] = []
    asked = 0
    for path in (EVALUATION, EVALUATIONS, SUBJECTS, RESOURCES, ACTIONS, DOCUMENT, METADATA, GATE):
        for method in ("GET", "POST", "PUT"):
            answer = await client.request(method, path)
            asked += answer.status_code in (200, 401)
            frames += [] if is_framed_by_nobody(answer) else [(method, path, answer.status_code)]

    assert frames == []
    assert asked >= 7  # each of the routes answered by one of the methods


@STRANGERS
async def test_what_is_anothers_is_answered_like_what_is_not_there(
    house: FullHouse, stranger: Person
) -> None:
    await house.asked("GET", "/", stranger, Route("GET", "/"))  # signs them in
    before = await digest_of(house.life.engines, KEPT_OUT)
    wrong: list[object] = []
    for route in _naming_something(house):
        missing = await house.asked(route.method, house.unknown(route), stranger, route)
        for address in house.addresses(route):
            answer = await house.asked(route.method, address, stranger, route)
            if (answer.status_code, words_of(answer)) != (404, words_of(missing)):
                wrong.append((route, answer.status_code, missing.status_code))
            if not is_framed_by_nobody(answer):
                wrong.append((route, "can be framed"))

    assert wrong == []
    assert await digest_of(house.life.engines, KEPT_OUT) == before


@pytest.mark.parametrize(
    ("somebody", "status"),
    [(None, 303), (CHRISTOPHER, 404), (ARTHUR, 404)],
    ids=["nobody", CHRISTOPHER.name, ARTHUR.name],
)
async def test_a_mailed_link_leads_everybody_alike_to_a_page_that_gives_nothing(
    house: FullHouse, somebody: Person | None, status: int
) -> None:
    known, unknown = house.life.named["paired"], uuid4()
    await house.asked("GET", "/", somebody, Route("GET", "/"))  # signs them in
    before = await digest_of(house.life.engines, KEPT_OUT)

    link, page = await house.by_link(known, somebody)
    link_to_nothing, no_page = await house.by_link(unknown, somebody)

    assert link.headers["location"] == f"/pairings/{known}/link"
    assert _traits(link, known) == _traits(link_to_nothing, unknown)
    assert is_framed_by_nobody(link)
    assert page.status_code == status
    assert _traits(page, known) == _traits(no_page, unknown)
    assert is_framed_by_nobody(page)
    assert status == 404 or page.headers["location"] == "/sign-in"
    assert [one for one in HIDDEN if one in link.text + page.text] == []
    assert await digest_of(house.life.engines, KEPT_OUT) == before


def _traits(answer: httpx2.Response, process: UUID) -> tuple[object, ...]:
    """Return what tells answers about two processes apart, but for the ids themselves."""
    goal = answer.headers.get("location", "").replace(str(process), "")
    kept = sorted((name, len(value)) for name, value in answer.cookies.items())
    return answer.status_code, words_of(answer), goal, sorted(answer.headers), kept


def _naming_something(house: FullHouse) -> Sequence[Route]:
    found = [
        one
        for one in house.routes()
        if one.family in SEEN and one.names_something and one.path != MAILED_LINK.path
    ]
    assert len(found) > 50  # so that a change of the routes' shape does not empty the test
    return found


@STRANGERS
async def test_no_list_holds_a_byte_of_another_tenants(house: FullHouse, stranger: Person) -> None:
    canaries = [TOM.name, TOM.email, BECKY.name, LYDIA.name, sites.SID.name, str(TOM_SAWYER.id)]
    canaries += [str(house.life.named[one]) for one in ("granted", "pending", "paired", "on")]
    found = []
    for route in house.routes():
        if route.method != "GET" or route.names_something:
            continue
        answer = await house.asked("GET", route.path, stranger, route)
        found += [(route.path, one) for one in canaries if one in answer.text]

    assert found == []


@pytest.mark.parametrize("admin", [TOM, BECKY, CHRISTOPHER], ids=lambda one: one.name)
async def test_no_page_names_concealed_people_to_who_decides(
    house: FullHouse, admin: Person
) -> None:
    concealed = (CAROLINE, CHARLOTTE, ELIZABETH)
    canaries = [
        NAME,
        *(str(getattr(one, it)) for one in concealed for it in ("name", "email", "id")),
    ]
    found, shown = [], 0
    for route in house.routes():
        if route.method != "GET" or route.family == "live":  # a stream does not end
            continue
        for address in house.addresses(route) if route.names_something else (route.path,):
            answer = await house.asked("GET", address, admin, route)
            shown += answer.status_code == 200
            found += [(address, one) for one in canaries if one in answer.text]

    assert found == []
    assert shown >= 10


async def test_the_owner_does_see_what_strangers_do_not(house: FullHouse) -> None:
    seen = set()
    for route in _naming_something(house):
        if route.method == "GET":
            for address in house.addresses(route):
                for person in (TOM, BECKY, CAROLINE):
                    answer = await house.asked("GET", address, person, route)
                    named = FENCE_PAINTING.name, sites.SITE.name
                    seen |= {route.family} if any(one in answer.text for one in named) else set()

    assert seen >= {"requests", "pairings", "customers", "sites", "tenants"}
