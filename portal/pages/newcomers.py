"""Signing in as somebody whom nobody has named yet, who comes to ask for access to a site."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.addresses import address
from approvals.directory_forms import locale
from approvals.errors import FieldError
from approvals.sign_in.commands import NewcomerForm
from approvals.slugs import slug
from approvals.texts import display_name
from portal import auth, cookies, sentences, sign_ins
from portal.auth import PostedByGuest
from portal.families import Family, Pages
from portal.forms import Fields
from portal.languages import LANGUAGES, N_, Speech
from portal.pages.sign_in import too_often
from portal.pages.site_users import NAMES
from portal.parts import Parts
from portal.render import page, speech_for

pages = Pages()
CHECKS: Mapping[str, Callable[[object], str]] = {
    "email": address,
    "name": display_name,
    "site": slug,
    "locale": locale,
}
WRONG = {
    "name": N_("Write your name, with 1 to 120 characters on one line."),
    "site": N_("Short names use a-z, 0-9 and “-”, 1 to 63 characters."),
}


@pages.page("/sign-in/new")
async def ask(request: Request) -> Response:
    """Ask who somebody is, and for which site they come."""
    if await auth.found(request) is not None:
        return RedirectResponse("/sites", 303)
    return _form_page(request)


@pages.act("/sign-in/new")
async def begin(request: Request, fields: PostedByGuest) -> Response:
    """Have a code mailed; the answer is the same whether there is such a site or not."""
    parts: Parts = request.app.state.parts
    if (refused := too_often(request)) is not None:
        return refused
    read, wrong = _read(fields, speech_for(request, None))
    if wrong:
        return _form_page(request, status=422, wrong=wrong, typed=fields.typed)
    newcomer = NewcomerForm(name=read["name"], locale=read["locale"], site=read["site"])
    agent = request.headers.get("user-agent", "")
    token = await sign_ins.begun(parts, read["email"], agent, newcomer)
    answer = RedirectResponse("/sign-in/code?new=yes", 303)
    cookies.put(answer, parts, cookies.CODE, token)
    cookies.put_goal(answer, parts, f"/sites?site={newcomer.site}")
    return answer


def _read(fields: Fields, speech: Speech) -> tuple[dict[str, str], dict[str, str]]:
    """Return what was typed, and the sentence of each field that is wrong."""
    read, wrong = {}, {}
    for field, check in CHECKS.items():
        try:
            read[field] = check(fields.one(field).strip())
        except FieldError as broken:
            said = WRONG.get(field)
            wrong[field] = sentences.of_field(broken, speech) if said is None else speech.say(said)
    return read, wrong


def _form_page(request: Request, *, status: int = 200, **facts: Any) -> Response:
    shown = {
        "languages": [(one, NAMES[one]) for one in LANGUAGES],
        "language": speech_for(request, None).language,
    }
    return page(request, "sign_in/new.html", status=status, **{**shown, **facts})


FAMILY = Family(pages)
