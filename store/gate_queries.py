"""The gate's three questions as statements, built once: building costs more than running them."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Executable,
    Select,
    String,
    Table,
    and_,
    bindparam,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.visitors import replacement_traverse

from approvals.customer_access.record import KIND as CUSTOMER_ACCESS
from approvals.customer_access.record import PLATFORM as PLATFORM_MODE
from approvals.people import Role
from approvals.sessions import Mode
from store import access_tables as a
from store import tables as t

PERSON: BindParameter[UUID] = bindparam("person")
PLACE: BindParameter[UUID] = bindparam("place")
ACTION: BindParameter[str] = bindparam("action", type_=String())
# Spelt out: an IN would be expanded, and the statement rendered anew, at each question.
IS_NO_MODE = and_(*(ACTION != one.value for one in Mode))  # noqa: SIM300  # the other is a bool
HOME, OWNER = t.organization.alias("home"), t.organization.alias("owner")
IS_PERSON_LIVE = and_(t.person.c.is_active, HOME.c.is_active).label("is_person_live")


def _clone(column: Any) -> ColumnElement[Any]:
    """Return a column of the clone whose id was asked about, in this tenant; NULL for people."""
    return (
        select(column)
        .where(a.clone.c.id == PERSON, a.clone.c.tenant_id == PLACE, a.clone.c.removed_at.is_(None))
        .scalar_subquery()
    )


# Whoever is asked about: a clone enters as its agent, and by its own pairing alone.
AGENT = func.coalesce(_clone(a.clone.c.person_id), PERSON)


def _tenant() -> CompoundSelect[Any]:
    """The facts, with one row a grant that is not closed; then one row a pass of a pairing.

    No row for unknown ids. One statement, in which every part is found by an index.
    """
    return union_all(_granted(), _paired())


def _granted() -> Select[Any]:
    grant, ever = t.access_grant, t.access_grant.alias("ever")
    holds_legacy = exists().where(  # of an organization that still serves the tenant's
        t.role_assignment.c.person_id == PERSON,
        t.role_assignment.c.role == Role.LEGACY_IMPERSONATOR.value,
        t.role_assignment.c.scope_id == HOME.c.id,
        t.serves.c.server_id == HOME.c.id,
        t.serves.c.customer_id == t.tenant.c.organization_id,
    )
    open_grant = and_(
        grant.c.person_id == PERSON, grant.c.tenant_id == t.tenant.c.id, grant.c.closed_at.is_(None)
    )
    is_granted = and_(t.process.c.id == grant.c.process_id, t.process.c.status == "granted")
    return (
        select(
            IS_PERSON_LIVE,
            and_(t.tenant.c.is_on, OWNER.c.is_active).label("is_tenant_on"),
            t.tenant.c.is_locked,
            holds_legacy.label("is_legacy"),
            exists().where(ever.c.tenant_id == PLACE).label("was_ever_granted"),
            t.process.c.id.label("process"),
            grant.c.ends_at,
            grant.c.no_end,
            _in_session(grant.c.process_id, PERSON).label("has_session"),
            type_coerce(null(), JSON).label("permissions"),
            type_coerce(null(), JSON).label("consents"),
        )
        .select_from(t.person)
        .join(HOME, HOME.c.id == t.person.c.organization_id)
        .join(t.tenant, literal(True))
        .join(OWNER, OWNER.c.id == t.tenant.c.organization_id)
        .outerjoin(grant, open_grant)
        .outerjoin(t.process, is_granted)
        .where(t.person.c.id == AGENT, t.tenant.c.id == PLACE)
    )


UNSAID: tuple[ColumnElement[Any], ...] = (null(),) * 5  # the facts stand in the first part


def _paired() -> Select[Any]:
    passes, member, vendor = a.pairing_pass, t.team_member, t.team.c.organization_id
    is_member = and_(member.c.team_id == passes.c.team_id, member.c.person_id == AGENT)
    is_vendors = and_(t.person.c.id == member.c.person_id, t.person.c.organization_id == vendor)
    is_served = exists().where(
        t.serves.c.server_id == vendor, t.serves.c.customer_id == t.tenant.c.organization_id
    )
    is_active = and_(t.process.c.id == passes.c.process_id, t.process.c.status == "active")
    return (
        select(
            *UNSAID,
            t.process.c.id,
            null(),
            literal(True),
            _in_session(passes.c.process_id, AGENT),
            passes.c.permissions,
            passes.c.consents,
        )
        .select_from(passes)
        .join(member, is_member)
        .join(t.team, t.team.c.id == passes.c.team_id)
        .join(t.person, is_vendors)
        .join(t.tenant, t.tenant.c.id == passes.c.tenant_id)
        .join(t.process, is_active)
        .where(
            is_served,
            passes.c.tenant_id == PLACE,
            passes.c.closed_at.is_(None),
            or_(passes.c.person_id.is_(None), passes.c.person_id == AGENT),
            passes.c.process_id == func.coalesce(_clone(a.clone.c.process_id), passes.c.process_id),
        )
    )


def _in_session(process: ColumnElement[UUID], person: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether somebody has a session open: in the mode that is asked about, if it is one."""
    return exists().where(
        t.session.c.process_id == process,
        t.session.c.person_id == person,
        # A session as a clone is the clone's: of the two that enter alike only one is asked about.
        func.coalesce(t.session.c.clone_id, t.session.c.person_id) == PERSON,
        or_(t.session.c.mode == ACTION, IS_NO_MODE),
        t.session.c.ended_at.is_(None),
    )


def _platform() -> Select[Any]:
    """One row for a known person and partner: the customer's access, and an open visit."""
    begun_at = (
        select(func.max(t.session.c.begun_at, type_=t.session.c.begun_at.type))
        .where(
            t.session.c.process_id == t.process.c.id,
            t.session.c.person_id == PERSON,
            t.session.c.mode == PLATFORM_MODE,
            t.session.c.ended_at.is_(None),
        )
        .scalar_subquery()
    )
    is_served = exists().where(
        t.serves.c.server_id == PLACE, t.serves.c.customer_id == t.person.c.organization_id
    )
    theirs = and_(
        t.process.c.kind == CUSTOMER_ACCESS,
        t.process.c.customer_id == t.person.c.organization_id,
        t.process.c.organization_id == OWNER.c.id,
    )
    return (
        select(
            IS_PERSON_LIVE,
            OWNER.c.is_active.label("is_partner_on"),
            is_served.label("is_served"),
            t.process.c.id.label("process"),
            t.process.c.status,
            begun_at.label("begun_at"),
        )
        .select_from(t.person)
        .join(HOME, HOME.c.id == t.person.c.organization_id)
        .join(OWNER, literal(True))
        .outerjoin(t.process, theirs)
        .where(t.person.c.id == PERSON, OWNER.c.id == PLACE)
    )


def _site() -> Select[Any]:
    """One row for a known person and site: their contact roles, and an open membership."""
    open_membership = and_(
        a.membership.c.site_id == t.site.c.id,
        a.membership.c.person_id == t.person.c.id,
        a.membership.c.closed_at.is_(None),
    )
    is_member = and_(t.process.c.id == a.membership.c.process_id, t.process.c.status == "member")
    return (
        select(
            IS_PERSON_LIVE,
            OWNER.c.is_active.label("is_site_on"),
            _holds(Role.PRIMARY_CONTACT, PLACE).label("is_primary"),
            _holds(Role.SECONDARY_CONTACT, PLACE).label("is_secondary"),
            t.process.c.id.label("process"),
            a.membership.c.privileges,
        )
        .select_from(t.person)
        .join(HOME, HOME.c.id == t.person.c.organization_id)
        .join(t.site, literal(True))
        .join(OWNER, OWNER.c.id == t.site.c.organization_id)
        .outerjoin(a.membership, open_membership)
        .outerjoin(t.process, is_member)
        .where(t.person.c.id == PERSON, t.site.c.id == PLACE)
        .order_by(t.process.c.id.is_(None))
    )


def _holds(role: Role, scope: BindParameter[UUID]) -> ColumnElement[bool]:
    return exists().where(
        t.role_assignment.c.person_id == PERSON,
        t.role_assignment.c.role == role.value,
        t.role_assignment.c.scope_id == scope,
    )


Question = Mapping[tuple[type, type], Executable]  # by the types of who and where


def _by_names(query: CompoundSelect[Any] | Select[Any], table: Table) -> Question:
    """Return a question for each way to say who and where: by id, or by address and slug.

    A name is looked up where its id would stand, so that it stays one statement.
    """
    by_address = select(t.person.c.id).where(t.person.c.email_key == bindparam("person"))
    by_slug = select(table.c.id).where(table.c.slug == bindparam("place"))
    names = {"person": by_address.scalar_subquery(), "place": by_slug.scalar_subquery()}

    def said(*named: str) -> Executable:
        def replaced(element: Any, **_: Any) -> Any:
            is_named = isinstance(element, BindParameter) and element.key in named
            return names[element.key] if is_named else None

        return cast(Executable, replacement_traverse(query, {}, replaced))

    return {
        (UUID, UUID): query,
        (UUID, str): said("place"),
        (str, UUID): said("person"),
        (str, str): said("person", "place"),
    }


TENANT = _by_names(_tenant(), t.tenant)
PLATFORM = _by_names(_platform(), t.organization)
SITE = _by_names(_site(), t.site)
