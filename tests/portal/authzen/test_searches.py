"""Searches find exactly those for whom a question would be answered by yes, on each database."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from approvals.access import Via
from approvals.people import Role
from approvals.questions import ACTIONS, Place
from store import tables as t
from tests.factories import (
    ART_GALLERY,
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    ELIZABETH,
    EVERYBODY,
    FENCE_PAINTING,
    HUNDRED_ACRE,
    JANE,
    LYDIA,
    MARY,
    MERYTON,
    TOM,
    TOM_SAWYER,
)
from tests.portal.authzen.asking import Json, Program, question, without
from tests.store.entries import SITE, Entries
from tests.stored_life import StoredLife


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Both kinds: the order of ids must be the same in each."""
    return str(request.param)


@pytest.fixture
async def world(entries: Entries) -> Entries:
    """Every way in: a grant, a pairing with a clone, the old tool, a switch, a site."""
    await entries.group(MARY)
    process = await entries.pairing("employees.view", "logs.view", tenant=HUNDRED_ACRE)
    await entries.clone(process, MARY, HUNDRED_ACRE)
    await entries.session(process, MARY, "support", tenant_id=HUNDRED_ACRE.id)
    await entries.role(JANE, Role.LEGACY_IMPERSONATOR, CLASSICS.id)
    for owner, partner, status in (
        (FENCE_PAINTING, CLASSICS, "accepted"),
        (FENCE_PAINTING, MERYTON, "disabled"),
        (ART_GALLERY, CLASSICS, "pending"),
    ):
        await entries.process(
            "customer_access", status, customer_id=owner.id, organization_id=partner.id
        )
    await entries.site()
    await entries.membership(ELIZABETH, reporting="view")
    await entries.role(TOM, Role.PRIMARY_CONTACT, SITE)
    await entries.role(BECKY, Role.SECONDARY_CONTACT, SITE)
    return entries


PLACES: dict[Place, tuple[str, ...]] = {
    Place.TENANT: (TOM_SAWYER.slug, HUNDRED_ACRE.slug),
    Place.PLATFORM: (CLASSICS.slug, MERYTON.slug),
    Place.SITE: (str(SITE),),
}
WAYS = {Place.TENANT: tuple(Via), Place.PLATFORM: (Via.REQUEST,), Place.SITE: (Via.REQUEST,)}
ASKED = {
    Place.TENANT: ("support", "configure", "logs.view", "nothing"),
    Place.PLATFORM: ("sign_in", "accept_terms"),
    Place.SITE: ("reporting.view", "manage_access.view", "documents.view"),
}


async def matrix(program: Program, kind: Place, via: Via) -> dict[tuple[str, str, str], bool]:
    """Return the answer to every question about one kind of place, each asked on its own."""
    context: dict[str, Any] = {"context": {"via": via.value}}
    cells = list(product([one.email for one in EVERYBODY], PLACES[kind], ASKED[kind]))
    found: list[Json] = []
    for start in range(0, len(cells), 100):
        some = [question(*cell, kind, **context) for cell in cells[start : start + 100]]
        found += (await program.answer("evaluations", {"evaluations": some}))["evaluations"]
    return {cell: one["decision"] for cell, one in zip(cells, found, strict=True)}


@pytest.mark.parametrize(
    ("kind", "via"), [(kind, via) for kind, ways in WAYS.items() for via in ways]
)
async def test_a_search_finds_whom_a_question_lets_in(
    world: Entries, program: Program, kind: Place, via: Via
) -> None:
    answers = await matrix(program, kind, via)
    context = {"context": {"via": via.value}}

    for where, action in product(PLACES[kind], ASKED[kind]):
        body = without(question("", where, action, kind, **context), "subject", "id")
        results = (await program.answer("search/subject", body))["results"]
        found = {one["properties"].get("email") for one in results} - {None}
        assert found == set(answers_of(answers, where, action)), (where, action)
    for who, action in product([one.email for one in EVERYBODY], ASKED[kind]):
        body = without(question(who, "", action, kind, **context), "resource", "id")
        results = (await program.answer("search/resource", body))["results"]
        places = {
            place for person, place, asked in yes(answers) if (person, asked) == (who, action)
        }
        assert {slug_of(one, kind) for one in results} == places, (who, action)
    assert any(answers.values())


def yes(answers: dict[tuple[str, str, str], bool]) -> list[tuple[str, str, str]]:
    """Return the questions that were answered by yes."""
    return [cell for cell, is_open in answers.items() if is_open]


def answers_of(answers: dict[tuple[str, str, str], bool], where: str, action: str) -> list[str]:
    """Return who gets in somewhere for something."""
    return [who for who, place, asked in yes(answers) if (place, asked) == (where, action)]


def slug_of(one: Json, kind: Place) -> str:
    """Return a found place as questions name it."""
    slug: str = one["properties"]["slug"]
    assert one["type"] == kind
    return slug


async def test_a_search_for_actions_finds_all_that_somebody_may_do(
    world: Entries, program: Program
) -> None:
    found = [
        await program.found("action", without(question(*asked), "action"))
        for asked in (
            (CAROLINE, TOM_SAWYER.slug),
            (MARY, HUNDRED_ACRE.slug),
            (LYDIA, TOM_SAWYER.slug),
            (TOM, CLASSICS.slug, "", "platform"),
            (ELIZABETH, SITE, "", "site"),
            (TOM, SITE, "", "site"),
        )
    ]

    every = [one for one in ACTIONS[Place.TENANT] if one != "disruptive-change"]
    assert found == [
        every,
        ["support", "employees.view", "logs.view"],
        [],
        ["sign_in", "accept_terms"],
        ["reporting.view", "contacts_overview.view"],
        list(ACTIONS[Place.SITE]),
    ]


async def test_a_search_for_people_finds_clones_by_their_own_ids(
    world: Entries, program: Program
) -> None:
    body = without(question("", HUNDRED_ACRE.slug), "subject", "id")

    results = (await program.answer("search/subject", body))["results"]

    (clone,) = [one for one in results if one["properties"] == {"clone": True}]
    assert await program.decision(person=clone["id"], where=HUNDRED_ACRE.slug) == "paired"


async def test_ids_of_what_is_searched_for_are_ignored(world: Entries, program: Program) -> None:
    people = without(question(), "subject", "id")
    places = without(question(), "resource", "id")

    for what, body in (("subject", people), ("resource", places)):
        assert await program.found(what, question()) == await program.found(what, body)
        ignored = {**body, what: {**body[what], "id": 7}}
        assert await program.found(what, ignored) == await program.found(what, body)


@pytest.mark.parametrize("what", ["subject", "resource", "action"])
@pytest.mark.parametrize(
    "changes",
    [
        {"subject": {"type": "spaceship", "id": "x"}},
        {"resource": {"type": "record", "id": "record-1"}},
        {"subject": {"type": "person", "id": "nobody@x.example"},
         "resource": {"type": "tenant", "id": "nowhere"}},
    ],
)  # fmt: skip
async def test_what_nobody_knows_is_found_nowhere(
    program: Program, what: str, changes: Json
) -> None:
    assert await program.found(what, {**question(), **changes}) == []


async def many_people(life: StoredLife, count: int) -> None:
    """Let further people of Caroline's organization into the tenant."""
    entries = Entries(life.engines)
    for number in range(count):
        person = UUID(int=number + 1)
        row = {
            "id": person, "email": f"p{number}@classics.example",
            "email_key": f"p{number}@classics.example", "name": "P",
            "organization_id": CLASSICS.id, "locale": "en", "time_zone": "UTC", "is_active": True,
        }  # fmt: skip
        await entries.add(t.person, row)
        grant = {
            "process_id": life.process, "person_id": person, "tenant_id": TOM_SAWYER.id,
            "requested_by": ELIZABETH.id, "granted_by": TOM.id,
            "ends_at": life.now + DAY if number % 2 else life.now - DAY, "no_end": False,
        }  # fmt: skip
        await entries.add(t.access_grant, grant)


async def pages(program: Program, body: Json, limit: int) -> list[list[str]]:
    """Return the pages of a search, from the first to the last."""
    found, token = [], None
    while token != "":
        page: dict[str, Any] = {"limit": limit} if token is None else {"token": token}
        answer = await program.answer("search/subject", {**body, "page": page})
        found.append([one["id"] for one in answer["results"]])
        assert answer["page"]["count"] == len(found[-1])
        token = answer["page"]["next_token"]
    return found


async def test_pages_leave_nobody_out_and_name_nobody_twice(
    life: StoredLife, program: Program
) -> None:
    await many_people(life, 7)
    body = without(question(), "subject", "id")
    whole = await program.found("subject", body)

    found = await pages(program, body, limit=2)

    assert [one for page in found for one in page] == whole == sorted(whole)
    assert len(whole) == 5
    assert [len(one) for one in found] == [2, 2, 1]


async def test_a_page_asks_for_so_many_and_no_more(
    life: StoredLife, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.client_gate.SCANNED", 3)
    await many_people(life, 7)
    body = without(question(), "subject", "id")

    found = await pages(program, body, limit=50)

    assert [len(one) for one in found] == [1, 2, 2, 0]


async def test_a_token_belongs_to_one_search_of_one_client(
    life: StoredLife, program: Program
) -> None:
    body = without(question(), "subject", "id")
    first = await program.answer("search/subject", {**body, "page": {"limit": 1}})
    token = first["page"]["next_token"]
    attempts: list[tuple[str, Json]] = [
        ("subject", {**body, "action": {"name": "configure"}, "page": {"token": token}}),
        ("subject", {**body, "page": {"token": token, "limit": 2}}),
        ("subject", {**body, "page": {"token": token[:-8] + "AAAAAAA="}}),
        ("subject", {**body, "page": {"token": "canary"}}),
        ("resource", {**question(), "page": {"token": token}}),
    ]

    answers = [await program.post(f"search/{what}", one) for what, one in attempts]
    last = await program.answer("search/subject", {**body, "page": {"token": token, "limit": 1}})

    assert [one.status_code for one in answers] == [400] * 5
    assert {one.json()["errors"][0]["pointer"] for one in answers} == {"/page/token"}
    assert [one["id"] for one in (*first["results"], *last["results"])] == sorted(
        str(one.id) for one in (CAROLINE, CHARLOTTE)
    )


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("subject", ("action",)),
        ("subject", ("resource", "id")),
        ("resource", ("subject",)),
        ("resource", ("subject", "id")),
        ("action", ("resource",)),
        ("action", ("subject", "id")),
    ],
)
async def test_what_a_search_must_know_is_missed_by_name(
    program: Program, what: str, path: tuple[str, ...]
) -> None:
    found = await program.post(f"search/{what}", without(question(), *path))

    assert found.status_code == 400
    assert found.json()["errors"][0]["pointer"] == "/" + "/".join(path)


async def test_a_page_of_none_says_where_the_first_begins(program: Program) -> None:
    body = {**without(question(), "subject", "id"), "page": {"limit": 0}}

    answer = await program.answer("search/subject", body)

    assert answer["results"] == []
    assert answer["page"]["next_token"] != ""
    wrong = await program.post("search/subject", {**body, "page": {"limit": -1}})
    assert wrong.json()["errors"][0]["pointer"] == "/page/limit"
