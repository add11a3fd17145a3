"""Decisions that come by every way at once: one counts, and everybody else is told so."""

import asyncio
import random
from contextlib import suppress
from uuid import UUID, uuid4

from sqlalchemy import delete
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from approvals.errors import AlreadyDecidedError
from approvals.people import Person, Role
from identity.signing import fresh_nonce
from starter.client import UnreachableError
from store import tables as t
from tests.factories import BECKY, TOM, TOM_SAWYER
from tests.installation import key_id
from tests.portal.site import Browser, Site
from tests.security.ways import DECISIONS, WAYS, carried, command_of, events, sent_as_form
from tests.workflows.stage import eventually, on_both_databases

TRIALS, EACH = 2, 2  # 24 racers a trial
REFUSED = "already_decided"
RUNNING = WorkflowExecutionStatus.RUNNING


async def raced(
    site: Site, process: UUID, who: Person, browser: Browser, decision: str, way: str
) -> str | None:
    """Decide by one way; return the refusal, None for the one that counted."""
    if way == "form":
        status = await sent_as_form(site, browser, process, decision)
        assert status in (303, 409)
        return None if status == 303 else REFUSED
    command, nonce = command_of(decision, await site.installation.shown(process)), fresh_nonce()
    said = site.installation.signed(who, process, command, nonce=nonce)
    assert site.parts.temporal is not None
    if way == "update":
        try:
            await site.installation.gatehouse(site.parts.temporal).send("tenant_access", said)
        except AlreadyDecidedError:
            return REFUSED
        except UnreachableError:  # "the outcome is unknown": the database says what it was
            pass
        else:
            return None
    handle = site.parts.temporal.get_workflow_handle(f"tenant_access/{process}")
    if way == "signal":
        with suppress(RPCError):  # a denial has ended the process: Temporal itself says no
            await carried(site, process, said, way)

    async def is_over() -> bool:
        outcome = await site.installation.inbox.outcome(key_id(who), nonce)
        return outcome is not None or (await handle.describe()).status != RUNNING

    await eventually(is_over, within=30)
    outcome = await site.installation.inbox.outcome(key_id(who), nonce)
    return REFUSED if outcome is None or outcome.refusal is not None else None


@on_both_databases
async def test_of_twenty_four_decisions_by_every_way_one_counts(site: Site) -> None:
    chance = random.Random(6)
    browsers = {one.id: await site.signed_in(one) for one in (TOM, BECKY)}
    for process in [await site.asked(batch=uuid4()) for _ in range(TRIALS)]:
        racers = [
            (who, decision, way)
            for who in (TOM, BECKY)
            for decision in DECISIONS
            for way in WAYS
            for _ in range(EACH)
        ]
        chance.shuffle(racers)

        answers = await asyncio.gather(
            *(raced(site, process, who, browsers[who.id], *more) for who, *more in racers)
        )

        (winner,) = [one for one, told in zip(racers, answers, strict=True) if told is None]
        state = await site.installation.request(process)
        assert [one for one in answers if one is not None] == [REFUSED] * (len(racers) - 1)
        assert (state.decided_by, state.version) == (winner[0].id, 2)
        assert state.status == {"grant": "granted", "deny": "denied"}[winner[1]]
        told = [one for one in await mails(site, process) if one[0] == 2]
        assert len(set(told)) == len(told) > 0


async def mails(site: Site, process: UUID) -> list[tuple[int, str, UUID | None]]:
    """Return version, kind and recipient of each mail about a process."""
    query = t.outbox.select().where(t.outbox.c.process_id == process)
    async with site.installation.engines.read.connect() as connection:
        rows = await connection.execute(query)
        return [(one.version, one.kind, one.person_id) for one in rows]


@on_both_databases
async def test_a_right_that_goes_while_its_holder_decides_by_every_way(site: Site) -> None:
    chance = random.Random(4)
    tom = await site.signed_in(TOM)
    asked = [(await site.asked(batch=uuid4()), way) for way in WAYS * TRIALS]
    for process, way in asked:
        at_loss: list[str] = []

        async def lose(process: UUID = process, at_loss: list[str] = at_loss) -> None:
            await asyncio.sleep(chance.uniform(0, 0.06))
            async with site.installation.engines.write.begin() as connection:
                roles = t.role_assignment
                await connection.execute(delete(roles).where(roles.c.person_id == TOM.id))
                status = t.process.select().where(t.process.c.id == process)
                at_loss.append((await connection.execute(status)).one().status)

        command = command_of("grant", await site.installation.shown(process))
        said = site.installation.signed(TOM, process, command)
        decided = (
            sent_as_form(site, tom, process, "grant")
            if way == "form"
            else carried(site, process, said, way)
        )
        await asyncio.gather(decided, lose())

        async def is_heard(process: UUID = process, way: str = way) -> bool:
            return way != "signal" or len(await events(site, process)) > 1

        await eventually(is_heard, within=30)
        assert (await site.installation.request(process)).status == at_loss[0]
        await give_back(site)


async def give_back(site: Site) -> None:
    """Make Tom an admin again."""
    role = {"person_id": TOM.id, "role": Role.TENANT_ADMIN, "scope_id": TOM_SAWYER.id}
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(t.role_assignment.insert().values(**role))
