"""How pairings look in a terminal."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from approvals.instants import say_instant
from approvals.pairing.views import PairingView, RoleLine
from starter.console import print_facts, print_table, status
from starter.times import said

NOT_BILLED = "not billable"


def listed(views: Sequence[PairingView], zone: ZoneInfo) -> None:
    """Print a list of pairings."""
    print_table(
        ["PAIRING", "STATUS", "TENANT", "GROUP", "VENDOR", "LINK UNTIL"],
        [
            [str(one.id), one.status, one.tenant, one.group, one.vendor, clock(one, zone)]
            for one in views
        ],
    )


def clock(view: PairingView, zone: ZoneInfo) -> str:
    """Return until when the offer's link works, in words; "" once it does not matter."""
    return said(view.due_at, zone) if view.status in ("offered", "lapsed") else ""


def pairing(view: PairingView, zone: ZoneInfo) -> None:
    """Print one pairing in full, with all that belongs to it."""
    rows = [
        ("Pairing", str(view.id)),
        ("Status", view.status),
        ("Group", f"{view.group} of {view.vendor}"),
        ("Tenant", f"{view.tenant_name} ({view.tenant})"),
        ("Message", view.message),
        ("Needs at least", ", ".join(view.minimum)),
        ("Lacks", ", ".join(view.missing) if view.status == "paired" else None),
        ("Offered", f"{say_instant(view.offered_at, zone)} by {view.offered_by}"),
        ("Link until", clock(view, zone)),
        ("Decided by", view.decided_by),
        ("Answer", view.answer),
    ]
    print_facts(rows)
    holders(view)
    asks(view)
    clones(view, zone)
    consents(view)
    changes(view, zone)
    visits(view, zone)


def holders(view: PairingView) -> None:
    """Print who has which roles."""
    if view.roles:
        status("Roles")
        print_table(
            ["WHO", "ROLES", "MAY", "BILLING"],
            [
                [one.holder, ", ".join(one.roles), ", ".join(one.permissions), NOT_BILLED]
                for one in view.roles
            ],
        )


def roles(lines: Sequence[RoleLine]) -> None:
    """Print the roles that may be assigned."""
    print_table(
        ["ROLE", "MAY", "DEFINED BY", "BILLING"],
        [
            [
                one.name,
                ", ".join(one.permissions),
                "the customer" if one.is_own else "Gatehouse",
                NOT_BILLED,
            ]
            for one in lines
        ],
    )


def asks(view: PairingView) -> None:
    """Print the roles that are asked for."""
    if view.asks:
        status("Asked for")
        print_table(
            ["ID", "ROLES", "FOR", "ASKED BY", "REASON"],
            [
                [str(one.id), ", ".join(one.roles), one.holder, one.asked_by, one.reason]
                for one in view.asks
            ],
        )


def clones(view: PairingView, zone: ZoneInfo) -> None:
    """Print the cloned users."""
    if view.clones:
        status("Cloned users")
        print_table(
            ["ID", "NAME", "ADDRESS", "SINCE", "BILLING"],
            [
                [str(one.id), one.name, one.email, say_instant(one.added_at, zone), NOT_BILLED]
                for one in view.clones
            ],
        )


def consents(view: PairingView) -> None:
    """Print the disruptive changes that need a consent."""
    if view.consents:
        status("Consents")
        print_table(
            ["ID", "ANSWER", "CHANGE", "ASKED BY", "DECIDED BY", "REASON"],
            [
                [str(one.id), one.answer, one.what, one.asked_by, one.decided_by, one.reason]
                for one in view.consents
            ],
        )


def changes(view: PairingView, zone: ZoneInfo) -> None:
    """Print the log of changes."""
    if view.changes:
        status("Changes")
        print_table(
            ["ID", "WHEN", "WHO", "WHAT", "KIND", "REVERTED"],
            [
                [
                    str(one.id),
                    say_instant(one.recorded_at, zone),
                    one.made_by,
                    one.what,
                    _kind(is_breach=one.is_breach, is_disruptive=one.is_disruptive),
                    "" if one.reverted_at is None else say_instant(one.reverted_at, zone),
                ]
                for one in view.changes
            ],
        )


def visits(view: PairingView, zone: ZoneInfo) -> None:
    """Print the open sessions."""
    if view.sessions:
        status("Open sessions")
        print_table(
            ["SESSION", "WHO", "MODE", "SINCE"],
            [
                [
                    str(one.id),
                    f"{one.person} (clone)" if one.as_clone else one.person,
                    one.mode,
                    say_instant(one.begun_at, zone),
                ]
                for one in view.sessions
            ],
        )


def _kind(*, is_breach: bool, is_disruptive: bool) -> str:
    if is_breach:
        return "BREACH: disruptive, without consent"
    return "disruptive, with consent" if is_disruptive else ""
