"""Whom to tell about a tenant access request, and what: by id, before any name is looked up."""

from datetime import datetime

from approvals.people import Role
from approvals.tenant_access.record import TenantAccess
from approvals.transition import Fact, Notice

KIND_OF_EVENT = {
    "granted": "request_granted",
    "denied": "request_denied",
    "lapsed": "request_lapsed",
    "end_changed": "end_changed",
    "revoked": "access_revoked",
    "expired": "access_expired",
}


def notices_of(after: TenantAccess, event: str) -> tuple[Notice, ...]:
    """Return the notices of one event. Sessions are nobody's mail; the rest is in the glossary."""
    match event:
        case "submitted":
            return (_to_admins(after, "request_received"),)
        case "reminded" if after.status == "pending":
            return (_to_admins(after, "request_reminder"),)
        case "reminded":
            return (_to_askers(after, "end_reminder"),)
        case "withdrawn":
            return (_to_admins(after, "request_withdrawn"),)
        case "finished" if after.is_closed:
            return (_to_admins(after, "access_finished"), _to_requester(after, "access_finished"))
        case _ if event in KIND_OF_EVENT:
            return (_to_askers(after, KIND_OF_EVENT[event]),)
        case _:
            return ()


def _to_admins(after: TenantAccess, kind: str) -> Notice:
    return Notice(
        kind=kind,
        holders=((Role.TENANT_ADMIN, after.tenant),),
        facts=_facts(after, after.message),
        requester=after.requester,
        organization=after.organization,
        tenant=after.tenant,
        shown_people=after.people if after.policy.show_people else (),
    )


def _to_askers(after: TenantAccess, kind: str) -> Notice:
    return Notice(
        kind=kind,
        people=tuple(dict.fromkeys((after.requester, *after.people))),
        facts=_facts(after, after.answer),
        requester=after.requester,
        organization=after.organization,
        tenant=after.tenant,
    )


def _to_requester(after: TenantAccess, kind: str) -> Notice:
    return _to_askers(after, kind).model_copy(update={"people": (after.requester,)})


def _facts(after: TenantAccess, text: str | None) -> dict[str, Fact]:
    return {
        "message": text,
        "reason": text,
        "status": after.status.value,
        "due_at": _iso(after.due_at),
        "ends_at": _iso(after.ends_at),
        "no_end_allowed": after.policy.allow_no_end,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
