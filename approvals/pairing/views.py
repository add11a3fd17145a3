"""What both sides may see of a pairing. Roles and clones of a support group are never billed."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from approvals.commands import CLOCK
from approvals.pairing.authority import members_of
from approvals.pairing.record import Pairing, shown_digest
from approvals.people import Directory, PersonId
from approvals.permissions import ROLES
from approvals.records import Record


class RoleLine(Record):
    """A role, and what it allows."""

    name: str
    permissions: tuple[str, ...]
    is_own: bool
    billable: bool = False


class HolderLine(Record):
    """The group (without an address) or one of its people, and what they hold."""

    holder: str
    email: str | None
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    billable: bool = False


class AskLine(Record):
    """Roles that the vendor asks for."""

    id: UUID
    roles: tuple[str, ...]
    holder: str
    reason: str
    asked_by: str
    asked_at: datetime


class CloneLine(Record):
    """A cloned user among the customer's people, with the vendor's address."""

    id: UUID
    name: str
    email: str
    added_at: datetime
    clone: bool = True
    billable: bool = False


class ConsentLine(Record):
    """A disruptive change that needs a consent, and the answer."""

    id: UUID
    what: str
    answer: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    reason: str | None


class ChangeLine(Record):
    """A change that was made."""

    id: UUID
    what: str
    is_disruptive: bool
    is_breach: bool
    consent: UUID | None
    made_by: str
    recorded_at: datetime
    reverted_by: str | None
    reverted_at: datetime | None
    note: str | None


class VisitLine(Record):
    """An open session of the vendor's."""

    id: UUID
    person: str
    mode: str
    as_clone: bool
    begun_at: datetime


class PairingView(Record):
    """One pairing in full. *shown* is the digest that a decision on this view carries."""

    id: UUID
    status: str
    vendor: str
    group: str
    customer: str
    tenant: str
    tenant_name: str
    message: str | None
    minimum: tuple[str, ...]
    missing: tuple[str, ...]
    offered_by: str
    offered_at: datetime
    due_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    answer: str | None
    closed_by: str | None
    closed_at: datetime | None
    roles: tuple[HolderLine, ...]
    own_roles: tuple[RoleLine, ...]
    asks: tuple[AskLine, ...]
    clones: tuple[CloneLine, ...]
    consents: tuple[ConsentLine, ...]
    changes: tuple[ChangeLine, ...]
    sessions: tuple[VisitLine, ...]
    shown: str


def people_of(state: Pairing) -> tuple[PersonId, ...]:
    """Return everybody whom the view names."""
    found: Iterable[PersonId | None] = (
        state.requester,
        state.decided_by,
        state.closed_by,
        *(one.person for one in state.assignments),
        *(who for one in state.asks for who in (one.person, one.asked_by)),
        *(one.person for one in state.clones),
        *(who for one in state.consents for who in (one.asked_by, one.decided_by)),
        *(who for one in state.changes for who in (one.made_by, one.reverted_by)),
        *(one.person for one in state.sessions),
    )
    return tuple(dict.fromkeys(one for one in found if one is not None and one != CLOCK))


def pairing_view(state: Pairing, directory: Directory) -> PairingView:
    """Return what both sides see; authority.may_see has judged that the viewer may see it."""
    vendor, customer = directory.organization(state.vendor), directory.organization(state.customer)
    tenant, group = directory.tenant(state.tenant), directory.group(state.group)
    return PairingView(
        id=state.process_id,
        status=state.status,
        vendor=vendor.name if vendor else "",
        group=group.name if group else "",
        customer=customer.name if customer else "",
        tenant=tenant.slug if tenant else "",
        tenant_name=tenant.name if tenant else "",
        message=state.message,
        minimum=state.minimum,
        missing=state.missing_among(members_of(state, directory)),
        offered_by=directory.name_of(state.requester),
        offered_at=state.offered_at,
        due_at=state.due_at,
        decided_by=_name(state.decided_by, directory),
        decided_at=state.decided_at,
        answer=state.answer,
        closed_by=_name(state.closed_by, directory),
        closed_at=state.closed_at,
        roles=_holders(state, directory),
        own_roles=tuple(one for one in role_lines(state) if one.is_own),
        asks=_asks(state, directory),
        clones=_clones(state, directory),
        consents=_consents(state, directory),
        changes=_changes(state, directory),
        sessions=_visits(state, directory),
        shown=shown_digest(state),
    )


def role_lines(state: Pairing) -> tuple[RoleLine, ...]:
    """Return every role that the customer may assign: those that ship, and its own."""
    built_in = (RoleLine(name=name, permissions=ROLES[name], is_own=False) for name in ROLES)
    own = (
        RoleLine(name=one.name, permissions=one.permissions, is_own=True) for one in state.own_roles
    )
    return (*built_in, *own)


def _holders(state: Pairing, directory: Directory) -> tuple[HolderLine, ...]:
    return tuple(
        HolderLine(
            holder=_holder(one.person, state, directory),
            email=None if one.person is None else _email(one.person, directory),
            roles=one.roles,
            permissions=tuple(sorted(state.permissions_of(one.roles))),
        )
        for one in state.assignments
    )


def _asks(state: Pairing, directory: Directory) -> tuple[AskLine, ...]:
    return tuple(
        AskLine(
            id=one.id,
            roles=one.roles,
            holder=_holder(one.person, state, directory),
            reason=one.reason,
            asked_by=directory.name_of(one.asked_by),
            asked_at=one.asked_at,
        )
        for one in state.asks
    )


def _clones(state: Pairing, directory: Directory) -> tuple[CloneLine, ...]:
    return tuple(
        CloneLine(
            id=one.id,
            name=directory.name_of(one.person),
            email=_email(one.person, directory),
            added_at=one.added_at,
        )
        for one in state.clones
    )


def _consents(state: Pairing, directory: Directory) -> tuple[ConsentLine, ...]:
    return tuple(
        ConsentLine(
            id=one.id,
            what=one.what,
            answer=one.answer,
            asked_by=directory.name_of(one.asked_by),
            asked_at=one.asked_at,
            decided_by=_name(one.decided_by, directory),
            reason=one.reason,
        )
        for one in state.consents
    )


def _changes(state: Pairing, directory: Directory) -> tuple[ChangeLine, ...]:
    return tuple(
        ChangeLine(
            **one.model_dump(include={"id", "what", "is_disruptive", "is_breach", "consent"}),
            made_by=directory.name_of(one.made_by),
            recorded_at=one.recorded_at,
            reverted_by=_name(one.reverted_by, directory),
            reverted_at=one.reverted_at,
            note=one.note,
        )
        for one in state.changes
    )


def _visits(state: Pairing, directory: Directory) -> tuple[VisitLine, ...]:
    return tuple(
        VisitLine(
            id=one.id,
            person=directory.name_of(one.person),
            mode=one.mode,
            as_clone=one.clone is not None,
            begun_at=one.begun_at,
        )
        for one in state.sessions
    )


def _holder(person: PersonId | None, state: Pairing, directory: Directory) -> str:
    if person is not None:
        return directory.name_of(person)
    group = directory.group(state.group)
    return group.name if group else "the group"


def _email(person: PersonId, directory: Directory) -> str:
    found = directory.person(person)
    return found.email if found else ""


def _name(person: PersonId | None, directory: Directory) -> str | None:
    if person is None:
        return None
    return "the clock" if person == CLOCK else directory.name_of(person)
