"""Customers and their PBX connections: create, find, watch the import, delete."""

import hashlib
import json
import sqlite3
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from examples.reference_platform import pbxs
from examples.reference_platform.platform import CurrentPlatform, Platform
from examples.reference_platform.problems import Problem, not_found
from examples.reference_platform.tokens import require_client

routes = APIRouter(tags=["Customers"], dependencies=[Depends(require_client)])
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


class Body(BaseModel):
    """What a client sends; a field that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PbxDetails(Body):
    """How to reach a PBX."""

    host: str = Field(min_length=1, max_length=253)
    username: str = Field(min_length=1, max_length=120)
    secret: SecretStr = Field(min_length=1, max_length=1024)


class CustomerDetails(Body):
    """A new customer's account. *reference* is its number in other systems."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field(max_length=2000)
    reference: str = Field(min_length=1, max_length=64)
    pbx: PbxDetails


@routes.post("/customers", status_code=201, summary="Create a customer and activate its PBX")
async def create(
    platform: CurrentPlatform, body: CustomerDetails, response: Response, key: Key = None
) -> dict[str, Any]:
    """Create a customer once per Idempotency-Key; a repeated call answers with the same one."""
    digest = _digest(body)
    with platform.transaction() as db:
        if key is not None and (earlier := _by_key(db, key)) is not None:
            _require_same(earlier, digest)
            response.status_code = 200
            return _shown(earlier)
        _require_free(db, body.reference)
        one = str(uuid4())
        db.execute(
            "INSERT INTO customer (id, name, description, reference, request_key, request_digest,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(one, body.name, body.description, body.reference),
                *(key, digest, platform.database.now()),
            ),
        )
        _activate(db, platform, one, body.pbx)
        return _shown(live_customer(db, one))


@routes.get("/customers", summary="Find customers by their reference")
async def find(
    platform: CurrentPlatform, reference: Annotated[str, Query(max_length=64)]
) -> list[dict[str, Any]]:
    """Return the customer with this reference: none or one."""
    with platform.transaction() as db:
        rows = db.execute(
            "SELECT * FROM customer WHERE reference = ? AND deleted_at IS NULL", (reference,)
        )
        return [_shown(row) for row in rows]


@routes.get("/customers/{customer}", summary="Read a customer")
async def read(platform: CurrentPlatform, customer: UUID) -> dict[str, Any]:
    """Return one customer."""
    with platform.transaction() as db:
        return _shown(live_customer(db, customer))


@routes.delete("/customers/{customer}", status_code=204, summary="Delete a customer")
async def delete(platform: CurrentPlatform, customer: UUID) -> None:
    """Delete a customer with its users. Deleting it again changes nothing."""
    with platform.transaction() as db:
        if _customer(db, customer) is None:
            raise not_found("customer")
        db.execute(
            "UPDATE customer SET deleted_at = coalesce(deleted_at, ?) WHERE id = ?",
            (platform.database.now(), str(customer)),
        )
        db.execute("DELETE FROM pbx WHERE customer = ?", (str(customer),))
        db.execute("DELETE FROM user WHERE customer = ?", (str(customer),))


@routes.get("/customers/{customer}/pbx", summary="Watch the import of a PBX")
async def watch(platform: CurrentPlatform, customer: UUID) -> dict[str, Any]:
    """Return how many of the PBX's users are imported."""
    with platform.transaction() as db:
        return _import_state(db, platform, customer)


@routes.put("/customers/{customer}/pbx", summary="Connect the PBX again after a failure")
async def reconnect(platform: CurrentPlatform, customer: UUID, body: PbxDetails) -> dict[str, Any]:
    """Begin a failed import again. An import that is under way or done is left alone."""
    with platform.transaction() as db:
        if _import_state(db, platform, customer)["status"] == "failed":
            db.execute("DELETE FROM pbx WHERE customer = ?", (str(customer),))
            _activate(db, platform, str(customer), body)
        return _import_state(db, platform, customer)


def live_customer(db: sqlite3.Connection, customer: UUID | str) -> sqlite3.Row:
    """Return a customer that is not deleted. Raises Problem."""
    row = _customer(db, customer)
    if row is None or row["deleted_at"] is not None:
        raise not_found("customer")
    return row


def _customer(db: sqlite3.Connection, customer: UUID | str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM customer WHERE id = ?", (str(customer),)
    ).fetchone()
    return row


def _by_key(db: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM customer WHERE request_key = ?", (key,)
    ).fetchone()
    return row


def _require_same(earlier: sqlite3.Row, digest: str) -> None:
    if earlier["request_digest"] != digest:
        raise Problem(
            422, "key_reused", "This Idempotency-Key was used for a customer with other details."
        )
    if earlier["deleted_at"] is not None:
        raise Problem(
            409, "customer_deleted", "The customer of this Idempotency-Key has been deleted."
        )


def _require_free(db: sqlite3.Connection, reference: str) -> None:
    taken = db.execute(
        "SELECT id FROM customer WHERE reference = ? AND deleted_at IS NULL", (reference,)
    ).fetchone()
    if taken is not None:
        raise Problem(
            409,
            "reference_taken",
            "Another customer has this reference already.",
            customer=taken["id"],
        )


def _activate(db: sqlite3.Connection, platform: Platform, customer: str, pbx: PbxDetails) -> None:
    host = pbx.host.lower()
    fault = pbxs.connection_fault(host, pbx.secret.get_secret_value())
    db.execute(
        "INSERT INTO pbx (customer, host, username, started_at, fault) VALUES (?, ?, ?, ?, ?)",
        (customer, host, pbx.username, platform.database.now(), fault),
    )


def _import_state(db: sqlite3.Connection, platform: Platform, customer: UUID) -> dict[str, Any]:
    live_customer(db, customer)
    row = db.execute("SELECT * FROM pbx WHERE customer = ?", (str(customer),)).fetchone()
    return pbxs.state_of(row, platform.database.now(), platform.settings.import_seconds)


def _digest(body: CustomerDetails) -> str:
    """Tell two bodies apart. The secret is left out: it may be renewed between two tries."""
    plain = body.model_dump(mode="json", exclude={"pbx": {"secret"}})
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    names = ("id", "name", "description", "reference", "request_key")
    return {name: row[name] for name in names}
