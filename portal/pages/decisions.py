"""The forms on one request: grant, deny, change the end, revoke, withdraw, finish."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.commands import Command
from approvals.errors import (
    AlreadyDecidedError,
    ApprovalError,
    EndDateError,
    FieldError,
    NotAllowedNowError,
    StaleError,
    TooLateError,
)
from approvals.instants import wire_text
from approvals.tenant_access.commands import ChangeEnd, Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import TenantAccess
from approvals.texts import message, reason
from portal import ends, sentences, sign_ins
from portal.auth import AGED, Posted, SignInAgainError
from portal.desk import AtDesk, PortalDesk
from portal.errors import status_of
from portal.families import Family, Pages, Process
from portal.forms import Fields, FormError
from portal.languages import N_, Speech
from portal.pages.requests import request_page
from starter.client import UNKNOWN, UnreachableError
from starter.requests import RequestDesk
from starter.times import now

pages = Pages()
RULES_OF_ENDS = {
    "The end date is in the past": "date_in_past",
    "Access must last at least": "date_too_soon",
    "Access may last at most": "date_too_far",
    "Choose": "end_required",
}
LATE = (AlreadyDecidedError, NotAllowedNowError, TooLateError)


class Difference(NamedTuple):
    """One thing that changed while a person looked: what they saw, and what holds now."""

    label: str
    was: str | datetime | None
    now: str | datetime | None


class _Wrong:
    """Collects the sentence of each field that breaks a rule."""

    def __init__(self, at: PortalDesk) -> None:
        self._speech = at.viewer.speech
        self.said: dict[str, str] = {}

    def note(self, field: str, error: FieldError | EndDateError) -> None:
        code = error.rule if isinstance(error, EndDateError) else error.code
        self.said.setdefault(field, sentences.rule(code, str(error), self._speech))


class _Read:
    """Reads one form's fields; what breaks a rule is noted, and the form is not sent."""

    def __init__(self, at: PortalDesk, fields: Fields, state: TenantAccess, zone: ZoneInfo):
        self.fields, self._state, self._zone = fields, state, zone
        self.wrong = _Wrong(at)

    def end(self) -> ends.End:
        try:
            return ends.chosen(self.fields, self._zone, now())
        except FieldError as wrong:
            self.wrong.note("end", wrong)
            return ends.End(None, False)

    def message(self) -> str | None:
        try:
            return message(self.fields.one("message"))
        except FieldError as wrong:
            self.wrong.note("message", wrong)
            return None

    def reason(self, why: str) -> str:
        try:
            return reason(self.fields.one("reason"), why)
        except FieldError as wrong:
            self.wrong.note("reason", wrong)
            return ""

    @property
    def shown(self) -> str:
        return self.fields.one("shown")


Build = Callable[[_Read], Command | None]


@pages.act("/requests/{process}/grant")
async def grant(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Let the people of a request in."""

    def build(read: _Read) -> Command | None:
        end, text = read.end(), read.message()
        return None if read.wrong.said else Grant(
            ends_at=end.at, no_end=end.is_none, message=text, shown=read.shown
        )  # fmt: skip

    return await _given(request, at, process, fields, build)


@pages.act("/requests/{process}/deny")
async def deny(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Refuse a request, with a reason."""

    def build(read: _Read) -> Command | None:
        why = read.reason("denying this request")
        return None if read.wrong.said else Deny(reason=why, shown=read.shown)

    return await _given(request, at, process, fields, build)


@pages.act("/requests/{process}/change_end")
async def change_end(
    request: Request, at: AtDesk, fields: Posted, process: UUID = Process
) -> Response:
    """Move, set or remove the end date."""

    def build(read: _Read) -> Command | None:
        end = read.end()
        return None if read.wrong.said else ChangeEnd(
            ends_at=end.at, no_end=end.is_none, shown=read.shown
        )  # fmt: skip

    return await _given(request, at, process, fields, build)


@pages.act("/requests/{process}/revoke")
async def revoke(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """End granted access at once."""

    def build(read: _Read) -> Command | None:
        why = read.reason("revoking this access")
        return None if read.wrong.said else Revoke(reason=why, shown=read.shown)

    return await _given(request, at, process, fields, build)


@pages.act("/requests/{process}/withdraw")
async def withdraw(
    request: Request, at: AtDesk, fields: Posted, process: UUID = Process
) -> Response:
    """Take a request back."""
    return await _given(request, at, process, fields, lambda _read: Withdraw())


@pages.act("/requests/{process}/finish")
async def finish(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """Be done before the end."""
    return await _given(request, at, process, fields, lambda _read: Finish())


@pages.act("/requests/{process}/finish_all")
async def finish_all(
    request: Request, at: AtDesk, fields: Posted, process: UUID = Process
) -> Response:
    """Be done before the end, for everybody whom the request names."""
    return await _given(request, at, process, fields, lambda _read: Finish(for_all=True))


async def _given(
    request: Request, at: PortalDesk, process: UUID, fields: Fields, build: Build
) -> Response:
    """Read the form, give its command once, and lead back to the request with what became of it."""
    name = request.url.path.rpartition("/")[2]
    typed = {**fields.typed, "form": [name]}
    state, _, _ = await RequestDesk(at).viewed(process)
    read = _Read(at, fields, state, await RequestDesk(at).zone_of(state))
    command = _built(build, read)
    if command is None:
        return await request_page(
            request, at, process, status=422, wrong=read.wrong.said, typed=typed
        )
    path = f"/requests/{process}"
    if command.needs_shown and not at.viewer.is_recent(now()):
        await sign_ins.keep(at.parts, at.viewer, path, typed)
        raise SignInAgainError(path)
    try:
        await RequestDesk(at.of_form(fields)).give(process, command, wait=True)
    except AGED:
        await sign_ins.keep(at.parts, at.viewer, path, typed)
        raise SignInAgainError(path) from None
    except (StaleError, EndDateError, *LATE) as refusal:
        return await _not_taken(request, at, process, typed, refusal)
    except UnreachableError as away:
        code = "unknown_outcome" if str(away) == UNKNOWN else "unreachable"
        said = at.viewer.speech.say(sentences.REFUSALS[code])
        return await request_page(request, at, process, status=503, said=said, typed=typed)
    if at.viewer.session.kept is not None:
        await at.parts.sessions.keep(at.viewer.session, None)
    return RedirectResponse(f"{path}?done={name}", 303)


def _built(build: Build, read: _Read) -> Command | None:
    """Build the command; a hidden field that is no digest was never written by a page of ours."""
    try:
        return build(read)
    except ValueError:
        raise FormError(400) from None


async def _not_taken(
    request: Request,
    at: PortalDesk,
    process: UUID,
    typed: dict[str, list[str]],
    refusal: ApprovalError,
) -> Response:
    """Show the request as it is now, what changed meanwhile, and what was typed."""
    if isinstance(refusal, EndDateError):
        wrong = _Wrong(at)
        wrong.note("end", _with_rule(refusal))
        return await request_page(request, at, process, status=422, wrong=wrong.said, typed=typed)
    state, _, _ = await RequestDesk(at).viewed(process)
    return await request_page(
        request,
        at,
        process,
        status=status_of(refusal),
        said=sentences.refusal(refusal, at.viewer.speech),
        difference=_difference(typed, state, at) if isinstance(refusal, StaleError) else (),
        typed=typed,
    )


def _with_rule(refusal: EndDateError) -> EndDateError:
    """Return an end's refusal with its rule, which does not travel, found by its sentence."""
    text = str(refusal)
    found = next((rule for start, rule in RULES_OF_ENDS.items() if text.startswith(start)), "")
    return EndDateError(found, text)


def _difference(
    typed: dict[str, list[str]], state: TenantAccess, at: PortalDesk
) -> tuple[Difference, ...]:
    """Return what differs between what the form says was seen and what holds now."""
    speech = at.viewer.speech
    seen = {name: (typed.get(name) or [""])[0] for name in ("saw_status", "saw_ends", "saw_due")}
    ends_now = "" if state.ends_at is None else wire_text(state.ends_at)
    pairs = (
        (N_("Status"), seen["saw_status"], state.status.value, "status"),
        (N_("Decide by"), seen["saw_due"], wire_text(state.due_at), "instant"),
        (N_("Ends"), seen["saw_ends"], ends_now, "instant"),
    )
    found = []
    for label, was, is_now, kind in pairs:
        if was != is_now:
            words = sentences.status if kind == "status" else _end_in_words
            found.append(Difference(speech.say(label), words(was, speech), words(is_now, speech)))
    return tuple(found)


def _end_in_words(said: str, speech: Speech) -> str:
    try:
        return speech.zoned(datetime.fromisoformat(said))
    except ValueError:
        return speech.say(N_("no end date"))


FAMILY = Family(pages)
