"""Writes a transition: the row with its complete state, and the tables that others read from."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals import notices
from approvals.commands import Signed
from approvals.delivery import Outcome, Refusal
from approvals.people import Directory
from approvals.transition import AccessGrant, EnrolledKey, Session, State, Transition
from store import access_projection, directory_changes, passkeys, portal_sessions
from store import tables as t
from store.open_rows import OpenRows
from store.upserts import upsert

PROCESS, NOTICES, INVOLVED = insert(t.process), insert(t.outbox), insert(t.involvement)
ADVANCE = update(t.process).where(
    t.process.c.id == bindparam("process"), t.process.c.version == bindparam("read")
)
GRANTS = OpenRows(t.access_grant, keys=("process_id", "person_id"))
SESSIONS = OpenRows(t.session, end="ended_at")


class LostUpdateError(RuntimeError):
    """The row changed under its lock: the last net has caught what must not happen."""


def outcome(state: State | None, receipt: str | None, refusal: Refusal | None) -> Outcome:
    """Return where a process stands, as the courier may know it."""
    if state is None:
        return Outcome(refusal=refusal)
    return Outcome(
        version=state.version,
        status=state.status,
        due=state.due,
        receipt=receipt,
        refusal=refusal,
    )


def signer(signed: Signed | None, *, nobody: str) -> dict[str, Any]:
    """Return who signed and by which way it came; *nobody* is the channel without a signature."""
    if signed is None:
        return {"channel": nobody}
    return {
        "channel": "signal" if signed.by_signal else signed.channel,
        "actor": signed.actor,
        "key": signed.key,
        "nonce": signed.nonce,
    }


async def write(
    connection: AsyncConnection,
    before: State | None,
    transition: Transition,
    text: str,
    now: datetime,
) -> None:
    """Write the row at version + 1, and make grants, sessions and key what the transition says.

    Raises LostUpdateError when the row is not at the version that was judged.
    """
    after = transition.after
    if transition.directory is not None:  # first, for the row may name what is new in it
        await directory_changes.write(connection, transition.directory)
    if before is None:
        await _insert(connection, after, text, now)
    else:
        await _advance(connection, before, after, text)
    process, is_new = after.process_id, before is None
    grants = [_grant(one) for one in transition.grants]
    await GRANTS.write(connection, process, grants, now, is_new=is_new)
    sessions = [_session(one) for one in transition.sessions]
    await SESSIONS.write(connection, process, sessions, now, is_new=is_new)
    await access_projection.write(connection, transition, now)
    if transition.key is not None:
        await _key(connection, transition.key)
    await passkeys.write(connection, process, transition.passkeys)
    await portal_sessions.end_all(connection, transition.signs_out, but=process)


async def write_notices(
    connection: AsyncConnection, transition: Transition, directory: Directory, now: datetime
) -> None:
    """Write one outbox row a person and notice."""
    rows = [
        {
            "id": one.id,
            "process_id": transition.after.process_id,
            "version": transition.after.version,
            "kind": one.kind,
            "person_id": one.person,
            "to_email": one.letterbox.email if one.letterbox else one.email,
            "to_name": one.letterbox.name if one.letterbox else None,
            "to_locale": one.letterbox.locale if one.letterbox else None,
            "facts": one.facts,
            "sealed": one.sealed,
            "status": "pending",
            "attempts": 0,
            "was_unknown": False,
            "written_at": now,
        }
        for one in notices.addressed(transition, directory)
    ]
    if rows:
        await connection.execute(NOTICES, rows)


async def _insert(connection: AsyncConnection, after: State, text: str, now: datetime) -> None:
    index = after.index
    await connection.execute(
        PROCESS,
        {
            "id": after.process_id,
            "kind": after.kind,
            "begun_at": now,
            "tenant_id": index.tenant,
            "organization_id": index.organization,
            "batch": index.batch,
            "subject": index.subject,
            "customer_id": index.customer,
            "site_id": index.site,
            **_moving(after, text),
        },
    )
    involved = [{"person_id": one, "process_id": after.process_id} for one in index.named]
    if involved:
        await connection.execute(INVOLVED, involved)


async def _advance(connection: AsyncConnection, before: State, after: State, text: str) -> None:
    changed = await connection.execute(
        ADVANCE,
        {"process": after.process_id, "read": before.version, **_moving(after, text)},
    )
    if changed.rowcount != 1:
        raise LostUpdateError(f"process {after.process_id} left version {before.version}")


def _moving(after: State, text: str) -> dict[str, Any]:
    return {
        "version": after.version,
        "status": after.status,
        "state": text,
        "is_closed": after.is_closed,
        "due": after.due,
        "requester_id": after.index.requester,  # a newcomer's sign-in has one once it is proved
    }


def _grant(one: AccessGrant) -> dict[str, Any]:
    return {
        "process_id": one.process,
        "person_id": one.person,
        "tenant_id": one.tenant,
        "requested_by": one.requested_by,
        "granted_by": one.granted_by,
        "ends_at": one.ends_at,
        "no_end": one.no_end,
        "closed_at": None,
    }


def _session(one: Session) -> dict[str, Any]:
    return {
        "id": one.id,
        "process_id": one.process,
        "person_id": one.person,
        "tenant_id": one.tenant,
        "mode": one.mode,
        "begun_at": one.begun_at,
        "clone_id": one.clone,
    }


async def _key(connection: AsyncConnection, key: EnrolledKey) -> None:
    row = {
        "id": key.id,
        "person_id": key.person,
        "public_key": key.public_key,
        "channel": key.channel,
        "client": key.client,
        "enrolled_at": key.enrolled_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "passkey_id": key.passkey,
    }
    await upsert(connection, t.key, [row], ["id"])
