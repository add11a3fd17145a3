"""A customer's users and their roles. Nothing else is given to anybody before there is an admin."""

import sqlite3
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Response
from pydantic import EmailStr, Field

from examples.reference_platform.customers import Body, live_customer
from examples.reference_platform.platform import CurrentPlatform
from examples.reference_platform.problems import Problem, not_found
from examples.reference_platform.tokens import require_client

routes = APIRouter(tags=["Users"], dependencies=[Depends(require_client)])


class Role(StrEnum):
    """What a user may do."""

    ADMIN = "user.admin"
    SIGN_IN = "customer.user"
    AGENT = "customer.user.acd"
    SUPERVISOR_1 = "customer.user.supervisorl1"
    SUPERVISOR_2 = "customer.user.supervisorl2"
    SUPERVISOR_3 = "customer.user.supervisorl3"


ADMIN = {Role.ADMIN, Role.SIGN_IN}


class UserDetails(Body):
    """A new user."""

    email: EmailStr
    name: str = Field(min_length=1, max_length=120)
    roles: list[Role] = []


class RoleChanges(Body):
    """Roles to add and to remove; the user keeps all others."""

    add_roles: list[Role] = []
    remove_roles: list[Role] = []


@routes.post("/customers/{customer}/users", status_code=201, summary="Create a user")
async def create(
    platform: CurrentPlatform, customer: UUID, body: UserDetails, response: Response
) -> dict[str, Any]:
    """Create a user. 409 `user_exists` when the address is known anywhere on the platform."""
    with platform.transaction() as db:
        live_customer(db, customer)
        _require_new(db, customer, body.email)
        _require_admin_first(db, customer, set(body.roles))
        one = str(uuid4())
        db.execute(
            "INSERT INTO user (id, customer, email, email_key, name, imported, calls_tracked)"
            " VALUES (?, ?, ?, ?, ?, 0, 0)",
            (one, str(customer), body.email, body.email.casefold(), body.name),
        )
        _add(db, one, body.roles)
        response.headers["Location"] = f"/customers/{customer}/users/{one}"
        return _shown(db, _user(db, customer, one))


@routes.get("/customers/{customer}/users", summary="List users")
async def list_all(
    platform: CurrentPlatform,
    customer: UUID,
    email: Annotated[str | None, Query(max_length=254)] = None,
) -> list[dict[str, Any]]:
    """Return all users of a customer by name, or those with one address: none or one."""
    with platform.transaction() as db:
        live_customer(db, customer)
        rows = db.execute(
            "SELECT * FROM user WHERE customer = ? AND (? IS NULL OR email_key = ?)"
            " ORDER BY name, id",
            (str(customer), email, email and email.casefold()),
        ).fetchall()
        return [_shown(db, row) for row in rows]


@routes.get("/customers/{customer}/users/{user}", summary="Read a user")
async def read(platform: CurrentPlatform, customer: UUID, user: str) -> dict[str, Any]:
    """Return one user by id or address."""
    with platform.transaction() as db:
        live_customer(db, customer)
        return _shown(db, _user(db, customer, user))


@routes.patch("/customers/{customer}/users/{user}", summary="Add or remove roles")
async def change(
    platform: CurrentPlatform, customer: UUID, user: str, body: RoleChanges
) -> dict[str, Any]:
    """Add roles to those that a user has, or remove some. Taking away is always allowed."""
    with platform.transaction() as db:
        live_customer(db, customer)
        one = _user(db, customer, user)["id"]
        if body.add_roles or not body.remove_roles:
            _require_admin_first(db, customer, set(body.add_roles))
        _add(db, one, body.add_roles)
        db.executemany(
            "DELETE FROM user_role WHERE user = ? AND role = ?",
            [(one, role) for role in body.remove_roles],
        )
        return _shown(db, _user(db, customer, one))


@routes.delete("/customers/{customer}/users/{user}", status_code=204, summary="Delete a user")
async def delete(platform: CurrentPlatform, customer: UUID, user: str) -> None:
    """Delete a user by id or address. Deleting it again changes nothing."""
    with platform.transaction() as db:
        live_customer(db, customer)
        db.execute(
            "DELETE FROM user WHERE customer = ? AND (id = ? OR email_key = ?)",
            (str(customer), user, user.casefold()),
        )


def _user(db: sqlite3.Connection, customer: UUID, user: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM user WHERE customer = ? AND (id = ? OR email_key = ?)",
        (str(customer), user, user.casefold()),
    ).fetchone()
    if row is None:
        raise not_found("user")
    return row


def _require_new(db: sqlite3.Connection, customer: UUID, email: str) -> None:
    row = db.execute(
        "SELECT id, customer FROM user WHERE email_key = ?", (email.casefold(),)
    ).fetchone()
    if row is None:
        return
    if row["customer"] == str(customer):
        whose = {"belongs_to": "this_customer", "customer": row["customer"], "user": row["id"]}
    else:
        whose = {"belongs_to": "another_customer"}
    raise Problem(409, "user_exists", "A user with this address already exists.", **whose)


def _require_admin_first(db: sqlite3.Connection, customer: UUID, roles: set[Role]) -> None:
    """Without an admin, all that may be given is what makes one."""
    if roles and roles <= ADMIN:
        return
    admin = db.execute(
        "SELECT 1 FROM user JOIN user_role ON user = id"
        " WHERE customer = ? AND role IN (?, ?) GROUP BY id HAVING count(*) = 2",
        (str(customer), *sorted(ADMIN)),
    ).fetchone()
    if admin is None:
        raise Problem(
            409,
            "admin_first",
            "This customer has no admin yet. First give one user the roles user.admin and"
            " customer.user.",
        )


def _add(db: sqlite3.Connection, user: str, roles: list[Role]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO user_role (user, role) VALUES (?, ?)",
        [(user, role) for role in roles],
    )


def _shown(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    found = db.execute("SELECT role FROM user_role WHERE user = ? ORDER BY role", (row["id"],))
    roles = [role for (role,) in found]
    return {
        "id": row["id"],
        "customer": row["customer"],
        "email": row["email"],
        "name": row["name"],
        "roles": roles,
        "source": "pbx" if row["imported"] else "api",
        "calls_tracked": bool(row["calls_tracked"]),
        "can_sign_in": Role.SIGN_IN in roles,
        "sees_workspaces": any(role.startswith("customer.user.supervisor") for role in roles),
    }
