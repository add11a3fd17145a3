"""Threats that are a matter of many tries: workflows ended by strangers, and decisions too wide."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.client import Client
from temporalio.service import RPCError

from activities import names
from activities.send_notices import TemporalMailQueue
from approvals.errors import ApprovalError
from approvals.policy import Policy
from approvals.site_access.commands import Grant as Let
from approvals.site_access.privileges import FOR_CONTACTS, LEAST, LEVELS, Area, Level, covers
from approvals.tenant_access.commands import ChangeEnd, Grant
from starter.workers import upkeep
from store import tables as t
from store.engine import Engines
from store.outbox import SqlOutbox
from tests.factories import (
    BECKY,
    DAY,
    ELIZABETH,
    HOUR,
    MINUTE,
    START,
    TOM,
    TOM_SAWYER,
    Life,
    make_submit,
)
from tests.faults.plan import FaultPlan, fault, fits
from tests.installation import Installation
from tests.many_processes import Crowd
from tests.sites import HUCK, SID, SiteLife, managing
from tests.workflows.stage import QUICK, Stage, eventually
from tests.workflows.test_many_lost import kept, runs_of, sees, working

EITHER = (False, True)
SECOND = timedelta(seconds=1)
AT_ONCE, LONG = 50, 240.0  # signals; seconds
SPANS = (-DAY, 0 * DAY, MINUTE, HOUR, DAY, 30 * DAY, 400 * DAY)


async def written(engines: Engines, processes: Mapping[UUID, str]) -> dict[UUID, tuple[Any, ...]]:
    """Return row and mails of each of these processes but onboardings, which go on."""
    found = {}
    async with engines.read.connect() as connection:
        for one, kind in processes.items():
            if kind != "onboarding":
                row = await connection.execute(select(t.process).where(t.process.c.id == one))
                mails = select(t.outbox.c.id).where(t.outbox.c.process_id == one)
                sent = (await connection.execute(mails)).scalars()
                found[one] = (tuple(row.one()), frozenset(sent))
    return found


@fault("T2", "workflows terminated and cancelled by a stranger, while others begin")
async def test_what_a_stranger_ends_goes_on_from_its_row(
    plan: FaultPlan, engines: Engines, client: Client
) -> None:
    each = plan.times(2, 20)
    crowd = Crowd(engines, 2 * each)
    await crowd.fill()
    wanted = await crowd.opened(range(each))

    async with working(crowd, client), kept(crowd, client):
        await sees(client, wanted)
        before, runs = await written(engines, wanted), await runs_of(client)
        load = asyncio.create_task(crowd.opened(range(each, 2 * each)))
        ended = [
            names.workflow_id(wanted[one], one)
            for one in plan.chance.sample(sorted(wanted), plan.times(12, 100))
        ]
        for workflow in ended:
            handle = client.get_workflow_handle(workflow)
            await (handle.terminate() if plan.chance.random() < 0.5 else handle.cancel())
            plan.tries()
        more = await load

        async def have_begun_anew() -> bool:
            now = await runs_of(client)
            return all(now.get(one) not in (None, runs[one]) for one in ended)

        await eventually(have_begun_anew, within=LONG, every=0.5)
        await sees(client, {**wanted, **more})
        after = await written(engines, wanted)

        changed = [one for one in before if before[one] != after[one]]
        plan.notes([f"{wanted[one]} {one} was changed" for one in changed])
        assert len(before) > len(ended) / 2  # or nothing was compared
        await plan.holds(engines, client=client)


@fault("T30", "junk signals to one process while nobody works, and then a grant")
async def test_a_process_goes_on_behind_thousands_of_junk_signals(
    plan: FaultPlan, installation: Installation, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.reconcile.OVERDUE", SECOND)
    stage, junk = Stage(installation, client), plan.times(50, 10_001)
    async with installation.working(client, policies=QUICK):
        process = await stage.submitted()
    with suppress(RPCError):  # more than 10,000 the server does not take
        for _ in range(0, junk, AT_ONCE):
            signals = [stage.handle(process).signal(f"junk {one}") for one in range(AT_ONCE)]
            await asyncio.gather(*signals)
            plan.tries(AT_ONCE)

    async def is_over() -> bool:
        is_expired = (await stage.request(process)).status == "expired"
        return is_expired and await fits(installation.engines, client)

    async with installation.working(client):
        granted = await stage.send(await stage.grant(process, 5 * SECOND))
        queue = TemporalMailQueue(client)
        async with upkeep(stage.reconciler(), SqlOutbox(installation.engines), queue, every=1):
            await eventually(is_over, within=LONG, every=0.5)
        await queue.close()

    assert granted == str(process)
    await plan.holds(installation.engines, client=client)


@fault("T5", "random decisions of tenants' admins, under random policies")
def test_a_tenants_admin_gives_what_was_asked_within_policy(plan: FaultPlan) -> None:
    drawn, granted = plan.chance.choice, 0
    for _ in range(plan.times(300, 10_000)):
        longest, shortest, endless = drawn((DAY, 30 * DAY)), drawn((MINUTE, HOUR)), drawn(EITHER)
        policy = Policy(longest_access=longest, shortest_access=shortest, allow_no_end=endless)
        request = Life(policy=policy)
        submit = make_submit()
        request.says(submit, ELIZABETH, START)
        for now in (START + drawn((MINUTE, HOUR)), START + DAY / 2):
            span, no_end = drawn((None, *SPANS)), drawn(EITHER)
            ends_at = None if span is None else now + span
            command = Grant if request.request.status == "pending" else ChangeEnd
            try:
                step = request.says(
                    command(ends_at=ends_at, no_end=no_end), drawn((TOM, BECKY)), now
                )
            except ApprovalError:
                continue
            granted += 1
            assert {grant.person for grant in step.grants} == set(submit.people)
            for grant in step.grants:
                assert (grant.tenant, grant.no_end) == (TOM_SAWYER.id, grant.ends_at is None)
                assert endless if grant.ends_at is None else grant.ends_at == ends_at
                assert grant.ends_at is None or shortest <= grant.ends_at - now <= longest
        plan.tries()
    assert granted > plan.tried / 5


@fault("T5", "random levels given by contacts of a site, whose own are random")
def test_a_contact_gives_levels_up_to_their_own(plan: FaultPlan) -> None:
    drawn, granted = plan.chance.choice, 0
    others = [area for area in Area if area not in FOR_CONTACTS]
    for _ in range(plan.times(300, 10_000)):
        own = {area: drawn(LEVELS[area]) for area in Area}
        given = {area: drawn((own[area], *LEVELS[area])) for area in Area}
        given = given if given != LEAST else {**LEAST, Area.PURCHASE: Level.VIEW}
        site = SiteLife()
        managing(site, HUCK, START, **{area: own[area] for area in others})
        site.asks(SID, START)
        try:
            site.says(Let(privileges=given), HUCK, SID, START + HOUR)
        except ApprovalError:
            assert site.status(SID) == "asked"
        else:
            granted += 1
            held = dict(site.access(SID).privileges)
            assert all(covers(own[area], held[area]) for area in others)
            assert not any(covers(held[area], "view") for area in FOR_CONTACTS)
        plan.tries()
    assert granted > plan.tried / 50
