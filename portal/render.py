"""Pages from templates: in the reader's language, escaped, with navigation and form marks."""

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.dates import format_timedelta
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from approvals.instants import wire_text
from mail.translations import translations_into
from portal import cookies, forms, sentences
from portal.auth import Viewer
from portal.languages import CATALOGS, DOMAIN, Speech, speech_of, wanted
from portal.parts import Parts
from starter.times import now

HERE = Path(__file__).parent
STATIC = {
    name: (HERE / "static" / name).read_bytes() for name in ("portal.css", "portal.js", "icon.svg")
}
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **facts: Any,
) -> HTMLResponse:
    """Render one page, for who is signed in on ``request.state``, or for a guest."""
    parts: Parts = request.app.state.parts
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    speech = speech_for(request, viewer)
    guest = cookies.read(request, parts, cookies.GUEST)
    is_new_guest = viewer is None and guest is None
    if guest is None:
        guest = cookies.fresh_token()
    known = {
        "viewer": viewer,
        "speech": speech,
        "now": now(),
        "path": request.url.path,
        "entries": request.app.state.entries_of(viewer),
        "done": request.query_params.get("done", ""),
        "is_embedded": parts.settings.maildir is not None,
        "form_of": viewer.session.token_hash if viewer else cookies.hashed(guest),
        "parts": parts,
        "wrong": {},
        "typed": {},
        "live": None,
        "request_id": getattr(request.state, "request_id", ""),
    }
    html = _environment(speech.language).get_template(template).render({**known, **facts})
    answer = HTMLResponse(html, status, headers=headers)
    answer.headers["content-language"] = speech.language
    if is_new_guest:
        cookies.put(answer, parts, cookies.GUEST, guest)
    return answer


def refused_page(
    languages: str, code: int, number: str, words: tuple[str, str], **facts: int
) -> str:
    """Render what a browser is told where no page was reached: a title and a sentence."""
    speech = speech_of(wanted(languages), "UTC")
    title, text = (speech.say(one, **facts) for one in words)
    return (
        _environment(speech.language)
        .get_template("refused.html")
        .render(language=speech.language, title=title, text=text, code=code, number=number)
    )


def speech_for(request: Request, viewer: Viewer | None) -> Speech:
    """Return how to speak: as the directory says of a person, or as a guest's browser asks."""
    if viewer is not None:
        return viewer.speech
    return speech_of(wanted(request.headers.get("accept-language", "")), "UTC")


def static_path(name: str) -> str:
    """Return the address of a static file; it changes with its content."""
    stem, _, ending = name.rpartition(".")
    return f"/static/{stem}.{hashlib.sha256(STATIC[name]).hexdigest()[:12]}.{ending}"


@lru_cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    translations = translations_into(language, CATALOGS, DOMAIN)
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["_"] = environment.globals["gettext"]
    environment.globals |= {"tokens": tokens, "static": static_path}
    environment.filters |= {
        "moment": moment,
        "when": when,
        "status": _in_words(sentences.status),
        "event": _in_words(sentences.event),
        "who": _in_words(sentences.who),
        "part": _in_words(sentences.part),
        "lines": lines,
    }
    environment.globals |= {"about": _about, "span": _span, "wire": _wire}
    return environment


@pass_context
def tokens(context: Context, route: str) -> Markup:
    """Return the hidden fields of a form to one route: whose it is, and its number."""
    mark = forms.mark(context["parts"], context["form_of"], route)
    return Markup(
        '<input type="hidden" name="csrf" value="{}"><input type="hidden" name="nonce" value="{}">'
    ).format(mark, forms.fresh_nonce())


@pass_context
def moment(context: Context, at: datetime) -> Markup:
    """Write an instant for a list: how far away, and its date and time behind it."""
    speech: Speech = context["speech"]
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), speech.zoned(at), speech.relative(at, context["now"])
    )


@pass_context
def when(context: Context, at: datetime) -> Markup:
    """Write an instant in full: how far away, then date and time, with their zone behind them."""
    speech: Speech = context["speech"]
    return Markup(
        '<time datetime="{}" title="{}">{} <span class="quiet">({})</span></time>'
    ).format(
        at.isoformat(),
        speech.zoned(at),
        speech.relative(at, context["now"]),
        speech.absolute(at),
    )


def lines(text: str) -> Markup:
    """Write a person's words, their line breaks kept; nothing in them acts."""
    return Markup("<br>").join(escape(one) for one in text.split("\n"))


def _in_words(said: Any) -> Any:
    @pass_context
    def filtered(context: Context, value: str) -> str:
        return str(said(value, context["speech"]))

    return filtered


@pass_context
def _span(context: Context, length: timedelta) -> str:
    """Write how long something lasts: "14 days"."""
    speech: Speech = context["speech"]
    return str(format_timedelta(length, threshold=2, locale=speech.locale))


def _wire(at: datetime | None) -> str:
    return "" if at is None else wire_text(at)


@pass_context
def _about(context: Context, event: str, text: str) -> str:
    return sentences.about(event, text, context["speech"])
