"""Notices as letters: the templates of mail/templates in the reader's language and time zone."""

import re
import textwrap
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_time,
    get_datetime_format,
    get_timezone_gmt,
    get_timezone_name,
)
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    pass_context,
    pass_eval_context,
    select_autoescape,
)
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from markupsafe import Markup

from approvals.ports import Letter, OutboxItem, Renderer
from mail.invitation import invitation
from mail.links import Links
from mail.quoting import inert, quoted_lines
from mail.translations import CATALOGS, locale_of, translations_into

TEMPLATES = Path(__file__).parent / "templates"
WIDTH = 78
NUMBER_LENGTH = 8  # characters of the process id that name a request to people

_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_CODE = re.compile(r"[0-9]{8}")
_TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")  # of a pairing link


class TemplateRenderer(Renderer):
    """Renders each kind of notice from its folder of three templates.

    *domain* is the right side of every Message-ID. Raises ValueError if it is not a host name.
    """

    def __init__(self, links: Links, domain: str, catalogs: Path = CATALOGS) -> None:
        if _DOMAIN.fullmatch(domain) is None:
            raise ValueError("GATEHOUSE_MAIL_DOMAIN must be a host name such as example.com.")
        self._links, self._domain, self._catalogs = links, domain, catalogs
        self._environments: dict[str, Environment] = {}

    def letter(self, item: OutboxItem, secret: str | None) -> Letter:
        """Render in the addressee's language and time zone.

        *secret* is a code of eight digits, or the token of a link.

        Raises jinja2.TemplateError for an unknown kind or a missing fact, ValueError for a fact
        or secret of the wrong shape: none of them can come from a commit of ours.
        """
        locale = locale_of(item.to.locale, self._catalogs)
        environment = self._environment(locale.language)
        number = str(item.process)[:NUMBER_LENGTH]
        # The subject sees no fact at all, so no text of a person's can reach a header.
        subject = environment.get_template(f"{item.kind}/subject.txt").render(number=number)
        facts = {
            **item.facts,
            "reader": item.to.name,
            "process": item.process,
            "number": number,
            "page": self._links.page(item.kind, item.process),
            "portal": self._links.portal_url,
            "subject": subject,
            "locale": locale,
            "zone": item.to.time_zone,
        }
        if secret is not None:
            facts |= self._revealed(item, secret)
        text = environment.get_template(f"{item.kind}/body.txt").render(facts)
        return Letter(
            to=item.to.email,
            subject=subject,
            text=wrapped(text),
            html=environment.get_template(f"{item.kind}/body.html").render(facts),
            message_id=f"<{item.id}@{self._domain}>",
            calendar=self._invitation(item, environment),
            may_be_duplicate=item.was_unknown,
        )

    def _invitation(self, item: OutboxItem, environment: Environment) -> str | None:
        if item.facts.get("invite_at") is None:
            return None
        site = item.facts.get("site") or ""
        text = environment.get_template("event.txt").render(site=site)
        summary, _, description = text.partition("\n")
        return invitation(item, self._domain, summary, description)

    def _revealed(self, item: OutboxItem, secret: str) -> dict[str, str | None]:
        """Return what one mail alone may show, under the names that its template knows."""
        if _TOKEN.fullmatch(secret):
            return {"token": secret, "link": self._links.pairing_link(item.process, secret)}
        return {"code": _in_two_halves(secret)}

    def _environment(self, language: str) -> Environment:
        if language not in self._environments:
            self._environments[language] = environment_with(
                translations_into(language, self._catalogs)
            )
        return self._environments[language]


def environment_with(translations: NullTranslations) -> Environment:
    """Return the templates, speaking through one catalog."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",), ("txt",), default=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters |= {"inert": inert, "quoted": quoted, "when": when}
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals["_"] = environment.globals["gettext"]
    return environment


@pass_eval_context
def quoted(context: EvalContext, text: str) -> str:
    """Quote a person's words: a line break for each line in HTML, ``> `` before it in text."""
    lines = quoted_lines(text)
    if context.autoescape:
        return Markup("<br>\n").join(lines)
    return "\n".join(f"> {line}" for line in lines)


@pass_context
def when(context: Context, instant: str) -> str:
    """Write an ISO 8601 instant as a date and time in the reader's own zone, and name the zone.

    Raises ValueError for text that is no instant with an offset.
    """
    return moment(instant, context["locale"], context["zone"])


@lru_cache(maxsize=1024)
def moment(instant: str, locale: Locale, zone: str) -> str:
    """Write one instant for one place, for example ``Sunday, March 1, 2026 at 1:00 PM ...``."""
    at = datetime.fromisoformat(instant)
    if at.tzinfo is None:
        raise ValueError("An instant in a notice has no offset.")
    local = at.astimezone(_zone(zone))
    clock = format_time(local, "medium" if local.second else "short", locale=locale)
    day = format_date(local, "full", locale=locale)
    joined = str(get_datetime_format("full", locale=locale)).replace("'", "")
    return f"{joined.replace('{0}', clock).replace('{1}', day)} {_place(local, zone, locale)}"


def _place(local: datetime, zone: str, locale: Locale) -> str:
    name = get_timezone_name(local, locale=locale)
    # Babel knows some zones under an older name alone, and then writes the offset.
    is_offset = name == get_timezone_gmt(local, locale=locale)
    return f"{name} ({zone})" if is_offset else name


def wrapped(text: str) -> str:
    """Wrap lines at 78 characters, but for those that begin with four blanks: they are copied."""
    lines = (_folded(line) for line in text.strip().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _folded(line: str) -> str:
    line = line.rstrip()
    if len(line) <= WIDTH or line.startswith("    "):
        return line
    follows = "> " if line.startswith("> ") else ""
    return textwrap.fill(line, WIDTH, subsequent_indent=follows, break_on_hyphens=False)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder
        return UTC


def _in_two_halves(code: str) -> str:
    if _CODE.fullmatch(code) is None:
        raise ValueError("A sign-in code must be eight digits.")
    return f"{code[:4]} {code[4:]}"
