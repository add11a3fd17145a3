"""Forms on the page of a process: read by the rules of their commands, signed, and given once."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from approvals.commands import Command
from approvals.errors import (
    ApprovalError,
    EndDateError,
    FieldError,
    InvalidDecisionError,
    KeyRefusedError,
    NonceReusedError,
    NotFoundError,
    StaleError,
)
from approvals.fields import problems
from portal import ends, keeping, sentences
from portal.auth import AGED, Posted, SignInAgainError
from portal.desk import AtDesk, PortalDesk
from portal.errors import status_of
from portal.families import Handler, Pages, Process
from portal.forms import Fields, FormError
from portal.languages import N_, Speech
from starter.client import UnreachableError
from starter.process_desk import ProcessDesk
from starter.times import now

Build = Callable[["Reading"], Command | None]
Show = Callable[..., Awaitable[Response]]  # takes status=..., and what a form adds to its page
Lay = Callable[[Request, PortalDesk, UUID], Awaitable["Sheet"]]  # raises NotFoundError
Said = TypeVar("Said")
ELSEWHERE = (NotFoundError, KeyRefusedError, InvalidDecisionError, NonceReusedError)
NOBODY = "group"  # in an address: no person, but the whole group
SAW = "saw"  # the hidden field of each fact that a decision rests on: "label=text"
# Rules that were written for other forms: here their field is called differently.
WORDS = {
    "name_empty": N_("Enter a name."),
    "tenant_not_text": N_("Choose one."),
    "tenant_malformed": N_("It takes a-z, 0-9 and '-', 1 to 63 characters."),
}


@dataclass(frozen=True)
class Act:
    """One form of a page: its command, and the fields that fill it.

    *texts* are taken as they were typed; of *choices* an empty one is none; *lists* stand there
    often; *marks* are check boxes; *reads* fills what is none of these; *item* is the field that
    the form's address names; *goal* makes the address of what follows from process and receipt.
    """

    command: type[Command]
    texts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    reads: Callable[[Fields], Mapping[str, Any]] | None = None
    item: str | None = None
    goal: Callable[[UUID, str], str] | None = None

    def build(self, item: str | None) -> Build:
        """Return what fills the command from a form whose address names *item*."""
        return lambda read: read.command(self.command, self._said(read.fields, item))

    def _said(self, fields: Fields, item: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {name: fields.one(name) for name in self.texts}
        said |= {name: fields.one(name) or None for name in self.choices}
        said |= {name: tuple(fields.many(name)) for name in self.lists}
        said |= {name: fields.one(name) == "yes" for name in self.marks}
        said |= {} if self.reads is None else self.reads(fields)
        if self.item is None:
            return said
        return {**said, self.item: None if item == NOBODY else item}


@dataclass(frozen=True)
class Difference:
    """One fact that changed while a person looked: what they saw, and what holds now."""

    label: str
    was: str
    now: str


@dataclass(frozen=True)
class Sheet:
    """A page with forms: its address, how it is shown again, and whose commands it gives.

    *seen* returns the facts that decisions rest on, as they are now: label and text. *group* is
    the tenant, customer or site under which commands queue. The page itself answers *answers*;
    other refusals have a page of their own.
    """

    path: str
    show: Show
    process_desk: Callable[[PortalDesk], ProcessDesk]
    seen: Callable[[], Awaitable[Mapping[str, str]]] | None = None
    group: UUID | None = None
    answers: tuple[type[ApprovalError], ...] = (ApprovalError,)


class Reading:
    """Reads one form: what breaks a rule is noted beside its field, and nothing is sent."""

    def __init__(self, fields: Fields, speech: Speech) -> None:
        self.fields, self._speech = fields, speech
        self.wrong: dict[str, str] = {}

    def note(self, field: str, code: str, sentence: str) -> None:
        """Note what is wrong with a field; the first thing counts."""
        if code in WORDS:
            said = self._speech.say(WORDS[code])
        else:
            said = sentences.rule(code, sentence, self._speech)
        self.wrong.setdefault(field, said)

    def checked(self, field: str, rule: Callable[[Said], Any], value: Said) -> Any:
        """Apply a field's rule; None where it is broken."""
        try:
            return rule(value)
        except FieldError as wrong:
            self.note(field, wrong.code, str(wrong))
            return None

    def command(self, kind: type[Command], said: Mapping[str, Any]) -> Command | None:
        """Fill a command by its own rules; a decision also says what was seen."""
        shown = {"shown": self.fields.one("shown")} if kind.needs_shown else {}
        try:
            return kind.model_validate_json(json.dumps({**said, **shown}, default=str))
        except ValidationError as broken:
            found = problems(broken)
        for path, code, sentence in found:
            if path == "shown" or "(UUID)" in sentence:  # no page of ours writes these so
                raise FormError(400)
            self.note(path, code, sentence)
        return None


def opened(request: Request, at: PortalDesk, told: Mapping[str, str] = {}) -> dict[str, Any]:
    """Return what a page with forms says as long as none of them was refused.

    *told* has the sentence of each form that was taken; ``?done=`` names which one it was.
    """
    done = request.query_params.get("done", "")
    return {
        "said": None,
        "in_english": None,
        "difference": (),
        "is_kept": False,
        "told": at.viewer.speech.say(told[done]) if done in told else None,
        "is_recent": at.viewer.is_recent(now()),
    }


def kept(request: Request, at: PortalDesk) -> dict[str, Any]:
    """Return what a page shows of what was typed on it before its person had to sign in again."""
    typed = keeping.kept(at.parts, at.viewer.session, request.url.path)
    return {"typed": typed, "is_kept": bool(typed)}


def route(pages: Pages, folder: str, acts: Mapping[str, Act], lay: Lay) -> None:
    """Give each of *acts* its address below a process's page: folder, id, name, and its item.

    *lay* returns that page for whoever may see the process.
    """
    for name, act in acts.items():
        page, item = f"/{folder}/{{process}}", "/{item}" if act.item else ""
        form = name + (".{item}" if act.item else "")
        pages.act(f"{page}/{name}{item}", on=page, form=form)(_handler(name, act, lay))


def _handler(name: str, act: Act, lay: Lay) -> Handler:
    async def one(
        request: Request,
        at: AtDesk,
        fields: Posted,
        process: UUID = Process,
        item: str | None = None,
    ) -> Response:
        named = name if act.item is None else f"{name}.{item}"
        sheet = await lay(request, at, process)
        goal = None if act.goal is None else partial(act.goal, process)
        return await take(at, fields, sheet, named, process, act.build(item), goal=goal)

    return one


async def take(
    at: PortalDesk,
    fields: Fields,
    sheet: Sheet,
    name: str,
    process: UUID,
    build: Build,
    *,
    goal: Callable[[str], str] | None = None,
) -> Response:
    """Read a form, give its command once, and lead back to the page with what became of it.

    *name* tells the page's forms apart. *goal* makes the address of what follows from the receipt.
    """
    typed = {**fields.typed, "form": [name]}
    read = Reading(fields, at.viewer.speech)
    command = build(read)
    if command is None or read.wrong:
        return await sheet.show(status=422, wrong=read.wrong, typed=typed)
    decides = command.needs_shown or command.needs_recent
    if decides and not at.viewer.is_recent(now()):
        await keeping.keep(at.parts, at.viewer.session, sheet.path, typed)
        raise SignInAgainError(sheet.path)
    try:
        desk = sheet.process_desk(at.of_form(fields))
        receipt = await desk.give(process, command, group=sheet.group)
    except AGED:
        await keeping.keep(at.parts, at.viewer.session, sheet.path, typed)
        raise SignInAgainError(sheet.path) from None
    except EndDateError as refusal:
        read.note("end", ends.rule_of(refusal), str(refusal))
        return await sheet.show(status=422, wrong=read.wrong, typed=typed)
    except ELSEWHERE:
        raise
    except sheet.answers as refusal:
        return await _not_taken(at, fields, sheet, typed, refusal)
    except UnreachableError as away:
        said = sentences.away(away, at.viewer.speech)
        return await sheet.show(status=503, said=said, typed=typed)
    await keeping.forget(at.parts, at.viewer.session)
    done = name.partition(".")[0]
    return RedirectResponse(f"{sheet.path}?done={done}" if goal is None else goal(receipt), 303)


async def _not_taken(
    at: PortalDesk,
    fields: Fields,
    sheet: Sheet,
    typed: Mapping[str, list[str]],
    refusal: ApprovalError,
) -> Response:
    """Show the page as it is now, why the command was refused, and what was typed."""
    speech = at.viewer.speech
    difference: Sequence[Difference] = ()
    if isinstance(refusal, StaleError) and sheet.seen is not None:
        difference = _difference(fields.many(SAW), await sheet.seen())
    return await sheet.show(
        status=status_of(refusal),
        said=sentences.refusal(refusal, speech),
        in_english=sentences.in_english(refusal, speech),
        difference=difference,
        typed=typed,
    )


def _difference(saw: Sequence[str], seen: Mapping[str, str]) -> list[Difference]:
    before = {label: text for label, _, text in (one.partition("=") for one in saw)}
    return [
        Difference(label, before[label], text)
        for label, text in seen.items()
        if label in before and before[label] != text
    ]
