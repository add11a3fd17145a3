"""Who might get in somewhere, and where somebody might get in: the few for whom the gate decides.

Every way in leaves a row; whoever has none of these rows is kept out without a question.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    false,
    select,
    true,
    union,
)

from approvals.access import Via
from approvals.customer_access.record import KIND as CUSTOMER_ACCESS
from approvals.people import Role
from approvals.questions import Place
from store import access_tables as a
from store import tables as t

WHO: BindParameter[UUID] = bindparam("who")
WHERE: BindParameter[UUID] = bindparam("where")
AFTER: BindParameter[UUID] = bindparam("after")
MOST: BindParameter[int] = bindparam("most", type_=Integer)
CONTACTS = (Role.PRIMARY_CONTACT.value, Role.SECONDARY_CONTACT.value)
Union = CompoundSelect[Any]

OPEN_GRANT, OPEN_PASS = t.access_grant.c.closed_at.is_(None), a.pairing_pass.c.closed_at.is_(None)
OPEN_CLONE, MEMBER = a.clone.c.removed_at.is_(None), a.membership.c.closed_at.is_(None)
IN_GROUP = a.pairing_pass.join(t.team_member, t.team_member.c.team_id == a.pairing_pass.c.team_id)
SWITCH = t.process.c.kind == CUSTOMER_ACCESS
EMPLOYED = t.process.join(t.person, t.person.c.organization_id == t.process.c.customer_id)
CONTACT = t.role_assignment.c.role.in_(CONTACTS)
LEGACY = t.role_assignment.c.role == Role.LEGACY_IMPERSONATOR.value


def _people_of_tenant(via: Via) -> Union:
    grant, role = t.access_grant.c, t.role_assignment.c
    old_tool = LEGACY if via is Via.LEGACY else false()
    return union(
        select(grant.person_id.label("id")).where(grant.tenant_id == WHERE, OPEN_GRANT),
        select(t.team_member.c.person_id)
        .select_from(IN_GROUP)
        .where(a.pairing_pass.c.tenant_id == WHERE, OPEN_PASS),
        select(a.clone.c.id).where(a.clone.c.tenant_id == WHERE, OPEN_CLONE),
        select(role.person_id).where(old_tool),
    )


def _tenants_of(via: Via) -> Union:
    grant, role = t.access_grant.c, t.role_assignment.c
    old_tool = and_(role.person_id == WHO, LEGACY) if via is Via.LEGACY else false()
    return union(
        select(grant.tenant_id.label("id")).where(grant.person_id == WHO, OPEN_GRANT),
        select(a.pairing_pass.c.tenant_id)
        .select_from(IN_GROUP)
        .where(t.team_member.c.person_id == WHO, OPEN_PASS),
        select(a.clone.c.tenant_id).where(a.clone.c.id == WHO, OPEN_CLONE),
        select(t.tenant.c.id).select_from(t.tenant.join(t.role_assignment, true())).where(old_tool),
    )


def _people_of_platform() -> Union:
    return union(
        select(t.person.c.id.label("id"))
        .select_from(EMPLOYED)
        .where(SWITCH, t.process.c.organization_id == WHERE)
    )


def _platforms_of() -> Union:
    return union(
        select(t.process.c.organization_id.label("id"))
        .select_from(EMPLOYED)
        .where(SWITCH, t.person.c.id == WHO)
    )


def _people_of_site() -> Union:
    member, role = a.membership.c, t.role_assignment.c
    return union(
        select(member.person_id.label("id")).where(member.site_id == WHERE, MEMBER),
        select(role.person_id).where(role.scope_id == WHERE, CONTACT),
    )


def _sites_of() -> Union:
    member, role = a.membership.c, t.role_assignment.c
    return union(
        select(member.site_id.label("id")).where(member.person_id == WHO, MEMBER),
        select(role.scope_id).where(role.person_id == WHO, CONTACT),
    )


def _listed_people(found: Union) -> Select[Any]:
    """One row each: id, and the address of a person; a cloned user has none."""
    one = found.subquery()
    return (
        select(one.c.id, t.person.c.email.label("name"))
        .select_from(one.outerjoin(t.person, t.person.c.id == one.c.id))
        .where(one.c.id > AFTER)
        .order_by(one.c.id)
        .limit(MOST)
    )


def _listed_places(found: Union, table: FromClause) -> Select[Any]:
    """One row each: id, slug, and whose place it is."""
    one = found.subquery()
    owner = table.c.id if table is t.organization else table.c.organization_id
    return (
        select(one.c.id, table.c.slug.label("name"), owner.label("organization"))
        .select_from(one.join(table, table.c.id == one.c.id))
        .where(one.c.id > AFTER)
        .order_by(one.c.id)
        .limit(MOST)
    )


PLACES: dict[Place, FromClause] = {
    Place.TENANT: t.tenant,
    Place.PLATFORM: t.organization,
    Place.SITE: t.site,
}
# Built once, by place and way in: building costs more than running them.
PEOPLE = {
    **{(Place.TENANT, via): _listed_people(_people_of_tenant(via)) for via in Via},
    **{(Place.PLATFORM, via): _listed_people(_people_of_platform()) for via in Via},
    **{(Place.SITE, via): _listed_people(_people_of_site()) for via in Via},
}
PLACES_OF = {
    **{(Place.TENANT, via): _listed_places(_tenants_of(via), t.tenant) for via in Via},
    **{(Place.PLATFORM, via): _listed_places(_platforms_of(), t.organization) for via in Via},
    **{(Place.SITE, via): _listed_places(_sites_of(), t.site) for via in Via},
}
