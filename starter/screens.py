"""How requests look in a terminal."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from approvals.instants import say_instant
from approvals.tenant_access.views import RequestView
from starter.console import print_facts, print_table
from starter.times import said

CONCEALED = "not shown"


def requests(views: Sequence[RequestView], zone: ZoneInfo) -> None:
    """Print a list of requests."""
    print_table(
        ["REQUEST", "STATUS", "TENANT", "FROM", "PEOPLE", "DECIDE BY / ENDS"],
        [
            [
                str(one.id),
                one.status,
                one.tenant,
                one.organization,
                CONCEALED if one.people is None else ", ".join(one.people),
                clock(one, zone),
            ]
            for one in views
        ],
    )


def request(view: RequestView, zone: ZoneInfo) -> None:
    """Print one request in full."""
    rows = [
        ("Request", str(view.id)),
        ("Status", view.status),
        ("From", view.organization),
        ("Tenant", f"{view.tenant_name} ({view.tenant})"),
        ("Name", view.name),
        ("Gets in", CONCEALED if view.people is None else ", ".join(view.people)),
        ("Message", view.message),
        ("May decide", ", ".join(view.deciders)),
        ("Sent", say_instant(view.submitted_at, zone)),
        ("Decide by" if view.status == "pending" else "Until", clock(view, zone)),
        ("Decided by", view.decided_by),
        ("Answer", view.answer),
    ]
    print_facts(rows)


def clock(view: RequestView, zone: ZoneInfo) -> str:
    """Return the end that counts now, in words."""
    match view.status:
        case "pending":
            return said(view.due_at, zone)
        case "granted":
            return "no end" if view.no_end else said(view.ends_at, zone)
        case "expired":
            return said(view.ends_at, zone)
        case _:
            return ""
