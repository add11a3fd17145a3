"""Passkeys: signing in with one, confirming with one, adding and removing one's own."""

import logging
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import FieldError, NotFoundError, PasskeyRefusedError
from approvals.sign_in.commands import AddPasskey, RemovePasskey
from approvals.sign_in.record import KIND
from approvals.texts import display_name
from config.settings import Settings
from identity.passkeys import PasskeyAnswerError, RelyingParty
from portal import auth, cookies, passkeys, sentences, sign_ins
from portal.auth import AGED, Posted, PostedByGuest, SignedIn, SignInAgainError
from portal.desk import AtDesk, PortalDesk
from portal.families import Family, Pages, Process
from portal.landing import landing
from portal.languages import N_
from portal.pages.sign_in import too_often
from portal.parts import Parts
from portal.passkeys import NO_SCRIPT, NOT_ACCEPTED, Making, Sought
from portal.render import page, speech_for
from starter.times import now

log = logging.getLogger(__name__)
pages = Pages()
ACCOUNT, EMPTY = "/account", N_("Enter a name.")


@pages.act("/sign-in/passkey/ask")
async def ask(request: Request, fields: PostedByGuest) -> Response:
    """Begin to sign in with a passkey, whoever's it is."""
    if (refused := too_often(request)) is not None:
        return refused
    answer = RedirectResponse("/sign-in/passkey", 303)
    await passkeys.seek(request.app.state.parts, answer, None)
    return answer


@pages.act("/sign-in/again/passkey")
async def ask_again(request: Request, viewer: SignedIn, fields: Posted) -> Response:
    """Begin to confirm with a passkey of one's own that it is still oneself."""
    if (refused := too_often(request)) is not None:
        return refused
    answer = RedirectResponse("/sign-in/passkey", 303)
    await passkeys.seek(request.app.state.parts, answer, viewer.person.id)
    return answer


@pages.page("/sign-in/passkey")
async def use(request: Request) -> Response:
    """Ask the browser for a passkey."""
    parts: Parts = request.app.state.parts
    asked = await passkeys.sought(request, parts)
    if asked is None:
        return RedirectResponse("/sign-in", 303)
    return await _use_page(request, parts, asked)


@pages.act("/sign-in/passkey")
async def used(request: Request, fields: PostedByGuest) -> Response:
    """Sign in whose passkey has signed, and go where one wanted to go; it is asked once."""
    parts: Parts = request.app.state.parts
    if (refused := too_often(request)) is not None:
        return refused
    asked = await passkeys.sought(request, parts)
    if asked is not None and not fields.one("answer"):
        return await _use_page(request, parts, asked, NO_SCRIPT)
    asked = await passkeys.sought(request, parts, take=True)
    try:
        if asked is None:
            raise PasskeyRefusedError(NOT_ACCEPTED)
        found = await passkeys.used(parts, asked, fields.one("answer"))
        before = await auth.found(request)
        agent = request.headers.get("user-agent", "")
        last = before or await auth.idle(request)
        token = await sign_ins.by_passkey(parts, found, agent, last)
    except (PasskeyRefusedError, NotFoundError):
        return await _use_page(request, parts, None, NOT_ACCEPTED)
    answer = RedirectResponse(await landing(request, parts, token, before), 303)
    cookies.put(answer, parts, cookies.SIGN_IN, token)
    for gone in (cookies.PASSKEY, cookies.CODE, cookies.LINK, cookies.GUEST):
        cookies.drop(answer, parts, gone)
    return answer


@pages.act("/account/passkeys/ask", on="/account")
async def ask_new(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Begin to add a passkey; that needs what a decision needs."""
    if not at.viewer.is_recent(now()):
        raise SignInAgainError(ACCOUNT)
    answer = RedirectResponse("/account/passkeys/new", 303)
    await passkeys.make(at.parts, answer, at.viewer.person.id)
    return answer


@pages.page("/account/passkeys/new")
async def new(request: Request, at: AtDesk) -> Response:
    """Ask for a name, and the browser for a new passkey."""
    asked = await passkeys.making(request, at.parts)
    if asked is None or asked.person != at.viewer.person.id:
        return RedirectResponse(ACCOUNT, 303)
    return await _new_page(request, at, asked)


@pages.act("/account/passkeys/new")
async def add(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Add the passkey that the browser has made."""
    asked = await passkeys.making(request, at.parts)
    if asked is None or asked.person != at.viewer.person.id:
        return RedirectResponse(f"{ACCOUNT}?done=passkey-late", 303)
    typed = {"name": [fields.one("name")]}
    try:
        name = display_name(fields.one("name"))
    except FieldError as wrong:
        speech = at.viewer.speech
        is_empty = wrong.code == "name_empty"  # that rule's usual words are those of requests
        said = {"name": speech.say(EMPTY) if is_empty else sentences.of_field(wrong, speech)}
        return await _new_page(request, at, asked, wrong=said, typed=typed)
    if not fields.one("answer"):
        return await _new_page(request, at, asked, failed=NO_SCRIPT, typed=typed)
    taken = await passkeys.making(request, at.parts, take=True)
    try:
        if taken is None:
            raise PasskeyAnswerError("what was asked was answered before")
        made = passkeys.relying_party(at.parts).created(fields.one("answer"), taken.challenge)
    except PasskeyAnswerError as wrong:
        log.warning("a new passkey was not accepted: %s", wrong)
        return RedirectResponse(f"{ACCOUNT}?done=passkey-refused", 303)
    command = AddPasskey(
        credential=made.credential,
        public_key=made.public_key,
        sign_count=made.sign_count,
        name=name,
    )
    return await _given(request, at.of_form(fields), command, "passkey-added")


@pages.act("/account/passkeys/{process}/remove", on="/account")
async def remove(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Remove a passkey of one's own; the browsers that it has signed in are out with it."""
    if process not in {one.id for one in await at.parts.passkeys.of(at.viewer.person.id)}:
        raise NotFoundError
    if not at.viewer.is_recent(now()):
        raise SignInAgainError(ACCOUNT)
    return await _given(
        request, at.of_form(fields), RemovePasskey(passkey=process), "passkey-removed"
    )


async def _given(
    request: Request, at: PortalDesk, command: AddPasskey | RemovePasskey, done: str
) -> Response:
    """Give a command in the viewer's own sign-in."""
    gatehouse = await at.gatehouse()
    try:
        await gatehouse.send(KIND, at.signed(at.viewer.sign_in, command))
    except AGED:
        raise SignInAgainError(ACCOUNT) from None
    answer = RedirectResponse(f"{ACCOUNT}?done={done}", 303)
    cookies.drop(answer, at.parts, cookies.PASSKEY)
    return answer


async def _use_page(
    request: Request, parts: Parts, asked: Sought | None, failed: str = ""
) -> Response:
    known = [] if asked is None or asked.person is None else await parts.passkeys.of(asked.person)
    speech = speech_for(request, None)
    return page(
        request,
        "sign_in/passkey.html",
        status=422 if failed else 200,
        options=asked and passkeys.relying_party(parts).request(asked.challenge, known),
        failed=speech.say(failed) if failed else "",
    )


async def _new_page(
    request: Request,
    at: PortalDesk,
    asked: Making,
    *,
    failed: str = "",
    wrong: dict[str, str] | None = None,
    typed: dict[str, list[str]] | None = None,
) -> Response:
    person = at.viewer.person
    known = await at.parts.passkeys.of(person.id)
    return page(
        request,
        "account/passkey.html",
        status=422 if failed or wrong else 200,
        options=passkeys.relying_party(at.parts).creation(person, asked.challenge, known),
        failed=at.viewer.speech.say(failed) if failed else "",
        wrong=wrong or {},
        typed=typed or {},
    )


def _is_served(settings: Settings) -> bool:
    return RelyingParty.of(settings.portal_url) is not None


FAMILY = Family(pages, is_served=_is_served)
