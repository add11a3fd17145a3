"""What programs read before they ask: the metadata, the OpenAPI document, and what it promises."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.portal.authzen.asking import ORIGIN, Program, question

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES = 30
FORGIVING = ("evaluations",)  # a wrong question among many is answered by no
OPERATIONS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")


async def test_the_metadata_names_every_endpoint(program: Program) -> None:
    found = await program.client.get("/.well-known/authzen-configuration")

    assert (found.status_code, found.headers["content-type"]) == (200, "application/json")
    assert found.json() == {
        "policy_decision_point": ORIGIN,
        "access_evaluation_endpoint": f"{ORIGIN}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{ORIGIN}/access/v1/evaluations",
        "search_subject_endpoint": f"{ORIGIN}/access/v1/search/subject",
        "search_resource_endpoint": f"{ORIGIN}/access/v1/search/resource",
        "search_action_endpoint": f"{ORIGIN}/access/v1/search/action",
    }
    for address in list(found.json().values())[1:]:
        path = address.removeprefix(f"{ORIGIN}/access/v1/")
        assert (await program.post(path, question())).status_code == 200


async def document(program: Program) -> dict[str, Any]:
    """Return the OpenAPI document."""
    found = await program.client.get("/access/v1/openapi.json")
    assert found.status_code == 200
    parsed: dict[str, Any] = found.json()
    return parsed


async def test_the_document_describes_this_interface_alone(program: Program) -> None:
    found = await document(program)

    assert sorted(found["paths"]) == sorted(f"/access/v1/{one}" for one in OPERATIONS)
    text = json.dumps(found)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(found["components"]["schemas"])
    assert named >= {"Evaluation", "Evaluations", "SubjectSearch", "Answer", "Problem"}
    for methods in found["paths"].values():
        assert methods["post"]["security"] == [{"client": []}]


def cases_of(schema: Any, operation: str, mode: GenerationMode) -> list[Any]:
    """Return requests made of the document: as it says, or against it; the same in every run."""
    cases: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schema[f"/access/v1/{operation}"]["POST"].as_strategy(mode))
    def collect(case: Any) -> None:
        cases.append(case)

    collect()
    return cases


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_whatever_is_sent_the_answer_is_as_the_document_says(
    program: Program, operation: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(await document(program))
    token = {"authorization": f"Bearer {program.token}"}
    is_against_it = mode is GenerationMode.NEGATIVE and operation not in FORGIVING
    checks = [*CHECKS, negative_data_rejection] if is_against_it else list(CHECKS)
    statuses = []

    for case in cases_of(schema, operation, mode):
        wire = case.as_transport_kwargs(base_url=ORIGIN, headers=token)
        wire.pop("cookies", None)
        wire["content"] = wire.pop("data", None)
        found = await program.client.request(**wire)
        case.validate_response(found, checks=checks)
        statuses.append(found.status_code)

    assert len(statuses) >= EXAMPLES // 2
    assert (400 if mode is GenerationMode.NEGATIVE else 200) in statuses
