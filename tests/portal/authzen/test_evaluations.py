"""Many questions in one request: what they share, in which order they end, and what fails alone."""

from typing import Any

import pytest

from tests.factories import CAROLINE, LYDIA
from tests.portal.authzen.asking import Json, Program, question, said, without, words

YES: Json = {"resource": {"type": "tenant", "id": "tom-sawyer"}}
NO: Json = {"resource": {"type": "tenant", "id": "hundred-acre"}}
SHARED = without(question(), "resource")


def asked(*evaluations: Json, semantic: str | None = None, **more: Any) -> Json:
    """Return a request for many answers about Caroline."""
    options = {} if semantic is None else {"options": {"evaluations_semantic": semantic}}
    return {**SHARED, **options, **more, "evaluations": list(evaluations)}


@pytest.mark.parametrize(
    ("semantic", "questions", "expected"),
    [
        (None, (YES, NO, YES), ["granted", "(no_grant)", "granted"]),
        ("execute_all", (YES, NO, YES), ["granted", "(no_grant)", "granted"]),
        ("deny_on_first_deny", (YES, NO, YES), ["granted", "(no_grant)"]),
        ("deny_on_first_deny", (YES, YES), ["granted", "granted"]),
        ("deny_on_first_deny", (YES, {}, YES), ["granted", "(invalid)"]),
        ("permit_on_first_permit", (NO, YES, NO), ["(no_grant)", "granted"]),
        ("permit_on_first_permit", (NO, {}, NO), ["(no_grant)", "(invalid)", "(no_grant)"]),
    ],
)
async def test_the_semantic_says_which_answer_is_the_last(
    program: Program, semantic: str | None, questions: tuple[Json, ...], expected: list[str]
) -> None:
    answer = await program.answer("evaluations", asked(*questions, semantic=semantic))

    assert list(answer) == ["evaluations"]
    assert words(answer["evaluations"]) == expected


async def test_what_stands_beside_the_questions_fills_in_what_one_leaves_out(
    program: Program,
) -> None:
    lydia = {"type": "person", "id": LYDIA.email}
    questions = [{}, {"subject": lydia}, {"action": {"name": "fly"}}, {"context": {}}]
    body = {**question(context={"via": "session"}), "evaluations": questions}

    answer = await program.answer("evaluations", body)

    assert words(answer["evaluations"]) == [
        "(no_session)", "(no_grant)", "(unknown_action)", "granted",
    ]  # fmt: skip


async def test_a_question_overrides_whole_entities_and_never_parts(program: Program) -> None:
    body = {**question(), "evaluations": [{"resource": {"id": "hundred-acre"}}]}

    answer = await program.answer("evaluations", body)

    assert answer["evaluations"] == [
        {
            "decision": False,
            "context": {
                "reason": "invalid",
                "error": {"status": 400, "message": "resource.type is missing."},
            },
        }
    ]


async def test_questions_may_share_nothing(program: Program) -> None:
    body = {"evaluations": [question(), question(LYDIA)]}

    answer = await program.answer("evaluations", body)

    assert words(answer["evaluations"]) == ["granted", "(no_grant)"]


@pytest.mark.parametrize("more", [{}, {"evaluations": []}])
async def test_without_questions_it_answers_as_for_one(program: Program, more: Json) -> None:
    answer = await program.answer("evaluations", {**question(), **more})

    assert said(answer) == "granted"
    assert "evaluations" not in answer


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/subject"),
        ({**SHARED, "evaluations": {}}, "/evaluations"),
        ({**SHARED, "evaluations": ["canary"]}, "/evaluations/0"),
        ({**SHARED, "evaluations": [YES] * 101}, "/evaluations"),
        (asked(YES, subject="canary"), "/subject"),
        (asked(YES, options=[]), "/options"),
        (asked(YES, semantic="canary"), "/options/evaluations_semantic"),
    ],
)
async def test_what_is_wrong_with_all_of_it_refuses_all_of_it(
    program: Program, body: Json, pointer: str
) -> None:
    found = await program.post("evaluations", body)

    assert found.status_code == 400
    assert found.json()["errors"][0]["pointer"] == pointer
    assert "canary" not in found.text


async def test_a_hundred_questions_are_answered_in_their_order(program: Program) -> None:
    people = [CAROLINE if number % 3 else LYDIA for number in range(100)]
    body = {"evaluations": [question(one) for one in people]}

    answer = await program.answer("evaluations", body)

    found = [one["decision"] for one in answer["evaluations"]]
    assert found == [one is CAROLINE for one in people]
