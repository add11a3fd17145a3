"""`gatehouse access`: ask the gate whether somebody gets in at this moment, and where."""

from collections.abc import Callable
from typing import Annotated, NamedTuple
from uuid import UUID

import typer
from sqlalchemy.exc import SQLAlchemyError

from approvals.access import Decision, Reason, Via, no
from approvals.addresses import address
from approvals.errors import FieldError, say
from approvals.facts import Needed
from approvals.people import Directory, Organization, Site, Tenant
from approvals.permissions import DISRUPTIVE_CHANGE
from approvals.platform_entry import PlatformAction
from approvals.questions import ACTIONS, Place
from approvals.sessions import Mode
from approvals.site_access.privileges import LEVELS, Area, Level
from approvals.slugs import slug
from starter.client import UnreachableError
from starter.console import REFUSED, UNREACHABLE, UsageError, print_json, print_text, runs, status
from starter.desk import Desk, desk
from starter.options import AsJson
from starter.typed import id_of, own_id

_SENTENCES = {
    Reason.LEGACY_PERMISSION: "The old impersonation tool is still open for this tenant.",
    Reason.NO_GRANT: "No open grant names this person for this tenant.",
    Reason.NO_SESSION: "There is access, but no open session.",
    Reason.NOT_PERMITTED: "There is an open pairing, but its roles do not allow this.",
    Reason.NO_CONSENT: "The customer has not consented to this disruptive change.",
    Reason.LEGACY_CLOSED: "The old impersonation tool is closed: this tenant grants requests.",
    Reason.DISABLED: "The partner has switched this customer off.",
    Reason.NEVER_ENABLED: "The partner has never switched this person's organization on.",
    Reason.NOT_SERVED: "The partner does not serve this person's organization any more.",
    Reason.NOT_MEMBER: "This person has no access to the site.",
    Reason.NO_PRIVILEGE: "This person does not hold that level in this area of the site.",
    Reason.UNKNOWN: "There is no such person or no such place.",
    Reason.UNKNOWN_ACTION: "There is no such action here.",
    Reason.PERSON_INACTIVE: "The person or their organization is not active.",
    Reason.TENANT_OFF: "The tenant is off, or its organization is not active.",
    Reason.TENANT_LOCKED: "The tenant is locked.",
    Reason.PARTNER_OFF: "The partner is not active.",
    Reason.SITE_OFF: "The site's organization is not active.",
    Reason.UNREADABLE: "The database cannot be read, so the answer is no.",
}
_BY = {
    Reason.GRANTED: "Granted by request",
    Reason.PAIRED: "Allowed by pairing",
    Reason.ACCEPTED: "The customer is switched on and has accepted the terms: access",
    Reason.TERMS_PENDING: "Only as far as the terms of use, which nobody has accepted yet: access",
    Reason.PRIVILEGE: "Held by site access",
}

app = typer.Typer(help="Who gets in where now.", no_args_is_help=True)


@app.callback()
def access() -> None:
    """Who gets in where now."""


class Asked(NamedTuple):
    """What is asked about a place; what was not said is None."""

    mode: Mode | None
    action: str | None
    via: Via | None
    change: UUID | None
    area: Area | None
    level: Level | None


Action = Annotated[
    str | None,
    typer.Option(
        metavar="ACTION",
        help="In a tenant: a permission, or disruptive-change. On a platform: sign_in (the"
        " default) or accept_terms.",
    ),
]
WayIn = Annotated[
    Via | None,
    typer.Option(
        help="By a request or pairing (the default), an open session, or the old"
        " impersonation tool."
    ),
]


@app.command()
@runs
async def check(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An e-mail address or id.")],
    resource: Annotated[
        str,
        typer.Argument(
            metavar="RESOURCE", help="A tenant's slug or id, platform:PARTNER, or site:SLUG."
        ),
    ],
    mode: Annotated[
        Mode | None, typer.Option(help="In a tenant: to land where. By default support.")
    ] = None,
    action: Action = None,
    via: WayIn = None,
    change: Annotated[
        UUID | None,
        typer.Option(metavar="ID", parser=id_of, help="Which disruptive change: its consent's id."),
    ] = None,
    area: Annotated[Area | None, typer.Option(help="At a site: in which area.")] = None,
    level: Annotated[
        Level | None, typer.Option(help="At a site: which level. By default view.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say yes or no: does PERSON get in at RESOURCE at this moment?

    A tenant is entered by a granted request or through a pairing; a platform by the people of a
    partner's customers; at a site somebody holds a level in an area.

    Exit 0 for yes, 1 for no; where the database cannot be read the answer is no, with exit 3.
    """
    who = own_id(person) or _address(person)
    kind, where = _resource(resource)
    asked = Asked(mode, action, via, change, area, level)
    _require_fitting(kind, asked)
    try:
        async with desk() as means:
            decision = await _decision(means, who, kind, where, asked)
    except (SQLAlchemyError, OSError, UnreachableError):  # the last: there is no database yet
        decision = no(Reason.UNREADABLE)
    _print_decision(decision, as_json=as_json)
    if not decision.is_open:
        raise typer.Exit(UNREACHABLE if decision.reason is Reason.UNREADABLE else REFUSED)


async def _decision(
    means: Desk, who: UUID | str, kind: str, where: UUID | str, asked: Asked
) -> Decision:
    one, other = await _ids(means, who, kind, where)
    if one is None or other is None:
        return no(Reason.UNKNOWN)
    if kind == "platform":
        action = asked.action or PlatformAction.SIGN_IN
        in_session = asked.via is Via.SESSION
        return await means.gate.check_platform(one, other, action, in_session=in_session)
    if kind == "site" and asked.area is not None:
        return await means.gate.check_site(one, other, asked.area, asked.level or Level.VIEW)
    action = asked.action or asked.mode or Mode.SUPPORT
    if action not in ACTIONS[Place.TENANT]:
        return no(Reason.UNKNOWN_ACTION)
    change = None if asked.change is None else str(asked.change)
    return await means.gate.check(one, other, action, asked.via or Via.REQUEST, change)


async def _ids(
    means: Desk, who: UUID | str, kind: str, where: UUID | str
) -> tuple[UUID | None, UUID | None]:
    slugs = (where,) if isinstance(where, str) else ()
    known = await means.inbox.directory(
        Needed(
            emails=(who,) if isinstance(who, str) else (),
            slugs=slugs if kind == "tenant" else (),
            organization_slugs=slugs if kind == "platform" else (),
            site_slugs=slugs if kind == "site" else (),
        )
    )
    person = known.person_of(who) if isinstance(who, str) else None
    one = who if isinstance(who, UUID) else person.id if person else None
    return one, where if isinstance(where, UUID) else _place(known, kind, where)


def _place(known: Directory, kind: str, wanted: str) -> UUID | None:
    look: dict[str, Callable[[str], Tenant | Organization | Site | None]] = {
        "tenant": known.tenant_of,
        "platform": known.organization_of,
        "site": known.site_of,
    }
    found = look[kind](wanted)
    return found.id if found else None


def _require_fitting(kind: str, asked: Asked) -> None:
    """Refuse options that say nothing about this kind of place, rather than pass over them."""
    fitting = {
        "tenant": {"mode", "action", "via", "change"},
        "platform": {"action", "via"},
        "site": {"area", "level"},
    }[kind]
    said = {name for name, value in asked._asdict().items() if value is not None}
    if strange := sorted(said - fitting):
        raise UsageError(f"--{strange[0]} says nothing about a {kind}.")
    if kind == "site" and asked.area is None:
        raise UsageError("A site is asked about by --area (and --level).")
    if asked.area is not None and (asked.level or Level.VIEW) not in _levels(asked.area):
        levels = " or ".join(_levels(asked.area))
        raise UsageError(f"--level: {asked.area} can be asked about at level {levels} only.")
    if asked.mode is not None and asked.action is not None:
        raise UsageError("Give --mode or --action, not both.")
    if kind == "platform" and asked.via is Via.LEGACY:
        raise UsageError("--via legacy says nothing about a platform.")
    if kind == "platform" and asked.action not in {None, *PlatformAction}:
        raise UsageError(f"--action on a platform is one of: {', '.join(PlatformAction)}.")
    if (asked.change is not None) != (asked.action == DISRUPTIVE_CHANGE):
        raise UsageError(f"--change and --action {DISRUPTIVE_CHANGE} belong together.")


def _levels(area: Area) -> tuple[Level, ...]:
    return tuple(one for one in LEVELS[area] if one is not Level.NONE)


def _print_decision(decision: Decision, *, as_json: bool) -> None:
    answer = "yes" if decision.is_open else "no"
    if as_json:
        print_json({"answer": answer, **decision.model_dump(mode="json", exclude={"is_open"})})
    else:
        print_text(answer)
    status(_SENTENCES.get(decision.reason) or _basis(decision))


def _basis(decision: Decision) -> str:
    """Say on what an answer rests, and until when it holds."""
    until = "" if decision.until is None else f", until {say(decision.until)}"
    if decision.reason in (Reason.GRANTED, Reason.PAIRED):
        until = until or ", without an end"
    if decision.process is None:
        return "Held as the site's contact."
    return f"{_BY[decision.reason]} {decision.process}{until}."


def _resource(text: str) -> tuple[str, UUID | str]:
    """Return which kind of place is meant, and its id or slug. Raises UsageError."""
    kind, separator, name = text.partition(":")
    if not separator:
        kind, name = "tenant", text
    words = {
        "tenant": "RESOURCE must be a tenant's slug or id, platform:PARTNER or site:SLUG.",
        "platform": "After 'platform:' there must be the slug or id of a partner.",
        "site": "After 'site:' there must be the slug or id of a site.",
    }
    if kind not in words:
        raise UsageError(words["tenant"])
    try:
        return kind, own_id(name) or slug(name)
    except FieldError as wrong:
        raise UsageError(f"{words[kind]} {wrong}") from None


def _address(text: str) -> str:
    try:
        return address(text)
    except FieldError as wrong:
        raise UsageError(f"PERSON must be an e-mail address or an id. {wrong}") from None
