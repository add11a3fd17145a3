"""A new request: who gets into which tenants, looked over once more before it is sent."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import AlreadySubmittedError, ApprovalError, FieldError, NotAuthorisedError
from approvals.people import Role
from approvals.texts import message, request_name
from portal import keeping, sentences
from portal.acts import kept
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Family, Pages
from portal.forms import Fields
from portal.render import page
from starter.client import UnreachableError
from starter.requests import MOST_PEOPLE, Association, Draft, RequestDesk
from store.candidates import Candidates

pages = Pages()
MOST_ROWS = 10  # associations of one request


@pages.page("/requests/new")
async def ask(request: Request, at: AtDesk) -> Response:
    """Show the form: empty, or as it was typed before its person had to sign in again."""
    before = kept(request, at)
    rows = _rows("".join(before["typed"].get("rows", ["1"])[:1]))
    return await _form(request, at, rows=rows, **before)


@pages.act("/requests/new", on="/requests/new")
async def take(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Add an association, look it over, or send it, as the pressed button says."""
    rows = _rows(fields.one("rows"))
    match fields.one("step"):
        case "more":
            return await _form(request, at, fields.typed, rows=min(rows + 1, MOST_ROWS))
        case "less":
            return await _form(request, at, fields.typed, rows=max(rows - 1, 1))
        case "send":
            return await _sent(request, at, fields)
        case "change":
            return await _form(request, at, fields.typed, rows=rows)
        case _:
            return await _reviewed(request, at, fields)


async def _form(
    request: Request,
    at: PortalDesk,
    typed: dict[str, list[str]],
    *,
    rows: int,
    status: int = 200,
    **facts: Any,
) -> Response:
    _require_asker(at)
    known = Candidates(at.engines)
    organization = at.viewer.organization.id
    people, tenants = await asyncio.gather(known.people(organization), known.tenants(organization))
    return page(
        request,
        "requests/new.html",
        status=status,
        people=people,
        tenants=tenants,
        rows=range(rows),
        can_add=rows < MOST_ROWS,
        typed=typed,
        **{"said": None, "is_kept": False, **facts},
    )


async def _reviewed(request: Request, at: PortalDesk, fields: Fields) -> Response:
    """Show what would be sent, or what is wrong with it."""
    _require_asker(at)
    wrong, rows = _wrong(at, fields), _rows(fields.one("rows"))
    if wrong:
        return await _form(request, at, fields.typed, rows=rows, status=422, wrong=wrong)
    drafts = await _drafts(request, at, fields, UUID(int=0))
    if isinstance(drafts, Response):
        return drafts
    return page(
        request, "requests/review.html", drafts=drafts, typed=fields.typed, rows=range(rows)
    )


async def _sent(request: Request, at: PortalDesk, fields: Fields) -> Response:
    """Send one request a tenant. The form's number makes the batch: twice is once."""
    _require_asker(at)
    rows = _rows(fields.one("rows"))
    if wrong := _wrong(at, fields):
        return await _form(request, at, fields.typed, rows=rows, status=422, wrong=wrong)
    drafts = await _drafts(request, at, fields, uuid5(at.viewer.person.id, fields.nonce))
    if isinstance(drafts, Response):
        return drafts
    requests = RequestDesk(at.of_form(fields))
    for sent, draft in enumerate(drafts):
        try:
            await requests.submit(draft, wait=True)
        except AlreadySubmittedError:  # the same form came before
            continue
        except (ApprovalError, UnreachableError) as trouble:
            return await _stopped(request, at, fields, trouble, sent)
    await keeping.forget(at.parts, at.viewer.session)
    return RedirectResponse("/requests/outgoing?done=sent", 303)


async def _stopped(
    request: Request,
    at: PortalDesk,
    fields: Fields,
    trouble: ApprovalError | UnreachableError,
    sent: int,
) -> Response:
    """Say what was sent before a refusal or an outage, and keep what was typed."""
    speech = at.viewer.speech
    if isinstance(trouble, UnreachableError):
        said, status = speech.say(sentences.REFUSALS["unknown_outcome"]), 503
        if not sent and "Nothing was changed" in str(trouble):
            said = speech.say(sentences.REFUSALS["unreachable"])
    else:
        said, status = sentences.refusal(trouble, speech), 422
    if sent:
        said = f"{said} {speech.say(sentences.SENT_BEFORE, count=sent)}"
    return await _form(
        request, at, fields.typed, rows=_rows(fields.one("rows")), status=status, said=said
    )


async def _drafts(
    request: Request, at: PortalDesk, fields: Fields, batch: UUID
) -> list[Draft] | Response:
    """Return one draft a tenant, judged as the door will; or the form with what it says no to."""
    try:
        return await RequestDesk(at).drafts(
            request_name(fields.one("name")),
            message(fields.one("message")),
            _associations(fields),
            batch,
            None,
        )
    except (FieldError, ApprovalError) as refusal:
        speech = at.viewer.speech
        said = (
            sentences.refusal(refusal, speech)
            if isinstance(refusal, ApprovalError)
            else sentences.of_field(refusal, speech)
        )
        return await _form(
            request, at, fields.typed, rows=_rows(fields.one("rows")), status=422, said=said
        )


def _wrong(at: PortalDesk, fields: Fields) -> dict[str, str]:
    """Return the sentence of each field that breaks a rule."""
    speech, wrong = at.viewer.speech, {}
    for field, check in (("name", request_name), ("message", message)):
        try:
            check(fields.one(field))
        except FieldError as broken:
            wrong[field] = sentences.of_field(broken, speech)
    for number, (people, tenants) in enumerate(_associations(fields)):
        if not people:
            wrong[f"people{number}"] = speech.say(sentences.FIELDS["people_missing"])
        if not tenants:
            wrong[f"tenants{number}"] = speech.say(sentences.FIELDS["tenants_missing"])
    if any(len(people) > MOST_PEOPLE for people, _ in _associations(fields)):
        wrong["people0"] = speech.say(sentences.TOO_MANY_PEOPLE, most=MOST_PEOPLE)
    return wrong


def _associations(fields: Fields) -> Sequence[Association]:
    return [
        (fields.many(f"people{number}"), fields.many(f"tenants{number}"))
        for number in range(_rows(fields.one("rows")))
    ]


def _rows(said: str) -> int:
    return min(max(int(said), 1), MOST_ROWS) if said.isascii() and said.isdigit() else 1


def _require_asker(at: PortalDesk) -> None:
    if not at.viewer.has(Role.TM_ADMIN):
        raise NotAuthorisedError("send a request", "tm_admin of your organization")


FAMILY = Family(pages)
