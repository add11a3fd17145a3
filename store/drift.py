"""Compares the tables that gate and lists read with the states whose content they repeat.

The record holds a digest of every state, so a state cannot be changed unseen; and what the other
tables say follows from the states alone.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Row, Table, select

from approvals import rules
from approvals.customer_access.record import CustomerAccess
from approvals.pairing.record import Pairing, passes_of
from approvals.sign_in.life import key_of_sign_in
from approvals.sign_in.record import SignIn
from approvals.site_access.record import SiteAccess, memberships_of
from approvals.tenant_access.record import TenantAccess, grants_of
from approvals.transition import State
from store import access_tables as a
from store import tables as t
from store.engine import Engines

Content = frozenset[tuple[Any, ...]]
NOTHING: Content = frozenset()
# Of each table: whose rows they are, when one is over, and the columns that a state tells.
COLUMNS: dict[Table, tuple[str, str | None, tuple[str, ...]]] = {
    t.access_grant: (
        "process_id",
        "closed_at",
        ("person_id", "tenant_id", "requested_by", "granted_by", "ends_at", "no_end"),
    ),
    t.session: (
        "process_id",
        "ended_at",
        ("id", "person_id", "tenant_id", "mode", "begun_at", "clone_id"),
    ),
    a.pairing_pass: (
        "process_id",
        "closed_at",
        ("id", "tenant_id", "team_id", "person_id", "permissions", "consents"),
    ),
    a.clone: ("process_id", "removed_at", ("id", "tenant_id", "person_id", "added_at")),
    a.membership: ("process_id", "closed_at", ("site_id", "person_id", "privileges", "since")),
    t.key: (
        "id",
        None,
        (
            "person_id",
            "public_key",
            "channel",
            "enrolled_at",
            "expires_at",
            "revoked_at",
            "passkey_id",
        ),
    ),
    t.passkey: (
        "process_id",
        None,
        ("id", "person_id", "credential", "public_key", "name", "added_at"),
    ),
}


async def drifted(engines: Engines) -> AsyncIterator[tuple[UUID, str]]:
    """Yield (process, sentence) for whatever says something else than the state it follows from."""
    async with engines.snapshot() as connection:
        found = {table: _by_process(table, await connection.execute(_open(table)))
                 for table in COLUMNS}  # fmt: skip
        async for row in await connection.stream(select(t.process)):
            for sentence in _of_row(row, found):
                yield row.id, sentence
    for process in found[t.key]:
        yield process, "a key may sign that no sign-in enrolled."


def _of_row(row: Row[Any], found: dict[Table, dict[UUID, Content]]) -> Iterator[str]:
    try:
        state = rules.restored(row.kind, row.state)
    except (ValidationError, KeyError):
        yield "its content cannot be read."
        return
    for name, said in _indexed(state).items():
        if getattr(row, name) != said:
            yield f"its column {name} is not what its content says."
    expected = _expected(state)
    for table, processes in found.items():
        if processes.pop(row.id, NOTHING) != expected.get(table, NOTHING):
            yield f"the table {table.name} says something else of it than its content."


def _indexed(state: State) -> dict[str, object]:
    index = state.index
    return {
        "id": state.process_id,
        "version": state.version,
        "status": state.status,
        "is_closed": state.is_closed,
        "due": state.due,
        "tenant_id": index.tenant,
        "organization_id": index.organization,
        "customer_id": index.customer,
        "site_id": index.site,
        "requester_id": index.requester,
    }


def _expected(state: State) -> dict[Table, Content]:
    """Return what the tables must say of a process."""
    match state:
        case TenantAccess():
            grants = frozenset(
                (one.person, one.tenant, one.requested_by, one.granted_by, one.ends_at, one.no_end)
                for one in grants_of(state)
            )
            return {t.access_grant: grants, t.session: _sessions(state)}
        case CustomerAccess():
            return {t.session: _sessions(state)}
        case Pairing():
            passes = frozenset(
                (one.id, one.tenant, one.group, one.person, one.permissions, one.consents)
                for one in passes_of(state)
            )
            clones = frozenset(
                (one.id, one.tenant, one.person, one.added_at) for one in state.clones
            )
            return {a.pairing_pass: passes, a.clone: clones, t.session: _sessions(state)}
        case SiteAccess():
            memberships = frozenset(
                (one.site, one.person, tuple(sorted(one.privileges)), one.since)
                for one in memberships_of(state)
            )
            return {a.membership: memberships}
        case SignIn():
            return {t.key: _key(state), t.passkey: _passkeys(state)}
        case _:
            return {}


def _sessions(state: TenantAccess | CustomerAccess | Pairing) -> Content:
    return frozenset(
        (one.id, one.person, one.tenant, one.mode, one.begun_at, one.clone)
        for one in state.sessions
    )


def _key(state: SignIn) -> Content:
    key = key_of_sign_in(state)
    if key is None:
        return NOTHING
    said = (key.person, key.public_key, key.channel, key.enrolled_at, key.expires_at)
    return frozenset([(*said, key.revoked_at, key.passkey)])


def _passkeys(state: SignIn) -> Content:
    return frozenset(
        (one.id, one.person, one.credential, one.public_key, one.name, one.added_at)
        for one in state.passkeys
    )


def _open(table: Table) -> Any:
    _, end, _ = COLUMNS[table]
    return select(table) if end is None else select(table).where(table.c[end].is_(None))


def _by_process(table: Table, rows: Any) -> dict[UUID, Content]:
    whose, _, columns = COLUMNS[table]
    found: dict[UUID, set[tuple[Any, ...]]] = {}
    for row in rows:
        values = tuple(_hashable(getattr(row, one)) for one in columns)
        found.setdefault(getattr(row, whose), set()).add(values)
    return {process: frozenset(content) for process, content in found.items()}


def _hashable(value: Any) -> Any:
    match value:
        case dict():
            return tuple(sorted(value.items()))
        case list():
            return tuple(value)
        case _:
            return value
