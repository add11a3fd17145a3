"""Requests in every shape that the AuthZEN Authorization API 1.0 shows, from clients of any kind.

A client that knows the interface and not Gatehouse asks about types, actions and attributes of its
own. Each gets an answer of the shape that the interface demands: nothing of it is an error.
"""

from typing import Any

import pytest

from tests.factories import CAROLINE, CHARLOTTE, LYDIA
from tests.portal.authzen.asking import Json, Program

ALICE: Json = {"type": "user", "id": "alice@example.com"}
IN_SALES: Json = {**ALICE, "properties": {"department": "Sales"}}
ON_A_DEVICE: Json = {
    **ALICE,
    "properties": {"ip_address": "172.17.0.9", "device_id": "8:65:ee:17:7e:0b"},
}
BOOK: Json = {"type": "book", "id": "123"}
RECORDED_BOOK: Json = {
    **BOOK,
    "properties": {"library_record": {"title": "Fences", "isbn": "978-0000000000"}},
}
ACCOUNT: Json = {"type": "account", "id": "123"}
DOCUMENTS: list[Json] = [
    {"type": "document", "id": f"{name}.md"} for name in ("boxcarring", "subject", "resource")
]
READ: Json = {"name": "can_read"}
EDIT: Json = {"name": "can_edit"}
GET: Json = {**READ, "properties": {"method": "GET"}}
EXTEND: Json = {"name": "extend-loan", "properties": {"period": "2W"}}
AT_A_TIME: Json = {"time": "1985-10-26T01:22-07:00"}  # of no form that RFC 3339 knows
WITH_A_SCHEMA: Json = {**AT_A_TIME, "schema": "https://schema.example.com/access.schema.json"}
CAROLINES: Json = {"type": "user", "id": CAROLINE.email}
LYDIAS: Json = {"type": "user", "id": LYDIA.email}
TENANT: Json = {"type": "tenant", "id": "tom-sawyer"}
CLOSED: Json = {"type": "tenant", "id": "hundred-acre"}
SUPPORT: Json = {"name": "support"}
THREE = [{"resource": one} for one in (TENANT, CLOSED, TENANT)]


def question(subject: Json, action: Json, resource: Json, context: Json | None = None) -> Json:
    """Return one question in the order of the interface's own words."""
    found = {"subject": subject, "resource": resource, "action": action}
    return found if context is None else {**found, "context": context}


def require_decision(answer: Any, expected: bool) -> None:
    """Require what the interface calls a decision, and this one."""
    assert isinstance(answer, dict)
    assert set(answer) <= {"decision", "context"}
    assert answer["decision"] is expected
    assert isinstance(answer.get("context", {}), dict)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(question(ALICE, READ, ACCOUNT), False, id="a-question"),
        pytest.param(question(ALICE, GET, ACCOUNT, AT_A_TIME), False, id="with-a-method"),
        pytest.param(question(IN_SALES, READ, BOOK), False, id="of-a-department"),
        pytest.param(question(ON_A_DEVICE, READ, BOOK), False, id="from-a-device"),
        pytest.param(question(ALICE, EXTEND, RECORDED_BOOK), False, id="about-a-record"),
        pytest.param(question(ALICE, READ, BOOK, WITH_A_SCHEMA), False, id="with-a-schema"),
        pytest.param(question(ALICE, READ, BOOK, {}), False, id="with-nothing-around"),
        pytest.param(question(ALICE, SUPPORT, TENANT), False, id="somebody-unknown"),
        pytest.param(question(CAROLINES, GET, TENANT), False, id="an-action-unknown"),
        pytest.param(question(CAROLINES, SUPPORT, TENANT, WITH_A_SCHEMA), True, id="a-yes"),
        pytest.param(
            question(
                {**CAROLINES, "properties": {"department": None, "groups": ["a", {"b": [1.5]}]}},
                {**SUPPORT, "properties": {"method": "GET"}},
                {**TENANT, "properties": {}},
                {"time": "2026-03-02T09:00:00Z", "capabilities": ["step-up"]},
            ),
            True,
            id="a-yes-with-attributes-of-every-type",
        ),
    ],
)
async def test_one_question_gets_one_decision(
    program: Program, asked: Json, expected: bool
) -> None:
    single = await program.answer("evaluation", asked)
    among_many = await program.answer("evaluations", asked)

    require_decision(single, expected)
    assert among_many == single


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(
            {"evaluations": [question(ALICE, READ, one, AT_A_TIME) for one in DOCUMENTS]},
            [False] * 3,
            id="without-anything-shared",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "context": AT_A_TIME,
                "evaluations": [{"action": READ, "resource": one} for one in DOCUMENTS],
            },
            [False] * 3,
            id="of-one-subject",
        ),
        pytest.param(
            {
                "subject": ALICE,
                "context": AT_A_TIME,
                "action": READ,
                "evaluations": [
                    {"resource": DOCUMENTS[0]},
                    {"resource": DOCUMENTS[1]},
                    {"action": EDIT, "resource": DOCUMENTS[2]},
                ],
            },
            [False] * 3,
            id="one-of-another-action",
        ),
        pytest.param(
            {
                "evaluations": [
                    {"resource": {"type": "doc", "id": "1"}, "subject": {"type": "doc", "id": "2"}}
                ],
                "options": {"evaluations_semantic": "execute_all", "another_option": "value"},
            },
            [False],
            id="with-an-option-of-their-own",
        ),
        pytest.param(
            {"subject": CAROLINES, "action": SUPPORT, "evaluations": THREE},
            [True, False, True],
            id="all-where-nothing-is-said",
        ),
        *(
            pytest.param(
                {
                    "subject": CAROLINES,
                    "action": SUPPORT,
                    "options": {"evaluations_semantic": semantic},
                    "evaluations": THREE,
                },
                expected,
                id=semantic,
            )
            for semantic, expected in (
                ("execute_all", [True, False, True]),
                ("deny_on_first_deny", [True, False]),
                ("permit_on_first_permit", [True]),
            )
        ),
    ],
)
async def test_many_questions_get_their_decisions_in_order(
    program: Program, asked: Json, expected: list[bool]
) -> None:
    answer = await program.answer("evaluations", asked)

    assert list(answer) == ["evaluations"]
    assert len(answer["evaluations"]) == len(expected)
    for one, decision in zip(answer["evaluations"], expected, strict=True):
        require_decision(one, decision)


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        pytest.param(
            "subject",
            {
                "subject": {"type": "user"},
                "action": READ,
                "resource": ACCOUNT,
                "context": AT_A_TIME,
            },
            id="subjects",
        ),
        pytest.param(
            "resource",
            {"subject": ALICE, "action": READ, "resource": {"type": "account"}},
            id="resources",
        ),
        pytest.param(
            "resource",
            {
                "subject": ALICE,
                "action": READ,
                "resource": {"type": "account"},
                "page": {"limit": 2, "properties": {"sort": "id"}},
            },
            id="resources-two-a-page",
        ),
        pytest.param(
            "action", {"subject": ALICE, "resource": ACCOUNT, "context": AT_A_TIME}, id="actions"
        ),
        pytest.param(
            "action",
            {"subject": ALICE, "resource": ACCOUNT, "page": {"limit": 2}},
            id="actions-two-a-page",
        ),
    ],
)
async def test_a_search_among_types_that_are_unknown_finds_nothing(
    program: Program, what: str, asked: Json
) -> None:
    answer = await program.answer(f"search/{what}", asked)

    assert answer["results"] == []
    assert answer.get("page", {"next_token": ""})["next_token"] == ""


async def test_what_a_search_finds_is_of_the_type_and_leads_to_a_yes(program: Program) -> None:
    people = await program.answer(
        "search/subject",
        {"subject": {"type": "user"}, "action": SUPPORT, "resource": TENANT, "context": AT_A_TIME},
    )
    places = await program.answer(
        "search/resource",
        {"subject": CAROLINES, "action": SUPPORT, "resource": {"type": "tenant"}},
    )
    acts = await program.answer("search/action", {"subject": CAROLINES, "resource": TENANT})

    found = [question(one, SUPPORT, TENANT) for one in people["results"]]
    found += [question(CAROLINES, SUPPORT, one) for one in places["results"]]
    found += [question(CAROLINES, one, TENANT) for one in acts["results"]]
    emails = {one["properties"]["email"] for one in people["results"]}
    assert emails == {CAROLINE.email, CHARLOTTE.email}
    assert {one["type"] for one in people["results"]} == {"user"}
    assert {one["type"] for one in places["results"]} == {"tenant"}
    assert all(set(one) == {"name"} for one in acts["results"])
    answers = await program.answer("evaluations", {"evaluations": found})
    assert {one["decision"] for one in answers["evaluations"]} == {True}


async def test_a_search_goes_on_with_the_token_of_the_page_before_and_ends_with_an_empty_one(
    program: Program,
) -> None:
    asked: Json = {"subject": {"type": "user"}, "action": SUPPORT, "resource": TENANT}
    first = await program.answer("search/subject", {**asked, "page": {"limit": 1}})
    token = first["page"]["next_token"]

    second = await program.answer("search/subject", {**asked, "page": {"token": token}})

    assert list(first) == list(second) == ["page", "results"]
    assert token != ""
    assert [one["page"]["count"] for one in (first, second)] == [1, 1]
    assert second["page"]["next_token"] == ""
    assert first["results"][0] != second["results"][0]


async def test_the_number_that_a_client_gives_its_question_is_in_the_answer(
    program: Program,
) -> None:
    number = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"

    answers = [
        await program.post(path, body, x_request_id=number)
        for path, body in (
            ("evaluation", question(ALICE, READ, {"type": "todo", "id": "1"}, AT_A_TIME)),
            ("evaluations", {"subject": LYDIAS, "action": READ, "evaluations": THREE}),
            ("search/action", {"subject": ALICE, "resource": ACCOUNT}),
            ("evaluation", {"subject": ALICE}),
        )
    ]

    assert [one.status_code for one in answers] == [200, 200, 200, 400]
    assert {one.headers["x-request-id"] for one in answers} == {number}
