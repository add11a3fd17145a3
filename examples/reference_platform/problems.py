"""Errors as the platform tells them: problem details (RFC 9457) with a stable code."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Problem(Exception):
    """A refusal. *code* is stable, *detail* for people, *more* goes into the answer as it is."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.more = headers, more

    def response(self) -> JSONResponse:
        """Return the problem as an answer."""
        body = {
            "type": f"urn:reference-platform:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.more,
        }
        return JSONResponse(
            body, self.status, headers=self.headers, media_type="application/problem+json"
        )


def not_found(what: str) -> Problem:
    """Say that there is no such thing; *what* is one word."""
    return Problem(404, f"{what}_not_found", f"There is no such {what}.")


def handle(app: FastAPI) -> None:
    """Answer every error of *app* with problem details, and none with what was sent."""

    @app.exception_handler(Problem)
    async def refused(_request: Request, problem: Problem) -> JSONResponse:
        return problem.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"field": _path(one["loc"]), "rule": str(one["msg"])}
            for one in error.errors()  # without "input", which may hold a secret
        ]
        detail = "; ".join(f"{one['field']}: {one['rule']}" for one in errors)
        return Problem(422, "invalid_request", detail, errors=errors).response()

    @app.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "_")
        headers = dict(error.headers) if error.headers else None
        return Problem(error.status_code, code, f"{phrase}.", headers=headers).response()

    @app.exception_handler(Exception)
    async def broken(_request: Request, _error: Exception) -> JSONResponse:
        return Problem(500, "internal_error", "Something went wrong on our side.").response()


def _path(location: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in location[1:]) or "body"
