"""The ways on which a decision comes in: a form of the portal, and Temporal's messages."""

import json
from uuid import UUID

from temporalio.client import WorkflowUpdateFailedError

from approvals.people import Person
from portal import cookies, forms
from store import tables as t
from tests.installation import key_id
from tests.portal.site import OUR_OWN, Browser, Site
from tests.workflows.stage import as_json, eventually

WAYS = ("update", "signal", "form")


async def events(site: Site, process: UUID) -> list[str]:
    """Return what the record has of a process."""
    query = t.audit.select().where(t.audit.c.process_id == process).order_by(t.audit.c.seq)
    async with site.installation.engines.read.connect() as connection:
        return [row.event for row in await connection.execute(query)]


async def posted(site: Site, browser: Browser, address: str, /, **fields: str | list[str]) -> int:
    """Send a form of a process, with good marks; return the status."""
    token = browser.client.cookies[cookies.name_of(site.parts, cookies.SIGN_IN)]
    _, family, _, act = address.split("/")
    mark = forms.mark(site.parts, cookies.hashed(token), f"/{family}/{{process}}/{act}")
    filled = {"csrf": mark, "nonce": forms.fresh_nonce(), **fields}
    return (await browser.client.post(address, data=filled, headers=OUR_OWN)).status_code


async def carried(
    site: Site, process: UUID, said: bytes, way: str, kind: str = "tenant_access"
) -> str | None:
    """Let Temporal carry signed bytes; return the refusal of an update, None where none is told."""
    assert site.parts.temporal is not None
    handle = site.parts.temporal.get_workflow_handle(f"{kind}/{process}")
    name = json.loads(said)["command"]["kind"]
    if way == "signal":
        await handle.signal(name, as_json(said))
        return None
    try:
        await handle.execute_update(name, as_json(said))
    except WorkflowUpdateFailedError as refused:
        return str(getattr(refused.cause, "type", "unknown"))
    return None


async def answered(
    site: Site, who: Person, process: UUID, said: bytes, way: str, kind: str
) -> str | None:
    """Let Temporal carry what *who* signed; return the code of its refusal, None if it counted."""
    await carried(site, process, said, way, kind)
    nonce = json.loads(said)["nonce"]

    async def is_answered() -> bool:
        return await site.installation.inbox.outcome(key_id(who), nonce) is not None

    await eventually(is_answered, within=30)
    outcome = await site.installation.inbox.outcome(key_id(who), nonce)
    assert outcome is not None
    return None if outcome.refusal is None else outcome.refusal.code


async def heard(site: Site, process: UUID, before: int) -> list[str]:
    """Wait until the record of a process has more than *before* entries; return all events."""

    async def is_heard() -> bool:
        return len(await events(site, process)) > before

    await eventually(is_heard, within=30)
    return await events(site, process)
