"""The telephone systems that the platform can reach, and the import of their users.

An import is no task of its own: each transaction first takes in the users whose turn has come.
"""

import sqlite3
from typing import NamedTuple
from uuid import uuid4

IMPORT_SECONDS = 3.0  # how long an import takes, whatever the number of users


class PbxUser(NamedTuple):
    """Somebody with a telephone."""

    email: str
    name: str
    unit: str


class Pbx(NamedTuple):
    """A telephone system. *secret* opens it; with *fault* it answers nobody."""

    secret: str
    users: tuple[PbxUser, ...] = ()
    fault: str | None = None


def _users(domain: str, **units: str) -> tuple[PbxUser, ...]:
    return tuple(
        PbxUser(f"{name.strip().lower().replace(' ', '.')}@{domain}", name.strip(), unit)
        for unit, names in units.items()
        for name in names.split(",")
    )


PBXS = {
    "pbx.admiral-benbow.example.com": Pbx(
        "pieces-of-eight",
        _users(
            "admiral-benbow.example.com",
            Inn="Jim Hawkins, Doctor Livesey",
            Ship="Captain Smollett, John Silver, Ben Gunn",
        ),
    ),
    "pbx.green-gables.example.org": Pbx(
        "raspberry-cordial",
        _users(
            "green-gables.example.org",
            Farm="Marilla Cuthbert, Matthew Cuthbert, Anne Shirley",
            School="Diana Barry, Gilbert Blythe, Ruby Gillis, Jane Andrews",
            Village="Rachel Lynde",
        ),
    ),
    "pbx.empty-house.example.com": Pbx("elementary"),
    "pbx.atlantis.example.com": Pbx("trident", fault="The PBX does not answer."),
}


def connection_fault(host: str, secret: str) -> str | None:
    """Return why the platform cannot use a PBX, or None. The secret is looked at and not kept."""
    pbx = PBXS.get(host.lower())
    if pbx is None:
        return f"There is no PBX at {host}."
    if pbx.fault:
        return pbx.fault
    return None if secret == pbx.secret else "The PBX refused the user name or secret."


def take_in(db: sqlite3.Connection, now: float, duration: float) -> None:
    """Import every user whose turn has come, of every customer, in a fixed order."""
    for row in db.execute("SELECT * FROM pbx WHERE fault IS NULL").fetchall():
        users = PBXS[row["host"]].users
        share = min(1.0, (now - row["started_at"]) / duration) if duration > 0 else 1.0
        due = users[row["handled"] : max(0, int(share * len(users)))]
        if due:
            skipped = sum(not _imported(db, row["customer"], user) for user in due)
            db.execute(
                "UPDATE pbx SET handled = handled + ?, skipped = skipped + ? WHERE customer = ?",
                (len(due), skipped, row["customer"]),
            )


def state_of(row: sqlite3.Row, now: float, duration: float) -> dict[str, str | int | None]:
    """Return a connection as the API tells it."""
    total = 0 if row["fault"] else len(PBXS[row["host"]].users)
    is_done = row["handled"] == total and (total > 0 or now - row["started_at"] >= duration)
    status = "failed" if row["fault"] else "imported" if is_done else "importing"
    return {
        "host": row["host"],
        "username": row["username"],
        "status": status,
        "imported": row["handled"] - row["skipped"],
        "skipped": row["skipped"],
        "total": total,
        "reason": row["fault"],
    }


def _imported(db: sqlite3.Connection, customer: str, user: PbxUser) -> bool:
    """Attach one PBX user. One created before is joined; another customer's is left alone."""
    key = user.email.casefold()
    found = db.execute("SELECT id, customer FROM user WHERE email_key = ?", (key,)).fetchone()
    if found is None:
        db.execute(
            "INSERT INTO user (id, customer, email, email_key, name, unit, imported, calls_tracked)"
            " VALUES (?, ?, ?, ?, ?, ?, 1, 1)",
            (str(uuid4()), customer, user.email, key, user.name, user.unit),
        )
        return True
    if found["customer"] == customer:
        db.execute(
            "UPDATE user SET calls_tracked = 1, unit = ? WHERE id = ?", (user.unit, found["id"])
        )
        return True
    return False
