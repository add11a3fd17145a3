"""Puts the interface together: five endpoints, its metadata, and its OpenAPI document."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.authzen import evaluations, messages, problems
from portal.authzen.callers import Callers
from portal.authzen.searches import Searches
from portal.guard import GATE
from portal.parts import Parts

METADATA, DOCUMENT = "/.well-known/authzen-configuration", f"{GATE}openapi.json"
EVALUATION, EVALUATIONS = f"{GATE}evaluation", f"{GATE}evaluations"
SUBJECTS, RESOURCES, ACTIONS = (
    f"{GATE}search/subject",
    f"{GATE}search/resource",
    f"{GATE}search/action",
)
REFERENCE = "#/components/schemas/{model}"
FAULTS = {
    400: "The request could not be read, or a field is missing or wrong.",
    401: "There is no token, or one that is not known here.",
    403: "The client may not search.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is compressed.",
    429: "Too many attempts.",
    503: "The database cannot be read. Only searches answer so; a question is answered by no.",
}
Endpoint = Callable[[Request], Awaitable[dict[str, Any]]]


def beside(pages: ASGIApp, parts: Parts) -> ASGIApp:
    """Return an application that answers programs at the gate's paths, and people elsewhere."""
    api = create_api(parts)
    routes = {one.path: one for one in api.routes if isinstance(one, APIRoute)}
    asked = {path: one for path, one in routes.items() if "POST" in (one.methods or ())}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path in asked and scope["method"] == "POST":
            await _answer(asked[path], scope, receive, send)
        else:
            is_gate = path.startswith(GATE) or path == METADATA
            await (api if is_gate else pages)(scope, receive, send)

    return answer


async def _answer(route: APIRoute, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the framework would by this route, without the layers that it puts around any."""
    scope["route"] = route
    request = Request(scope, receive)
    try:
        response = await route.endpoint(request)
    except Exception as wrong:
        await (await problems.answer_to(request, wrong))(scope, receive, send)
        if not problems.is_expected(wrong):
            raise  # the guard writes it down
        return
    await response(scope, receive, send)


def create_api(parts: Parts) -> FastAPI:
    """Return the interface as an application of its own."""
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    problems.install(api)
    callers = Callers(parts.engines, parts.settings.gate_requests_per_minute)
    searches = Searches(callers, parts.keys)

    async def one(request: Request) -> dict[str, Any]:
        return await evaluations.one(request, callers)

    async def many(request: Request) -> dict[str, Any]:
        return await evaluations.many(request, callers)

    given: tuple[tuple[str, str, Endpoint, type[BaseModel], Any], ...] = (
        (EVALUATION, "Answer one question", one, messages.Evaluation, messages.Answer),
        (
            EVALUATIONS, "Answer many questions", many,
            messages.Evaluations, messages.Answers | messages.Answer,
        ),
        (
            SUBJECTS, "Find who gets in", searches.subjects,
            messages.SubjectSearch, messages.FoundEntities,
        ),
        (
            RESOURCES, "Find where somebody gets in", searches.resources,
            messages.ResourceSearch, messages.FoundEntities,
        ),
        (
            ACTIONS, "Find what somebody may do", searches.actions,
            messages.ActionSearch, messages.FoundActions,
        ),
    )  # fmt: skip
    for path, summary, endpoint, form, answer in given:
        _add(api, path, summary, endpoint, form, answer)
    _add_documents(api, parts, tuple(form for *_, form, _ in given))
    return api


def _add(
    api: FastAPI,
    path: str,
    summary: str,
    endpoint: Endpoint,
    form: type[BaseModel],
    answer: Any,
) -> None:
    async def answered(request: Request) -> JSONResponse:
        return JSONResponse(await endpoint(request))

    schema = {"$ref": REFERENCE.format(model=form.__name__)}
    faults: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": {problems.TYPE: {"schema": _problem()}}}
        for status, text in FAULTS.items()
    }
    api.post(
        path,
        summary=summary,
        operation_id=path.removeprefix(GATE).replace("/", "_"),
        response_model=None,
        responses={200: {"model": answer}, **faults},
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "security": [{"client": []}],
        },
    )(answered)


def _problem() -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=problems.Problem.__name__)}


def _add_documents(api: FastAPI, parts: Parts, forms: tuple[type[BaseModel], ...]) -> None:
    """Serve the metadata and the OpenAPI document, which everybody may read."""
    metadata = {
        "policy_decision_point": parts.origin,
        "access_evaluation_endpoint": parts.origin + EVALUATION,
        "access_evaluations_endpoint": parts.origin + EVALUATIONS,
        "search_subject_endpoint": parts.origin + SUBJECTS,
        "search_resource_endpoint": parts.origin + RESOURCES,
        "search_action_endpoint": parts.origin + ACTIONS,
    }
    document = _document(api, parts.origin, forms)

    @api.get(METADATA, include_in_schema=False)
    async def configuration() -> JSONResponse:
        return JSONResponse(metadata)

    @api.get(DOCUMENT, include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(document)


def _document(api: FastAPI, origin: str, forms: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    found = get_openapi(
        title="Gatehouse: the gate",
        version="1.0",
        summary="OpenID AuthZEN Authorization API 1.0",
        routes=api.routes,
        servers=[{"url": origin}],
    )
    _, read = models_json_schema([(one, "validation") for one in forms], ref_template=REFERENCE)
    _, written = models_json_schema([(problems.Problem, "serialization")], ref_template=REFERENCE)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(read["$defs"] | written["$defs"])
    components["securitySchemes"] = {"client": {"type": "http", "scheme": "bearer"}}
    return found
