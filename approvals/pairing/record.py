"""The record of one pairing: its complete state, and what others read from it."""

import hashlib
from collections.abc import Container
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from approvals import canonical
from approvals.errors import say
from approvals.pairing.parts import Assignment, Change, Consent, OwnRole, RoleAsk, Visit
from approvals.people import GroupId, OrganizationId, PersonId, TenantId
from approvals.permissions import ROLES, permission_for
from approvals.records import Record
from approvals.transition import Clone, Index, PairingPass

KIND = "pairing"
LINK_LIFE = timedelta(days=7)  # no policy lengthens it
REISSUES_AN_HOUR = 5


class Status(StrEnum):
    """The life of a pairing. A lapsed offer opens again when its link is issued anew."""

    OFFERED = "offered"
    PAIRED = "paired"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    REVOKED = "revoked"


JOINED = frozenset({Status.PAIRED, Status.ACTIVE, Status.SUSPENDED})  # accepted and not over
CLOSED = frozenset(Status) - JOINED - {Status.OFFERED}


class Pairing(Record):
    """The complete state of one pairing. All instants are aware UTC.

    *check* is what fits the proof of the newest link; *reissues* are those of its last hour.
    *minimum* is what the vendor's policy asked for when the offer was made.
    """

    kind: Literal["pairing"] = "pairing"
    process_id: UUID
    version: int = 1
    status: Status = Status.OFFERED
    batch: UUID
    vendor: OrganizationId
    group: GroupId
    customer: OrganizationId
    tenant: TenantId
    requester: PersonId
    message: str | None
    minimum: tuple[str, ...]
    subject: str
    check: str
    offered_at: datetime
    due_at: datetime
    reissues: tuple[datetime, ...] = ()
    link_used_at: datetime | None = None
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    assignments: tuple[Assignment, ...] = ()
    own_roles: tuple[OwnRole, ...] = ()
    asks: tuple[RoleAsk, ...] = ()
    clones: tuple[Clone, ...] = ()
    consents: tuple[Consent, ...] = ()
    changes: tuple[Change, ...] = ()
    sessions: tuple[Visit, ...] = ()
    closed_by: PersonId | None = None
    closed_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def due(self) -> datetime | None:
        return self.due_at if self.status is Status.OFFERED else None

    @property
    def index(self) -> Index:
        return Index(
            tenant=self.tenant,
            organization=self.vendor,
            requester=self.requester,
            batch=self.batch,
            subject=self.subject,
            customer=self.customer,
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """What the assigned roles together lack of the vendor's minimum permissions."""
        return self.missing_among({one.person for one in self.assignments})

    def missing_among(self, members: Container[PersonId | None]) -> tuple[str, ...]:
        """What is lacking when, of single people's roles, only those of *members* count."""
        counted = [one for one in self.assignments if one.person is None or one.person in members]
        held = {one for given in counted for one in self.permissions_of(given.roles)}
        return tuple(one for one in self.minimum if one not in held)

    def permissions_of(self, roles: tuple[str, ...]) -> frozenset[str]:
        """Return the union of the roles' permissions; unknown roles have none."""
        own = {one.name: one.permissions for one in self.own_roles}
        return frozenset(
            permission for role in roles for permission in own.get(role) or ROLES.get(role, ())
        )

    def roles_of(self, person: PersonId | None) -> tuple[str, ...]:
        """Return the roles of one person's own, or with None those of the whole group."""
        return next((one.roles for one in self.assignments if one.person == person), ())

    def allowed(self, person: PersonId) -> frozenset[str]:
        """Return what a person of the group may do now: by the group's roles and their own."""
        if self.status is not Status.ACTIVE:
            return frozenset()
        return self.permissions_of((*self.roles_of(None), *self.roles_of(person)))

    def clone_of(self, person: PersonId) -> Clone | None:
        """Return the person's clone, or None."""
        return next((one for one in self.clones if one.person == person), None)


def process_id_of(batch: UUID, tenant: str) -> UUID:
    """Return the pairing's id: the same batch and tenant give the same one, so nothing doubles."""
    return uuid5(batch, tenant)


def subject_of(group: str, tenant: str) -> str:
    """Return the digest of two slugs that may be paired only once at a time."""
    return hashlib.sha256(f"pairing {group} {tenant}".encode()).hexdigest()


def passes_of(state: Pairing) -> tuple[PairingPass, ...]:
    """Return what is allowed now: one pass a holder of roles, and none unless active."""
    if state.status is not Status.ACTIVE:
        return ()
    consents = tuple(str(one.id) for one in state.consents if one.answer == "given")
    return tuple(
        PairingPass(
            id=uuid5(state.process_id, str(one.person or state.group)),
            process=state.process_id,
            tenant=state.tenant,
            group=state.group,
            person=one.person,
            permissions=tuple(sorted(state.permissions_of(one.roles))),
            consents=consents,
        )
        for one in state.assignments
    )


def visits_allowed(state: Pairing) -> tuple[Visit, ...]:
    """Return the open sessions that what is allowed now still covers."""
    clones = {one.id for one in state.clones}
    return tuple(
        one
        for one in state.sessions
        if permission_for(one.mode) in state.allowed(one.person)
        and (one.clone is None or one.clone in clones)
    )


def shown_to_customer(state: Pairing) -> dict[str, object]:
    """Return what a decision of the customer's rests on."""
    waiting = [one for one in state.consents if one.answer in ("asked", "given")]
    return {
        "vendor": str(state.vendor),
        "group": str(state.group),
        "tenant": str(state.tenant),
        "message": state.message,
        "status": state.status.value,
        "due_at": state.due_at.isoformat(),
        "minimum": list(state.minimum),
        "roles": [one.model_dump(mode="json") for one in state.assignments],
        "own_roles": [one.model_dump(mode="json") for one in state.own_roles],
        "asks": [one.model_dump(mode="json") for one in state.asks],
        "clones": [str(one.id) for one in state.clones],
        "consents": [[str(one.id), one.what, one.answer] for one in waiting],
    }


def shown_digest(state: Pairing) -> str:
    """Return the digest that a decision on this state carries."""
    return canonical.digest(shown_to_customer(state))


def standing(state: Pairing) -> str:
    """Say where the pairing stands, as the end of a sentence."""
    if state.status is Status.OFFERED:
        return f"it is offered, and its link works until {say(state.due_at)}."
    return f"it is {state.status}, and its roles, asks or consents are not what you saw."
