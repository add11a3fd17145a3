"""`gatehouse demo`: a real stack of its own, on which one story is played with real commands."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starter import story
from starter.console import print_text, status
from starter.stack import Stack
from starter.story import terminals
from starter.story.stage import Stage
from starter.story.telling import INDENT

POLICY = '[default]\nshortest_access = "2s"\n'  # so that access can end while one looks on
OPENING = """\
This is the life of access to a customer, on a real stack of its own: Temporal, the worker, a mail
server, the portal and a customer platform. What stands behind a name and $ is what that person
types, at a terminal of their own; below it stands what came back."""


async def run(*, keep: bool) -> None:
    """Play the story in a folder of its own and print what happens. Raises StoryError."""
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-demo-"))
    changed = {
        "GATEHOUSE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "COLUMNS": str(max(60, shutil.get_terminal_size((100, 24)).columns - INDENT)),
        "TERM": "dumb",  # the commands write into pipes, whatever this terminal can do
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        terminals.prepare()
        print_text(OPENING)
        async with _stage(folder) as stage:
            await story.play(stage)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        if keep:
            status(f"Everything is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _stage(folder: Path) -> AsyncIterator[Stage]:
    state, desk = folder / "state", folder / "desk"
    for one in (state, desk):
        one.mkdir(mode=0o700)
    (state / "policy.toml").write_text(POLICY, encoding="utf-8")
    async with Stack(state, with_platform=True).running():
        yield Stage(desk, state / "mail")
