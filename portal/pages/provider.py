"""Signing in with the account of a provider of identities, instead of a mailed code."""

import hmac
import logging

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import NotFoundError
from config.settings import ConfigurationError
from portal import auth, cookies, sign_ins
from portal.families import Family, Pages
from portal.guard import address as address_of
from portal.landing import landing
from portal.languages import N_
from portal.openid import ANSWER, KEPT_FOR, Attempt, NotIdentifiedError, OpenIdProvider
from portal.parts import Parts
from portal.render import page, speech_for

log = logging.getLogger(__name__)
pages = Pages()
FAILED = N_("You could not be signed in with your organization's account. Have a code mailed.")


@pages.page("/sign-in/provider")
async def ask(request: Request) -> Response:
    """Lead to the provider; the browser keeps what its answer must fit."""
    parts: Parts = request.app.state.parts
    if parts.rates.sign_in.wait(address_of(request.scope)):
        return _failed(request, 429)
    attempt = Attempt.fresh()
    try:
        answer = RedirectResponse(await _provider(parts).address_for(attempt), 303)
    except (NotIdentifiedError, ConfigurationError) as wrong:
        log.warning("the provider of identities cannot be asked: %s", wrong)
        return _failed(request, 503)
    sealed = parts.keys.sealer.sealed(attempt.text(), KEPT_FOR)
    cookies.put(answer, parts, cookies.PROVIDER, sealed)
    return answer


@pages.page(ANSWER)
async def answered(request: Request) -> Response:
    """Take the provider's answer: sign in whom it names, if the directory knows them."""
    parts: Parts = request.app.state.parts
    attempt = _attempt(request, parts)
    given = request.query_params
    try:
        code = _code(given.getlist("state"), given.getlist("code"), attempt)
        provider = _provider(parts)
        if given.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
            raise NotIdentifiedError("another issuer answers")
        email = await provider.identified(attempt or Attempt.fresh(), code)
        before = await auth.found(request)
        agent = request.headers.get("user-agent", "")
        last = before or await auth.idle(request)
        token = await sign_ins.identified(parts, email, provider.issuer, agent, last)
    except (NotIdentifiedError, ConfigurationError, NotFoundError) as wrong:
        log.warning("somebody was not identified: %s", wrong)
        return _failed(request, 403)
    answer = RedirectResponse(await landing(request, parts, token, before), 303)
    cookies.put(answer, parts, cookies.SIGN_IN, token)
    for gone in (cookies.PROVIDER, cookies.CODE, cookies.LINK, cookies.GUEST):
        cookies.drop(answer, parts, gone)
    return answer


def _provider(parts: Parts) -> OpenIdProvider:
    return OpenIdProvider(parts.settings, parts.origin)


def _attempt(request: Request, parts: Parts) -> Attempt | None:
    sealed = cookies.read(request, parts, cookies.PROVIDER)
    text = None if sealed is None else parts.keys.sealer.opened(sealed, KEPT_FOR)
    return None if text is None else Attempt.of(text)


def _code(states: list[str], codes: list[str], attempt: Attempt | None) -> str:
    """Return the code of an answer to this very browser's question."""
    if attempt is None or len(states) != 1 or len(codes) != 1:
        raise NotIdentifiedError("there is no sign-in under way, or no code")
    if not hmac.compare_digest(states[0].encode(), attempt.state.encode()):
        raise NotIdentifiedError("the state is of another sign-in")
    return codes[0]


def _failed(request: Request, status: int) -> Response:
    text = speech_for(request, None).say(FAILED)
    return page(request, "sign_in/address.html", status=status, failed=text)


FAMILY = Family(pages, is_served=lambda settings: settings.oidc_issuer is not None)
