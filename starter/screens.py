"""How requests look in a terminal."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from approvals.instants import say_instant
from approvals.tenant_access.views import RequestView
from approvals.timeline import Line
from starter.console import print_table, print_text
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
    print_table(None, [[name, value] for name, value in rows if value])


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


def timeline(lines: Sequence[Line], zone: ZoneInfo) -> None:
    """Print what happened."""
    for line in lines:
        print_text(line_text(line, zone))


def line_text(line: Line, zone: ZoneInfo) -> str:
    """Return one line of a timeline."""
    moment = line.at.astimezone(zone)
    text = f": {line.text}" if line.text else ""
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}  {line.event:<24} {line.who}{text}"
