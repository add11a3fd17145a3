"""What went wrong, for programs: problem details (RFC 9457), which repeat nothing that was sent."""

import logging
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

log = logging.getLogger(__name__)
TYPE = "application/problem+json"
AGAIN = 10  # seconds, after what is away is likely back


class WrongField(BaseModel):
    """One field that breaks a rule. *pointer* is where it stands (RFC 6901)."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[WrongField] | None = None


class ProblemError(Exception):
    """Something that is answered by a problem. *detail* is a sentence for who wrote the client."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[WrongField] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.headers = tuple(errors), headers or {}


def answer(error: ProblemError) -> Response:
    """Return the answer to a problem."""
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        errors=list(error.errors) or None,
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True), error.status, error.headers, media_type=TYPE
    )


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101
    return answer(error)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    details = {404: "There is nothing here.", 405: "This address does not take that method."}
    detail = details.get(error.status_code, "The request could not be read.")
    return answer(ProblemError(error.status_code, detail, headers=dict(error.headers or {})))


async def _away(_request: Request, error: Exception) -> Response:
    log.error("the gate cannot read: %s", type(error).__name__)
    again = {"Retry-After": str(AGAIN)}
    return answer(ProblemError(503, "The database cannot be read right now.", headers=again))


async def _failed(_request: Request, _error: Exception) -> Response:
    return answer(ProblemError(500, "The fault is ours, and it is written down."))


HANDLERS = (
    (ProblemError, _problem),
    (HTTPException, _http),
    (SQLAlchemyError, _away),
    (OSError, _away),
    (TimeoutError, _away),
    (Exception, _failed),
)


async def answer_to(request: Request, error: Exception) -> Response:
    """Return the answer to a fault of any kind."""
    handler = next(handler for kind, handler in HANDLERS if isinstance(error, kind))
    return await handler(request, error)


def is_expected(error: Exception) -> bool:
    """Whether a fault is of a kind that happens; any other is one of ours, and is written down."""
    return any(isinstance(error, kind) for kind, handler in HANDLERS if handler is not _failed)


def install(api: FastAPI) -> None:
    """Answer every kind of fault with a problem."""
    for kind, handler in HANDLERS:
        api.add_exception_handler(kind, handler)
