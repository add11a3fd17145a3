"""Signing in with a mailed code, confirming that it is still you, and signing out."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.addresses import address
from approvals.errors import (
    AlreadyDecidedError,
    ApprovalError,
    FieldError,
    KeyRefusedError,
    RateLimitedError,
    ReplacedError,
    TooLateError,
    WrongCodeError,
)
from approvals.sign_in.commands import fingerprint
from portal import auth, cookies, sentences, sign_ins
from portal.auth import Posted, PostedByGuest, SignedIn
from portal.errors import problem, status_of, wait_of
from portal.families import Family, Pages
from portal.guard import address as address_of
from portal.landing import landing
from portal.parts import Parts
from portal.render import page, speech_for
from store.portal_sessions import PortalSession

pages = Pages()
OVER = (AlreadyDecidedError, KeyRefusedError, ReplacedError, TooLateError)  # ask for a new code


@pages.page("/sign-in")
async def ask(request: Request) -> Response:
    """Ask for an address."""
    if await auth.found(request) is not None:
        return RedirectResponse("/", 303)
    return page(request, "sign_in/address.html")


@pages.act("/sign-in")
async def begin(request: Request, fields: PostedByGuest) -> Response:
    """Have a code mailed, if the address is somebody's; the answer is the same for all."""
    parts: Parts = request.app.state.parts
    if (refused := too_often(request)) is not None:
        return refused
    typed = fields.one("email").strip()
    speech = speech_for(request, None)
    try:
        email = address(typed)
    except FieldError as wrong:
        sentence = sentences.of_field(wrong, speech)
        said = {"email": [typed]}
        return page(
            request, "sign_in/address.html", status=422, wrong={"email": sentence}, typed=said
        )
    return await _code_mailed(request, parts, email)


@pages.page("/sign-in/code")
async def code(request: Request) -> Response:
    """Ask for the mailed code."""
    waiting = await _waiting(request)
    if waiting is None:
        return RedirectResponse("/sign-in", 303)
    return _code_page(request, waiting)


@pages.act("/sign-in/code")
async def prove(request: Request, fields: PostedByGuest) -> Response:
    """Sign in with the code, and go where one wanted to go."""
    parts: Parts = request.app.state.parts
    waiting = await _waiting(request)
    if waiting is None:
        return RedirectResponse("/sign-in", 303)
    if (refused := too_often(request)) is not None:
        return refused
    speech = speech_for(request, None)
    try:
        before = await auth.found(request)
        last = before or await auth.idle(request)
        token = await sign_ins.proved(parts, waiting, fields.one("code"), last)
    except FieldError as wrong:
        return _code_page(request, waiting, sentences.of_field(wrong, speech))
    except WrongCodeError as wrong:
        is_over = "new code" in str(wrong)
        return _code_page(request, waiting, sentences.refusal(wrong, speech), is_over=is_over)
    except RateLimitedError as early:  # the code that was mailed stays good
        return _code_page(request, waiting, sentences.refusal(early, speech), early)
    except OVER as wrong:
        return _code_page(request, waiting, sentences.refusal(wrong, speech), wrong, is_over=True)
    answer = RedirectResponse(await landing(request, parts, token, before), 303)
    cookies.put(answer, parts, cookies.SIGN_IN, token)
    for gone in (cookies.CODE, cookies.LINK, cookies.GUEST):
        cookies.drop(answer, parts, gone)
    return answer


@pages.page("/sign-in/again")
async def again(request: Request, viewer: SignedIn) -> Response:
    """Say why a new code is needed, and offer to mail it."""
    return page(request, "sign_in/again.html")


@pages.act("/sign-in/again")
async def begin_again(request: Request, viewer: SignedIn, fields: Posted) -> Response:
    """Mail a code to who is signed in."""
    if (refused := too_often(request)) is not None:
        return refused
    return await _code_mailed(request, request.app.state.parts, viewer.person.email)


@pages.act("/sign-out")
async def sign_out(request: Request, viewer: SignedIn, fields: Posted) -> Response:
    """End this browser's sign-in and its key."""
    parts: Parts = request.app.state.parts
    await sign_ins.ended(parts, viewer)
    answer = RedirectResponse("/sign-in?done=signed-out", 303)
    for gone in (cookies.SIGN_IN, cookies.CODE, cookies.LINK):
        cookies.drop(answer, parts, gone)
    return answer


async def _code_mailed(request: Request, parts: Parts, email: str) -> Response:
    token = await sign_ins.begun(parts, email, request.headers.get("user-agent", ""))
    answer = RedirectResponse("/sign-in/code", 303)
    cookies.put(answer, parts, cookies.CODE, token)
    cookies.renew_offer(request, answer, parts)
    return answer


async def _waiting(request: Request) -> PortalSession | None:
    parts: Parts = request.app.state.parts
    token = cookies.read(request, parts, cookies.CODE)
    found = None if token is None else await parts.sessions.found(cookies.hashed(token))
    return None if found is None or found.person is not None else found


def _code_page(
    request: Request,
    waiting: PortalSession,
    wrong: str = "",
    refusal: ApprovalError | None = None,
    *,
    is_over: bool = False,
) -> Response:
    opened = auth.held(request.app.state.parts, waiting)
    if opened is None:
        return RedirectResponse("/sign-in", 303)
    status = 200 if not wrong else 422
    return page(
        request,
        "sign_in/code.html",
        status=status if refusal is None else status_of(refusal),
        headers=None if refusal is None else wait_of(refusal),
        email=opened.email,
        fingerprint=fingerprint(opened.key.public),
        wrong={"code": wrong} if wrong else {},
        is_over=is_over,
        is_new="new" in request.query_params,
    )


def too_often(request: Request) -> Response | None:
    """Return the answer to an address that has tried too often, or None."""
    parts: Parts = request.app.state.parts
    wait = parts.rates.sign_in.wait(address_of(request.scope))
    if not wait:
        return None
    speech = speech_for(request, None)
    text = speech.say(sentences.WAIT, seconds=wait)
    return problem(request, 429, text, Retry_After=str(wait))


FAMILY = Family(pages)
