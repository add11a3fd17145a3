"""A new onboarding: the customer's form, or its customer.toml, looked over before it begins."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from fastapi import Request
from fastapi.responses import Response

from approvals.commands import Command
from approvals.errors import ApprovalError, NotAuthorisedError
from approvals.onboarding.commands import Start
from approvals.onboarding.customer_file import CustomerFileError, read_customer
from approvals.onboarding.fields import ROLES
from approvals.onboarding.record import process_id_of
from portal import sentences
from portal.acts import Reading, Sheet, kept, opened, take
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.errors import status_of
from portal.families import Family, Pages
from portal.forms import Fields
from portal.pages.onboardings import OPERATORS
from portal.render import page
from starter.onboarding import EXAMPLE
from starter.onboardings import OnboardingDesk

pages = Pages()
TEXTS = ("customer", "name", "description", "reference", "time_zone", "locale")
CHOICES = ("switch_on_for", "organization")
ROWS = {"admin": 2, "user": 3}  # rows of a new form
MOST = {"admin": 20, "user": 60}
LISTS = {"admin": "admins", "user": "users"}


@pages.page("/onboardings/new")
async def ask(request: Request, at: AtDesk) -> Response:
    """Show the form: empty, or as it was typed before its person had to sign in again."""
    return await _form(request, at, **kept(request, at))


@pages.act("/onboardings/new", on="/onboardings/new", form="start", out=("pbx_secret",))
async def start(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Add rows, look it over, or begin, as the pressed button says."""
    typed = {**fields.typed, "form": ["start"]}
    step = fields.one("step")
    if step in ROWS:
        return await _form(request, at, typed=typed, more=step)
    batch = _batch(at, fields)
    if step == "begin":
        process = process_id_of(batch, fields.one("customer").strip())
        return await take(
            at, fields, _sheet(request, at), "start", process, lambda read: _read(read, batch),
            goal=lambda _: f"/onboardings/{process}?done=start",
        )  # fmt: skip
    read = Reading(fields, at.viewer.speech)
    command = _read(read, batch)
    if not isinstance(command, Start) or read.wrong:
        return await _form(request, at, status=422, typed=typed, wrong=read.wrong)
    return await _drafted(request, at, command, typed)


@pages.act("/onboardings/file", on="/onboardings/new")
async def start_file(request: Request, at: AtDesk, fields: Posted) -> Response:
    """Read a customer.toml that was pasted; look it over, or begin."""
    typed = {**fields.typed, "form": ["file"]}
    try:
        command = read_customer(
            fields.one("file"), _batch(at, fields), fields.one("organization") or None
        )
    except CustomerFileError as broken:
        found = [str(one) for one in broken.problems]
        said = at.viewer.speech.say(sentences.FIELDS["file_broken"])
        return await _form(
            request, at, status=422, typed=typed, wrong={"file": said}, problems=found
        )
    if fields.one("step") != "begin":
        return await _drafted(request, at, command, typed)
    process = process_id_of(command.batch, command.customer)
    return await take(
        at, fields, _sheet(request, at), "file", process, lambda _read: command,
        goal=lambda _: f"/onboardings/{process}?done=start",
    )  # fmt: skip


async def _drafted(
    request: Request, at: PortalDesk, command: Start, typed: Mapping[str, list[str]]
) -> Response:
    """Show what would begin, with its warnings, or what the rules say no to."""
    try:
        draft = await OnboardingDesk(at).drafted(command)
    except ApprovalError as refusal:
        said = sentences.refusal(refusal, at.viewer.speech)
        in_english = sentences.in_english(refusal, at.viewer.speech)
        return await _form(
            request, at, status=status_of(refusal), typed=typed, said=said, in_english=in_english
        )
    return await _form(request, at, typed=typed, draft=draft)


async def _form(
    request: Request, at: PortalDesk, *, status: int = 200, more: str = "", **facts: Any
) -> Response:
    if not at.viewer.has(*OPERATORS):
        raise NotAuthorisedError("start an onboarding", "onboarding_operator of your organization")
    typed = facts.get("typed") or {}
    if "pbx.secret" in (facts.get("wrong") or {}):  # a secret itself is never sent back
        typed = {**typed, "pbx_secret": [""]}
    shown = {
        **opened(request, at),
        "draft": None,
        "problems": (),
        "rows": {kind: _rows(kind, typed, more) for kind in ROWS},
        "lists": LISTS,
        "roles": [one.value for one in ROLES],
        "example": EXAMPLE.read_text(encoding="utf-8"),
        "is_operator": not at.viewer.has(OPERATORS[0]),
    }
    facts = {**shown, **facts, "typed": typed}
    return page(request, "onboardings/new.html", status=status, **facts)


def _sheet(request: Request, at: PortalDesk) -> Sheet:
    async def show(**facts: Any) -> Response:
        return await _form(request, at, **facts)

    return Sheet("/onboardings/new", show, OnboardingDesk)


def _read(read: Reading, batch: UUID) -> Command | None:
    """Fill the form's command; what breaks a rule is noted at its row, which may follow blanks."""
    fields = read.fields
    people, places = {}, {}
    for kind, name in LISTS.items():
        people[name], places[name] = _people(fields, kind)
    if not people["admins"]:
        read.note("admins", "admins_missing", "Name at least one admin.")
    for number, one in enumerate(people["users"]):
        if not one["roles"]:
            read.note(f"users.{number}.roles", "user_roles_missing", "Choose at least one role.")
    said: dict[str, Any] = {name: fields.one(name).strip() for name in TEXTS}
    said |= {name: fields.one(name).strip() or None for name in CHOICES}
    pbx = {name: fields.one(f"pbx_{name}").strip() for name in ("host", "username", "secret")}
    command = read.command(Start, {**said, "batch": batch, "pbx": pbx, **people})
    read.wrong = {_placed(path, places): text for path, text in read.wrong.items()}
    return command


def _placed(path: str, places: Mapping[str, list[int]]) -> str:
    """Return the path of a broken rule with the row where it was typed."""
    parts = path.split(".")
    if parts[0] in places and len(parts) > 1 and parts[1].isdigit():
        parts[1] = str(places[parts[0]][int(parts[1])])
    return ".".join(parts[:3])


def _people(fields: Fields, kind: str) -> tuple[list[dict[str, Any]], list[int]]:
    """Return who was typed, and the row of each; blank rows are passed over."""
    found, places = [], []
    names, emails = fields.many(f"{kind}_name"), fields.many(f"{kind}_email")
    roles = [one.partition(":") for one in fields.many(f"{kind}_roles")]
    for row, (name, email) in enumerate(zip(names, emails, strict=False)):
        own = [role for number, _, role in roles if number == str(row)]
        if name.strip() or email.strip():
            found.append({"name": name, "email": email.strip(), "roles": own})
            places.append(row)
    return found, places


def _rows(kind: str, typed: Mapping[str, list[str]], more: str) -> list[tuple[str, str, list[str]]]:
    """Return the rows of a kind as they were typed: name, address, and roles of each."""
    names, emails = typed.get(f"{kind}_name", []), typed.get(f"{kind}_email", [])
    count = max(len(names), ROWS[kind]) + (ROWS[kind] if more == kind else 0)
    roles = [one.partition(":") for one in typed.get(f"{kind}_roles", [])]
    return [
        (
            names[row] if row < len(names) else "",
            emails[row] if row < len(emails) else "",
            [role for number, _, role in roles if number == str(row)],
        )
        for row in range(min(count, MOST[kind]))
    ]


def _batch(at: PortalDesk, fields: Fields) -> UUID:
    """Return the batch that a form's number makes: sent twice, it begins once."""
    return uuid5(at.viewer.person.id, fields.nonce)


FAMILY = Family(pages)
