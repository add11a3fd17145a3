"""Writes the passes, clones and memberships that are open after a transition; closes the others."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.transition import Clone, Membership, PairingPass, Transition
from store import access_tables as t
from store.open_rows import OpenRows

PASSES = OpenRows(t.pairing_pass)
CLONES = OpenRows(t.clone, end="removed_at")
MEMBERSHIPS = OpenRows(t.membership, keys=("process_id",))


async def write(connection: AsyncConnection, transition: Transition, now: datetime) -> None:
    """Make the three tables what the transition says of its process."""
    process = transition.after.process_id
    if transition.passes is not None:
        rows = [_pass(one) for one in transition.passes]
        await PASSES.write(connection, process, rows, now)
    if transition.clones is not None:
        rows = [_clone(one) for one in transition.clones]
        await CLONES.write(connection, process, rows, now)
    if transition.memberships is not None:
        rows = [_membership(one) for one in transition.memberships]
        await MEMBERSHIPS.write(connection, process, rows, now)


def _pass(one: PairingPass) -> dict[str, Any]:
    return {
        "id": one.id,
        "process_id": one.process,
        "tenant_id": one.tenant,
        "team_id": one.group,
        "person_id": one.person,
        "permissions": list(one.permissions),
        "consents": list(one.consents),
        "closed_at": None,
    }


def _clone(one: Clone) -> dict[str, Any]:
    return {
        "id": one.id,
        "process_id": one.process,
        "tenant_id": one.tenant,
        "person_id": one.person,
        "added_at": one.added_at,
        "removed_at": None,
    }


def _membership(one: Membership) -> dict[str, Any]:
    return {
        "process_id": one.process,
        "site_id": one.site,
        "person_id": one.person,
        "privileges": dict(one.privileges),
        "since": one.since,
        "closed_at": None,
    }
