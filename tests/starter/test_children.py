"""The stack's parts as processes: they end with their parent, and what is left with the next."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from starter import lifeline, locks
from starter.children import started, stopped
from starter.temporal_server import StackError
from tests.starter.running import ROOT, eventually, runs

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of it")
SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
STUBBORN = [sys.executable, "-c", f"{DEAF}; print('here', flush=True); time.sleep(600)"]
PARENT = """
import asyncio, sys
from pathlib import Path
from starter.children import started

async def main():
    child = await started(Path(sys.argv[1]), sys.argv[2:])
    print(child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def wrote(log: Path) -> str:
    """Wait until a child has written to its log, and return what."""
    return eventually(lambda: log.read_text("utf-8") if log.exists() else "", "a child writes")


def occupied(folder: Path) -> bool:
    """Hold a folder for a moment."""
    with locks.held(folder):
        return True


@LINUX
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log"), *SLEEP]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wrote(tmp_path / "log")

        parent.kill()

        eventually(lambda: not runs(child), "the child ends")


@LINUX
def test_a_child_whose_parent_has_gone_already_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "made"
    tied = [sys.executable, "-IS", lifeline.__file__, "1", "/bin/sh", "-c", f"touch {file}"]

    ended = subprocess.run(tied, capture_output=True, text=True)

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
    assert not file.exists()


async def test_a_child_leads_a_session_of_its_own_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")

    child = await started(log, SLEEP)

    try:
        eventually(lambda: log.read_text(encoding="utf-8") == "before\nhere\n", "it is there")
        assert os.getsid(child.pid) == child.pid
    finally:
        await stopped(child, 10)
    assert child.returncode == -signal.SIGTERM


async def test_a_child_that_does_not_end_when_asked_is_ended(tmp_path: Path) -> None:
    child = await started(tmp_path / "log", STUBBORN)
    wrote(tmp_path / "log")

    await stopped(child, 0.2)

    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("command", [SLEEP, STUBBORN], ids=["willing", "stubborn"])
async def test_what_a_killed_stack_left_is_ended_before_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.5)
    with locks.held(tmp_path) as parts:
        left = await parts.started(tmp_path / "log", command)
    wrote(tmp_path / "log")

    with locks.held(tmp_path):
        await asyncio.wait_for(left.wait(), 10)

        assert (tmp_path / "parts.lock").read_bytes() == b""


async def test_a_number_that_went_to_another_process_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    with locks.held(tmp_path) as parts:
        holds_the_lock = await parts.started(tmp_path / "log", STUBBORN)
    wrote(tmp_path / "log")
    stranger = await asyncio.create_subprocess_exec(*SLEEP)  # leads no session
    (tmp_path / "parts.lock").write_text(f"{stranger.pid}\n", encoding="utf-8")
    try:
        with pytest.raises(StackError, match=f"end the processes .{stranger.pid}"):
            occupied(tmp_path)

        assert stranger.returncode is None
    finally:
        await stopped(holds_the_lock, 0)
        await stopped(stranger, 10)


def test_a_folder_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    with locks.held(tmp_path), pytest.raises(StackError, match="Gatehouse is already up on"):
        occupied(tmp_path)

    assert occupied(tmp_path)
