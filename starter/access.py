"""`gatehouse access`: ask the gate whether somebody gets into a tenant at this moment."""

from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.exc import SQLAlchemyError

from approvals.access import Decision, Reason, Via
from approvals.addresses import address
from approvals.commands import Mode
from approvals.errors import FieldError, say
from approvals.rules import Needed
from approvals.slugs import slug
from starter.console import (
    REFUSED,
    UNREACHABLE,
    AsJson,
    UsageError,
    print_json,
    print_text,
    runs,
    status,
)
from starter.desk import Desk, desk

_SENTENCES = {
    Reason.LEGACY_PERMISSION: "The old impersonation tool is still open for this tenant.",
    Reason.NO_GRANT: "No open grant names this person for this tenant.",
    Reason.NO_SESSION: "There is a grant, but no open session in this mode.",
    Reason.LEGACY_CLOSED: "The old impersonation tool is closed: this tenant grants requests.",
    Reason.UNKNOWN: "There is no such person or no such tenant.",
    Reason.PERSON_INACTIVE: "The person or their organization is not active.",
    Reason.TENANT_OFF: "The tenant is off, or its organization is not active.",
    Reason.TENANT_LOCKED: "The tenant is locked.",
    Reason.UNREADABLE: "The database cannot be read, so the answer is no.",
}

app = typer.Typer(help="Who gets into which tenant now.", no_args_is_help=True)


@app.callback()
def access() -> None:
    """Who gets into which tenant now."""


@app.command()
@runs
async def check(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An e-mail address or id.")],
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="A tenant's slug or id.")],
    mode: Annotated[
        Mode, typer.Option(help="What a session is for; counts with --via session.")
    ] = Mode.SUPPORT,
    via: Annotated[
        Via, typer.Option(help="By a grant, an open session, or the old impersonation tool.")
    ] = Via.REQUEST,
    as_json: AsJson = False,
) -> None:
    """Say yes or no: may PERSON be in TENANT at this moment?

    Exit 0 for yes, 1 for no; where the database cannot be read the answer is no, with exit 3.
    """
    who = _id(person) or _address(person)
    where = _id(tenant) or _slug(tenant)
    try:
        async with desk() as means:
            decision = await _decision(means, who, where, mode, via)
    except (SQLAlchemyError, OSError):
        decision = Decision(is_open=False, reason=Reason.UNREADABLE)
    _print_decision(decision, as_json=as_json)
    if not decision.is_open:
        raise typer.Exit(UNREACHABLE if decision.reason is Reason.UNREADABLE else REFUSED)


async def _decision(
    means: Desk, who: UUID | str, where: UUID | str, mode: Mode, via: Via
) -> Decision:
    needed = Needed(
        emails=(who,) if isinstance(who, str) else (),
        slugs=(where,) if isinstance(where, str) else (),
    )
    known = await means.inbox.directory(needed)
    person = known.person_of(who) if isinstance(who, str) else None
    tenant = known.tenant_of(where) if isinstance(where, str) else None
    ids = (
        who if isinstance(who, UUID) else person and person.id,
        where if isinstance(where, UUID) else tenant and tenant.id,
    )
    match ids:
        case (UUID() as one, UUID() as other):
            return await means.gate.check(one, other, mode.value, via)
        case _:
            return Decision(is_open=False, reason=Reason.UNKNOWN)


def _print_decision(decision: Decision, *, as_json: bool) -> None:
    answer = "yes" if decision.is_open else "no"
    if as_json:
        print_json({"answer": answer, **decision.model_dump(mode="json", exclude={"is_open"})})
    else:
        print_text(answer)
    status(_SENTENCES.get(decision.reason) or _granted(decision))


def _granted(decision: Decision) -> str:
    until = "without an end" if decision.until is None else f"until {say(decision.until)}"
    return f"Granted by request {decision.process}, {until}."


def _id(text: str) -> UUID | None:
    """Return an id in its one written form, or None: 32 digits may also be a slug."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _address(text: str) -> str:
    try:
        return address(text)
    except FieldError as wrong:
        raise UsageError(f"PERSON must be an e-mail address or an id. {wrong}") from None


def _slug(text: str) -> str:
    try:
        return slug(text)
    except FieldError as wrong:
        raise UsageError(f"TENANT must be a tenant's slug or id. {wrong}") from None
