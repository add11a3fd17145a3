"""A switch with the real server: never over, and a thousand turns later nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities import names
from approvals.commands import Command
from approvals.customer_access.commands import BeginSession, Disable
from approvals.customer_access.record import KIND, CustomerAccess
from approvals.errors import AlreadyDecidedError
from approvals.people import Person
from starter.temporal_server import TemporalServer, free_port
from starter.workers import process_worker
from tests.factories import FENCE_PAINTING, JANE, TOM
from tests.installation import Installation
from tests.store.rows import rows_of
from tests.switching import ON, SWITCH, accepting, fill
from tests.workflows.stage import Stage, as_json, connected, eventually

SUGGESTED_AT = 400  # events, in place of some thousands
TURNS, IN_FLIGHT = 1000, 100
OFF = Disable()


@pytest.fixture(scope="module")
async def short_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    """A server that finds some hundred events long."""
    limit = f"limit.historyCount.suggestContinueAsNew={SUGGESTED_AT}"
    server = TemporalServer(
        tmp_path_factory.mktemp("short") / "temporal.db",
        free_port(),
        extra=("--dynamic-config-value", limit),
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def switching(
    installation: Installation, short_server: TemporalServer, payload_keys: Path
) -> Stage:
    """The stage on that server, with those who switch."""
    await fill(installation.engines)
    return Stage(installation, await connected(short_server.address, payload_keys))


async def gives(stage: Stage, person: Person, command: Command) -> str:
    """Give a command to the running switch."""
    return await stage.gatehouse.send(KIND, stage.installation.signed(person, SWITCH, command))


async def begun(stage: Stage) -> None:
    """Let Jane switch the customer on."""
    said = stage.installation.signed(JANE, SWITCH, ON)
    await stage.gatehouse.submit(KIND, said, FENCE_PAINTING.id)


async def stored(stage: Stage) -> CustomerAccess:
    """Return the stored state."""
    state = await stage.installation.inbox.state(SWITCH)
    assert isinstance(state, CustomerAccess)
    return state


async def runs_of(stage: Stage) -> list[str]:
    """Return the ids of all runs of the switch, newest first."""
    workflow = names.workflow_id(KIND, SWITCH)
    found, run = [], (await stage.client.get_workflow_handle(workflow).describe()).run_id
    while run:
        found.append(run)
        handle = stage.client.get_workflow_handle(workflow, run_id=run)
        events = await handle.fetch_history()
        started = events.events[0].workflow_execution_started_event_attributes
        run = started.continued_execution_run_id
    return found


async def test_a_switch_lives_on_through_every_turn(played: Stage) -> None:
    await fill(played.installation.engines)
    await begun(played)
    for person, command in ((TOM, accepting()), (JANE, OFF), (JANE, ON), (TOM, BeginSession())):
        await gives(played, person, command)

    with pytest.raises(AlreadyDecidedError, match="It is accepted"):
        await gives(played, JANE, ON)
    workflow = played.client.get_workflow_handle(names.workflow_id(KIND, SWITCH))
    described = await workflow.describe()

    assert described.close_time is None
    assert (await stored(played)).status == "accepted"


async def test_a_thousand_turns_of_the_switch_lose_nothing(switching: Stage) -> None:
    workflow = switching.client.get_workflow_handle(names.workflow_id(KIND, SWITCH))

    async def turn(number: int) -> None:
        command = ON if number % 2 else OFF
        said = switching.installation.signed(JANE, SWITCH, command)
        await workflow.signal(command.kind, as_json(said))

    async def settled() -> int:
        found = await rows_of(switching.installation.engines, "command")
        return sum(one["process_id"] == SWITCH for one in found)

    async def is_settled() -> bool:
        return await settled() == 2 + turned

    async with process_worker(switching.client, switching.installation.door()):  # without mail
        await begun(switching)
        await gives(switching, TOM, accepting())
        for turned in range(IN_FLIGHT, TURNS + 1, IN_FLIGHT):
            await asyncio.gather(*(turn(turned - one) for one in range(IN_FLIGHT)))
            await eventually(is_settled, within=60, every=0.05)
        runs = await runs_of(switching)
        state = await stored(switching)
        await gives(switching, JANE, OFF if state.is_on else ON)

    assert len(runs) > 2
    audited = [one for one in await switching.audit(SWITCH) if one.version is not None]
    turns = [one.event for one in audited[2:]]
    assert turns == [("disabled", "enabled")[number % 2] for number in range(len(turns))]
    assert state.version == len(audited) - 1
    refused = [
        one
        for one in await rows_of(switching.installation.engines, "command")
        if 'refusal":{' in one["outcome"]
    ]
    assert len(audited) - 1 + len(refused) == TURNS + 2
    assert state.accepted is not None
