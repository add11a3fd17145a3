"""One request's life on the real server: sent, granted, expired, and told by mail."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client

from approvals.access_request import KIND, process_id_of
from approvals.commands import Deny, Grant
from approvals.errors import AlreadyDecidedError
from approvals.policy import Policies, Policy
from tests.factories import CAROLINE, ELIZABETH, TOM, TOM_SAWYER, make_submit
from tests.installation import Installation
from tests.workflows.stage import on_both_databases

QUICK = Policies(default=Policy(shortest_access=timedelta(seconds=1)))


@on_both_databases
async def test_a_request_is_granted_and_expires_by_itself(
    installation: Installation, client: Client
) -> None:
    batch = uuid4()
    process = process_id_of(batch, TOM_SAWYER.slug)
    async with installation.working(client, policies=QUICK) as mailer:
        gatehouse = installation.gatehouse(client)
        submit = installation.signed(ELIZABETH, process, make_submit(batch=batch))
        assert await gatehouse.submit(KIND, submit, TOM_SAWYER.id) == str(process)

        ends_at = datetime.now(UTC) + timedelta(seconds=2)
        grant = Grant(ends_at=ends_at, shown=await installation.shown(process))
        await gatehouse.send(KIND, installation.signed(TOM, process, grant))
        assert (await installation.request(process)).status == "granted"

        handle = client.get_workflow_handle(f"{KIND}/{process}")
        await asyncio.wait_for(handle.result(), 10)
        assert (await installation.request(process)).status == "expired"
        with pytest.raises(AlreadyDecidedError):
            deny = Deny(reason="Too late.", shown=grant.shown)
            await gatehouse.send(KIND, installation.signed(TOM, process, deny))
        async with asyncio.timeout(10):
            while {one.to for one in mailer.letters} < {TOM.email, ELIZABETH.email, CAROLINE.email}:
                await asyncio.sleep(0.05)
