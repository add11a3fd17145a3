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
from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from starter.temporal_server import TemporalServer, free_port
from store.engine import connect
from store.schema import upgrade
from tests.installation import CarriedClock, Installation
from tests.replay import lives
from tests.workflows.stage import QUICK, Stage, connected

HISTORIES = Path(__file__).with_name("histories")
SKIPPING = "frontend.WorkflowTimeSkippingEnabled=true"
LONG = "limit.historyCount.suggestContinueAsNew=30"


async def record(version: str) -> None:
    """Play every life that has no history of this version yet, and keep what it leaves."""
    with TemporaryDirectory() as folder:
        async with stage_of(Path(folder) / "skipping", SKIPPING) as stage:
            await _play(stage, version)
            for play in lives.BY_HAND:
                file = file_of("tenant_access", version, play.__name__)
                if is_new(file):
                    await _keep(file, await play(stage))
        first = file_of("tenant_access", version, "continued_as_new")
        if is_new(first):
            async with stage_of(Path(folder) / "long", LONG) as stage:
                runs = await lives.continued_as_new(stage)
                await _keep(first, runs[0])
                await _keep(first.with_stem("continued_as_new_last"), runs[1])


async def _play(stage: Stage, version: str) -> None:
    async with stage.installation.working(stage.client, policies=QUICK) as mailer:
        theatre = lives.Theatre(stage, mailer, TimeSkipper(stage.client))
        for process, played in lives.PLAYED.items():
            for play in played:
                file = file_of(process, version, play.__name__)
                if is_new(file):
                    await _keep(file, await play(theatre))


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
    try:
        yield Stage(installation, await connected(server.address, identity="recording"))
    finally:
        await server.stop()
        await engines.close()


async def _keep(file: Path, handle: WorkflowHandle[object, object]) -> None:
    history = json.loads((await handle.fetch_history()).to_json())
    _write(file, json.dumps(_clean(history), indent=1, sort_keys=True) + "\n")
    sys.stderr.write(f"{file.relative_to(HISTORIES)}\n")


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
