"""Decisions that come by every way at once: one counts, and everybody else is told so."""

import asyncio
from contextlib import suppress
from uuid import UUID

from sqlalchemy import delete, insert
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from approvals.errors import ApprovalError
from approvals.people import Person
from identity.signing import fresh_nonce
from starter.client import UnreachableError
from store import tables as t
from tests.faults.plan import FaultPlan, fault
from tests.installation import key_id
from tests.portal.site import Browser, Site
from tests.security.matter import Matter
from tests.security.matters import on_every_matter
from tests.security.ways import WAYS, carried, events
from tests.workflows.stage import eventually

EACH = 2  # 24 racers a trial
REFUSED = {"already_decided", "link_used", "409"}
OVER = "it was over before the message came"
RUNNING = WorkflowExecutionStatus.RUNNING


async def raced(
    matter: Matter, process: UUID, who: Person, browser: Browser, decision: str, way: str
) -> str | None:
    """Decide by one way; return the refusal, None for the one that counted."""
    if way == "form":
        status = await matter.sent_as_form(browser, process, decision)
        return None if status == 303 else str(status)
    site, nonce = matter.site, fresh_nonce()
    said = await matter.signed(who, process, decision, nonce=nonce)
    assert site.parts.temporal is not None
    if way == "update":
        try:
            await site.installation.gatehouse(site.parts.temporal).send(matter.kind, said)
        except ApprovalError as refused:
            return refused.code
        except UnreachableError:  # "the outcome is unknown": the database says what it was
            pass
        else:
            return None
    handle = site.parts.temporal.get_workflow_handle(f"{matter.kind}/{process}")
    if way == "signal":
        with suppress(RPCError):  # a refusal has ended the process: Temporal itself says no
            await carried(site, process, said, way, matter.kind)

    async def is_over() -> bool:
        outcome = await site.installation.inbox.outcome(key_id(who), nonce)
        return outcome is not None or (await handle.describe()).status != RUNNING

    await eventually(is_over, within=30)
    outcome = await site.installation.inbox.outcome(key_id(who), nonce)
    if outcome is None:
        return OVER
    return None if outcome.refusal is None else outcome.refusal.code


@fault("R10", "24 racers, by form, update and signal at once")
@on_every_matter
async def test_of_twenty_four_decisions_by_every_way_one_counts(
    plan: FaultPlan, site: Site, matter: Matter
) -> None:
    browsers = {one.id: await site.signed_in(one) for one in matter.deciders}
    for process in [await matter.begun() for _ in range(plan.times(1, 40))]:
        racers = [
            (who, decision, way)
            for who in matter.deciders
            for decision in matter.ends
            for way in WAYS
            for _ in range(EACH)
        ]
        plan.chance.shuffle(racers)

        answers = await asyncio.gather(
            *(raced(matter, process, who, browsers[who.id], *more) for who, *more in racers)
        )

        (winner,) = [one for one, told in zip(racers, answers, strict=True) if told is None]
        state = await matter.state(process)
        assert {one for one in answers if one is not None} <= REFUSED | {OVER}
        assert (state.status, state.version) == (matter.ends[winner[1]], 2)
        assert state.model_dump()["decided_by"] == winner[0].id
        told = [one for one in await mails(site, process) if one[0] == 2]
        assert len(set(told)) == len(told) > 0
        plan.tries()
    await plan.holds(site.installation.engines, client=site.parts.temporal)


async def mails(site: Site, process: UUID) -> list[tuple[int, str, UUID | None]]:
    """Return version, kind and recipient of each mail about a process."""
    query = t.outbox.select().where(t.outbox.c.process_id == process)
    async with site.installation.engines.read.connect() as connection:
        rows = await connection.execute(query)
        return [(one.version, one.kind, one.person_id) for one in rows]


@fault("T4", "a right that goes while its holder decides, by form, update or signal")
@on_every_matter
async def test_a_right_that_goes_while_its_holder_decides_by_every_way(
    plan: FaultPlan, site: Site, matter: Matter
) -> None:
    who, decision = matter.deciders[0], next(iter(matter.ends))
    browser = await site.signed_in(who)
    for process, way in [(await matter.begun(), way) for way in WAYS * plan.times(1, 30)]:
        at_loss: list[str] = []
        said = await matter.signed(who, process, decision)

        async def lose(process: UUID = process, at_loss: list[str] = at_loss) -> None:
            await asyncio.sleep(plan.chance.uniform(0, 0.06))
            async with site.installation.engines.write.begin() as connection:
                roles = t.role_assignment
                await connection.execute(delete(roles).where(roles.c.person_id == who.id))
                status = t.process.select().where(t.process.c.id == process)
                at_loss.append((await connection.execute(status)).one().status)

        decided = (
            matter.sent_as_form(browser, process, decision)
            if way == "form"
            else carried(site, process, said, way, matter.kind)
        )
        await asyncio.gather(decided, lose())

        async def is_heard(process: UUID = process, way: str = way) -> bool:
            return way != "signal" or len(await events(site, process)) > 1

        await eventually(is_heard, within=30)
        assert (await matter.state(process)).status == at_loss[0]
        await give_back(matter, who)
        plan.tries()
    await plan.holds(site.installation.engines, client=site.parts.temporal)


async def give_back(matter: Matter, who: Person) -> None:
    """Give somebody the roles again that the directory has for them."""
    rows = [
        {"person_id": who.id, "role": one.role, "scope_id": one.scope}
        for one in matter.directory.roles
        if one.person == who.id
    ]
    async with matter.site.installation.engines.write.begin() as connection:
        await connection.execute(insert(t.role_assignment), rows)
