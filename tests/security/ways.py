"""The ways on which a decision comes in: a form of the portal, and Temporal's messages."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from temporalio.client import WorkflowUpdateFailedError

from approvals.commands import Command
from approvals.tenant_access.commands import Deny, Grant
from portal import cookies, forms
from store import tables as t
from tests.portal.site import OUR_OWN, Browser, Site
from tests.workflows.stage import as_json

WAYS = ("update", "signal", "form")
DECISIONS = ("grant", "deny")


def command_of(decision: str, shown: str) -> Command:
    """Return a decision on what stands."""
    if decision == "deny":
        return Deny(reason="No.", shown=shown)
    return Grant(ends_at=datetime.now(UTC) + timedelta(days=1), shown=shown)


async def events(site: Site, process: UUID) -> list[str]:
    """Return what the record has of a process."""
    query = t.audit.select().where(t.audit.c.process_id == process).order_by(t.audit.c.seq)
    async with site.installation.engines.read.connect() as connection:
        return [row.event for row in await connection.execute(query)]


async def sent_as_form(site: Site, browser: Browser, process: UUID, decision: str) -> int:
    """Send the form that an admin would have, with good marks; return the status."""
    token = browser.client.cookies[cookies.name_of(site.parts, cookies.SIGN_IN)]
    fields = {
        "csrf": forms.mark(site.parts, cookies.hashed(token), f"/requests/{{process}}/{decision}"),
        "nonce": forms.fresh_nonce(),
        "shown": await site.installation.shown(process),
        **({"reason": "No."} if decision == "deny" else {"end": "7d"}),
    }
    address = f"/requests/{process}/{decision}"
    return (await browser.client.post(address, data=fields, headers=OUR_OWN)).status_code


async def carried(site: Site, process: UUID, said: bytes, way: str) -> str | None:
    """Let Temporal carry signed bytes; return the refusal of an update, None where none is told."""
    assert site.parts.temporal is not None
    handle = site.parts.temporal.get_workflow_handle(f"tenant_access/{process}")
    if way == "signal":
        await handle.signal("grant", as_json(said))
        return None
    try:
        await handle.execute_update("grant", as_json(said))
    except WorkflowUpdateFailedError as refused:
        return str(getattr(refused.cause, "type", "unknown"))
    return None
