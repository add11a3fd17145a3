"""From what went wrong to the page that says so: one table of statuses for the whole portal."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from temporalio.service import RPCError

from approvals.errors import (
    AlreadyDecidedError,
    AlreadySubmittedError,
    ApprovalError,
    CommandStaleError,
    EndDateError,
    InvalidDecisionError,
    KeyRefusedError,
    NonceReusedError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    PasskeyNeededError,
    PasskeyRefusedError,
    RateLimitedError,
    ReplacedError,
    SignInAgedError,
    StaleError,
    SubmissionError,
    TooLateError,
    WrongCodeError,
)
from approvals.pairing.errors import (
    LinkInvalidError,
    MissingPermissionsError,
    RoleNotRequestableError,
    RoleUnknownError,
)
from portal import cookies, sentences
from portal.auth import SignInAgainError, SignInNeededError, found
from portal.forms import FormError
from portal.languages import N_
from portal.render import page, speech_for
from starter.client import UNKNOWN, UnreachableError

log = logging.getLogger(__name__)
STATUSES: dict[type[ApprovalError], int] = {
    InvalidDecisionError: 400,
    KeyRefusedError: 403,
    NotAuthorisedError: 403,
    OwnRequestError: 403,
    PasskeyNeededError: 403,
    SignInAgedError: 403,
    NotFoundError: 404,
    LinkInvalidError: 404,
    AlreadyDecidedError: 409,
    AlreadySubmittedError: 409,
    CommandStaleError: 409,
    NonceReusedError: 409,
    NotAllowedNowError: 409,
    ReplacedError: 409,
    StaleError: 409,
    TooLateError: 409,
    EndDateError: 422,
    SubmissionError: 422,
    MissingPermissionsError: 422,
    RoleNotRequestableError: 422,
    RoleUnknownError: 422,
    WrongCodeError: 422,
    PasskeyRefusedError: 422,
    RateLimitedError: 429,
}
AGAIN = {"Retry_After": "10"}  # seconds, after what is away is likely back
TITLES = {
    400: N_("The request could not be read"),
    403: N_("You may not do this"),
    404: N_("Nothing here"),
    405: N_("That is not possible here"),
    408: N_("That took too long"),
    409: N_("This has changed meanwhile"),
    413: N_("That is too much at once"),
    415: N_("That kind of content is not taken"),
    422: N_("Something does not fit"),
    429: N_("Too many attempts"),
    500: N_("Something went wrong here"),
    503: N_("Gatehouse cannot answer right now"),
}
TEXTS = {
    400: N_("The request could not be read."),
    403: N_("Your form is out of date. Reload the page and try again."),
    404: N_("There is nothing here, or you may not see it."),
    405: N_("This address does not take what was sent. Nothing was changed."),
    408: N_("The form did not arrive in time. Nothing was changed; send it again."),
    413: N_("The form is larger than 50 kB. Nothing was changed."),
    415: N_("Only forms are taken here. Nothing was changed."),
    500: N_("The fault is ours, and it is written down. Nobody can say yet whether anything"
            " was changed: look at the page again before you repeat it."),
    503: N_("Gatehouse cannot be reached right now. Nothing was changed."),
}  # fmt: skip


def status_of(error: ApprovalError) -> int:
    """Return the HTTP status of a refusal."""
    return STATUSES.get(type(error), 409)


def problem(request: Request, status: int, text: str, **headers: str) -> Response:
    """Return the page of an error: what it is, what it means, and where to go from here."""
    title = TITLES.get(status, TITLES[500 if status >= 500 else 400])
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return page(
        request, "error.html", status=status, headers=named, title=title, text=text, code=status
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApprovalError)  # noqa: S101
    speech = speech_for(request, getattr(request.state, "viewer", None))
    return problem(request, status_of(error), sentences.refusal(error, speech), **wait_of(error))


def wait_of(error: ApprovalError) -> dict[str, str]:
    """Return the header that says when to try again, for a refusal that knows it."""
    return {} if error.seconds is None else {"Retry-After": str(error.seconds)}


async def _away(request: Request, error: Exception) -> Response:
    speech = speech_for(request, getattr(request.state, "viewer", None))
    log.warning("away: %s", type(error).__name__)
    code = "unknown_outcome" if str(error) == UNKNOWN else "unreachable"
    if not isinstance(error, UnreachableError) and request.method == "POST":
        code = "unknown_outcome" if isinstance(error, RPCError) else "unreachable"
    return problem(request, 503, speech.say(sentences.REFUSALS[code]), **AGAIN)


async def _form(request: Request, error: Exception) -> Response:
    assert isinstance(error, FormError)  # noqa: S101
    return _plain(request, error.status)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    headers = {key.lower(): value for key, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = _methods(request)
    await _recognised(request)
    return _plain(request, error.status_code, **headers)


async def _recognised(request: Request) -> None:
    """Find out who looks where no page asked for it, so that the answer speaks their language."""
    try:
        request.state.viewer = await found(request)
    except (SQLAlchemyError, OSError) as away:
        log.warning("a page without its viewer: %s", type(away).__name__)


def _methods(request: Request) -> str:
    """Return what an address takes, over all routes that share it."""
    taken = {
        method
        for route in request.app.state.routes
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return ", ".join(sorted(taken))


async def _invalid(request: Request, error: Exception) -> Response:
    return _plain(request, 400)


async def _failed(request: Request, error: Exception) -> Response:
    return _plain(request, 500)


def _plain(request: Request, status: int, **headers: str) -> Response:
    speech = speech_for(request, getattr(request.state, "viewer", None))
    text = TEXTS.get(status, TEXTS[500 if status >= 500 else 400])
    return problem(request, status, speech.say(text), **headers)


async def _sign_in(request: Request, error: Exception) -> Response:
    """Lead to the sign-in, and remember the page that was wanted."""
    assert isinstance(error, SignInNeededError)  # noqa: S101
    parts = request.app.state.parts
    answer = RedirectResponse("/sign-in?done=kept" if error.is_kept else "/sign-in", 303)
    if error.goal is not None and error.goal != "/":
        cookies.put_goal(answer, parts, error.goal)
    return answer


async def _sign_in_again(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInAgainError)  # noqa: S101
    answer = RedirectResponse("/sign-in/again", 303)
    cookies.put_goal(answer, request.app.state.parts, error.goal)
    cookies.renew_offer(request, answer, request.app.state.parts)
    return answer


def install(app: FastAPI) -> None:
    """Give every kind of fault its page."""
    for kind, handler in (
        (SignInNeededError, _sign_in),
        (SignInAgainError, _sign_in_again),
        (FormError, _form),
        (ApprovalError, _refused),
        (UnreachableError, _away),
        (SQLAlchemyError, _away),
        (RPCError, _away),
        (OSError, _away),
        (HTTPException, _http),
        (RequestValidationError, _invalid),
        (Exception, _failed),
    ):
        app.add_exception_handler(kind, handler)
