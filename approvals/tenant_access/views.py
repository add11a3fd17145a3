"""What somebody may see of a request: the recipient sees no name and, by default, no people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from approvals.audit import AuditEntry
from approvals.commands import CLOCK
from approvals.people import Directory, Person, PersonId, Role
from approvals.records import Record
from approvals.tenant_access.record import TenantAccess, shown_digest
from approvals.timeline import Line, Mail, text_of


class RequestView(Record):
    """One request as one viewer may see it. *name* and *people* are None where concealed.

    *shown* is the digest that a decision on this view carries.
    """

    id: UUID
    status: str
    organization: str
    tenant: str
    tenant_name: str
    name: str | None
    message: str | None
    people: tuple[str, ...] | None
    deciders: tuple[str, ...]
    submitted_at: datetime
    due_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    answer: str | None
    ends_at: datetime | None
    no_end: bool
    shown: str


def sees_people(state: TenantAccess, viewer: PersonId, directory: Directory) -> bool:
    """Whether the viewer stands on the asking side, or the policy shows the people to all."""
    return (
        state.policy.show_people
        or viewer in state.people
        or viewer == state.requester
        or directory.holds(viewer, Role.TM_ADMIN, state.organization)
    )


def request_view(state: TenantAccess, viewer: PersonId, directory: Directory) -> RequestView:
    """Return what the viewer may see; authority.may_see has judged that they may see it at all."""
    tenant = directory.tenant(state.tenant)
    organization = directory.organization(state.organization)
    is_decider = directory.holds(viewer, Role.TENANT_ADMIN, state.tenant)
    deciders = directory.holders(Role.TENANT_ADMIN, state.tenant)
    shows = sees_people(state, viewer, directory)
    return RequestView(
        id=state.process_id,
        status=state.status,
        organization=organization.name if organization else "",
        tenant=tenant.slug if tenant else "",
        tenant_name=tenant.name if tenant else "",
        name=None if is_decider else state.name,
        message=state.message,
        people=tuple(directory.name_of(one) for one in state.people) if shows else None,
        deciders=tuple(directory.name_of(one) for one in deciders),
        submitted_at=state.submitted_at,
        due_at=state.due_at,
        decided_at=state.decided_at,
        decided_by=None if state.decided_by is None else directory.name_of(state.decided_by),
        answer=state.answer,
        ends_at=state.ends_at,
        no_end=state.no_end,
        shown=shown_digest(state),
    )


def name_shown(
    state: TenantAccess, person: UUID | None, viewer: PersonId, directory: Directory
) -> str:
    """Return the name under which the viewer sees somebody who acted on the request."""
    if person is None:
        return "unknown"
    if person == CLOCK:
        return "the clock"
    known = directory.person(person)
    if known is None:
        return directory.name_of(person)
    if _is_concealed(state, known, viewer, directory):
        organization = directory.organization(state.organization)
        return f"somebody of {organization.name if organization else 'the asking organization'}"
    return known.name


def timeline(
    state: TenantAccess,
    entries: Sequence[AuditEntry],
    mails: Sequence[Mail],
    viewer: PersonId,
    directory: Directory,
) -> tuple[Line, ...]:
    """Return what happened, oldest first, refusals and mails included, nobody concealed named."""
    lines = [
        Line(
            at=one.at,
            event=one.event,
            who=name_shown(state, one.actor, viewer, directory),
            text=text_of(one),
        )
        for one in entries
    ]
    lines += _mail_lines(state, mails, viewer, directory)
    return tuple(sorted(lines, key=lambda one: one.at))


def _mail_lines(
    state: TenantAccess, mails: Sequence[Mail], viewer: PersonId, directory: Directory
) -> Iterable[Line]:
    """Return a line a mail; of those of one transition to concealed people the first alone.

    Their number would tell how many people are concealed.
    """
    found: dict[tuple[object, ...], Line] = {}
    for number, mail in enumerate(mails):
        line = Line(
            at=mail.at,
            event=f"mail.{mail.status}",
            who=name_shown(state, mail.to, viewer, directory),
            text=mail.kind.replace("_", " ") + _fault(state, mail, viewer, directory),
        )
        to = directory.person(mail.to)
        is_open = to is not None and not _is_concealed(state, to, viewer, directory)
        key = (number,) if is_open else (mail.version, line.event, line.who, line.text)
        found.setdefault(key, line)
    return found.values()


def _fault(state: TenantAccess, mail: Mail, viewer: PersonId, directory: Directory) -> str:
    """Return what the mail server said of a mail that was not sent; it may hold the address."""
    if mail.reply is None or mail.status == "sent":
        return ""
    to = directory.person(mail.to)
    if to is None or _is_concealed(state, to, viewer, directory):
        return ": what the mail server said is not shown"
    return f": {mail.reply}"


def _is_concealed(
    state: TenantAccess, person: Person, viewer: PersonId, directory: Directory
) -> bool:
    is_asking = person.organization == state.organization or person.id in state.people
    return is_asking and not sees_people(state, viewer, directory)
