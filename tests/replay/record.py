"""Records histories for the replay gate: python -m tests.replay.record VERSION.

What a released version wrote is never written again: files that exist are left as they are.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy.engine import URL
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkipper

from starter.temporal_server import TemporalServer, free_port
from store.engine import connect
from store.schema import upgrade
from tests.installation import CarriedClock, Installation
from tests.replay import lives, onboarding_lives
from tests.workflows.stage import QUICK, Stage

HISTORIES = Path(__file__).with_name("histories")
SKIPPING = "frontend.WorkflowTimeSkippingEnabled=true"
LONG = "limit.historyCount.suggestContinueAsNew=30"
LONG_LIFE, LONG_LIVED = "continued_as_new", ("tenant_access", "onboarding")


async def record(version: str) -> None:
    """Play every life that has no history of this version yet, and keep what it leaves."""
    with TemporaryDirectory() as folder:
        async with stage_of(Path(folder) / "skipping", SKIPPING) as stage:
            await _play(stage, version)
            for play in lives.BY_HAND:
                file = file_of("tenant_access", version, play.__name__)
                if is_new(file):
                    await _keep(file, await play(stage))
            await _onboard(stage, Path(folder), version)
        if any(is_new(file_of(kind, version, LONG_LIFE)) for kind in LONG_LIVED):
            async with stage_of(Path(folder) / "long", LONG) as stage:
                await _continue(stage, Path(folder), version)


async def _play(stage: Stage, version: str) -> None:
    async with stage.installation.working(stage.client, policies=QUICK) as mailer:
        theatre = lives.Theatre(stage, mailer, TimeSkipper(stage.client))
        for process, played in lives.PLAYED.items():
            for play in played:
                file = file_of(process, version, play.__name__)
                if is_new(file):
                    await _keep(file, await play(theatre))


async def _onboard(stage: Stage, folder: Path, version: str) -> None:
    for play in onboarding_lives.LIVES:
        file = file_of("onboarding", version, play.__name__)
        if is_new(file):
            place = folder / play.__name__
            async with onboarding_lives.stage_in(place, stage.client) as onboarding:
                await _keep(file, await play(onboarding))


async def _continue(stage: Stage, folder: Path, version: str) -> None:
    request, onboarding = (file_of(kind, version, LONG_LIFE) for kind in LONG_LIVED)
    if is_new(request):
        await _keep_both(request, await lives.continued_as_new(stage))
    if is_new(onboarding):
        async with onboarding_lives.stage_in(folder / LONG_LIFE, stage.client) as at:
            await _keep_both(onboarding, await onboarding_lives.continued_as_new(at))


def file_of(process: str, version: str, life: str) -> Path:
    """Return where a life's history is kept."""
    return HISTORIES / process / version / f"{life}.json"


def is_new(file: Path) -> bool:
    """Whether there is no such history yet; what is there stays as it is."""
    return not file.exists()


@asynccontextmanager
async def stage_of(folder: Path, setting: str) -> AsyncIterator[Stage]:
    """Build a database and start a server with one setting of its own."""
    folder.mkdir()  # noqa: ASYNC240  # nothing runs yet that it could delay
    server = TemporalServer(
        folder / "temporal.db", free_port(), extra=("--dynamic-config-value", setting)
    )
    engines = connect(
        URL.create("sqlite+aiosqlite", database=str(folder / "gatehouse.db")), CarriedClock()
    )
    await upgrade(engines)
    installation = Installation(engines)
    await installation.fill()
    await server.start()
    client = await Client.connect(
        server.address, data_converter=pydantic_data_converter, identity="recording"
    )
    try:
        yield Stage(installation, client)
    finally:
        await server.stop()
        await engines.close()


async def _keep(file: Path, handle: WorkflowHandle[object, object]) -> None:
    history = json.loads((await handle.fetch_history()).to_json())
    _write(file, json.dumps(_clean(history), indent=1, sort_keys=True) + "\n")
    sys.stderr.write(f"{file.relative_to(HISTORIES)}\n")


async def _keep_both(file: Path, runs: list[lives.Handle]) -> None:
    await _keep(file, runs[0])
    await _keep(file.with_stem(f"{LONG_LIFE}_last"), runs[1])


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _clean(value: Any) -> Any:
    """Return a history without stack traces, which name the folders of the machine."""
    match value:
        case dict():
            return {key: _clean(one) for key, one in value.items() if key != "stackTrace"}
        case list():
            return [_clean(one) for one in value]
        case _:
            return value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="the version that is about to be released, as 0.1.0")
    asyncio.run(record(parser.parse_args().version))
