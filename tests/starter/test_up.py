"""`gatehouse up`: one command that runs everything, stops cleanly and goes on where it was."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from starter.directory import example_file
from tests.starter.running import CHARLOTTE, FENCE, Place, Running, eventually, runs

CTRL_C, KILL = signal.SIGINT, signal.SIGKILL
PARTS = 4  # Temporal, the reference platform, the worker, the portal


@pytest.fixture(scope="module")
def taken_ports() -> Iterator[list[int]]:
    """The ports that a stack would like, taken by somebody else while these tests run."""
    taken = []
    with ExitStack() as ends:
        for port in (7233, 8233, 1025, 8090):
            listener = ends.enter_context(socket.socket())
            with suppress(OSError):  # somebody else on this machine has it
                listener.bind(("127.0.0.1", port))
                listener.listen()
                taken.append(port)
        yield taken


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, taken_ports: list[int]
) -> Iterator[Running]:
    """One folder for all tests here; whatever is left of its last stack is ended."""
    running = Running(tmp_path_factory.mktemp("up"))
    (running.home / "run.json").write_text("{ half a fi", encoding="utf-8")
    started(running)
    imported = running.run("", "directory", "import", str(example_file()))
    assert imported.code == 0, imported.err
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()
    for process in processes(running):
        with suppress(ProcessLookupError):  # it may be about to end by itself
            os.kill(process, KILL)


@pytest.fixture
def up(installation: Running) -> Running:
    """A stack that is up, on a folder where others were before."""
    if installation.process is None or installation.process.poll() is not None:
        started(installation)
    return installation


def started(running: Running) -> None:
    """Start a stack with all that it can have."""
    running.start("--with-platform")


def parts(running: Running) -> list[int]:
    """Return the parts of a stack that run, by process id, in the order of their start."""
    file = running.home / "parts.lock"
    noted = file.read_text(encoding="utf-8").split() if file.exists() else []
    return [one for one in map(int, noted) if runs(one)]


def processes(running: Running) -> list[int]:
    """Return everything that runs for a folder; where that cannot be seen, its known parts."""
    if sys.platform != "linux":
        return parts(running)
    wanted, found = f"GATEHOUSE_HOME={running.home}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def test_it_says_where_everything_is_and_keeps_it_private(up: Running) -> None:
    said = up.log.read_text(encoding="utf-8")

    run_file = up.home / "run.json"
    config = {one["name"]: one for one in up.run("", "config", "show", "--json").json}
    address = config["GATEHOUSE_TEMPORAL_ADDRESS"]
    portal = json.loads(run_file.read_text(encoding="utf-8"))["portal_url"]
    for part in (str(up.home), address["value"], "screen http://127.0.0.1:", "smtp 127.0.0.1:"):
        assert part in said
    assert f"portal     {portal}\n" in said
    assert address["source"] == str(run_file)
    assert oct(up.home.stat().st_mode & 0o777) == "0o700"
    private = [run_file, up.home / "gatehouse.db", *(up.home / "keys").rglob("*")]
    modes = {
        (one.is_dir(), oct(one.stat().st_mode & 0o777))
        for one in private
        if one.suffix != ".pub"  # what others check with is for everybody
    }
    assert modes == {(True, "0o700"), (False, "0o600")}


def test_all_parts_answer_where_it_says(up: Running) -> None:
    where = json.loads((up.home / "run.json").read_text(encoding="utf-8"))

    with urlopen(f"{where['portal_url']}/healthz") as answer:
        assert answer.status == 200
    with urlopen(f"{where['platform_url']}/openapi.json") as answer:
        assert answer.status == 200
    with socket.create_connection(("127.0.0.1", where["smtp_port"]), 5) as line:
        assert line.recv(3) == b"220"
    assert up.run("", "directory", "list").code == 0
    assert len(parts(up)) == PARTS


def test_taken_ports_give_free_ones(up: Running, taken_ports: list[int]) -> None:
    said = up.log.read_text(encoding="utf-8")

    assert [port for port in taken_ports if f"127.0.0.1:{port}" in said] == []


def test_a_second_one_on_the_same_folder_is_refused_in_a_sentence(up: Running) -> None:
    second = up.run("", "up")

    sentence = (
        f"Gatehouse is already up on {up.home}. Stop it there with Ctrl-C, or choose another"
        " folder with GATEHOUSE_HOME.\n"
    )
    assert second == (3, "", sentence)
    assert up.run("", "config", "show").code == 0
    assert (up.home / "run.json").exists()


def test_a_part_that_is_killed_is_started_again(up: Running) -> None:
    request = up.ask()
    up.run("tom", "whoami")
    before = parts(up)

    for part in before:
        os.kill(part, KILL)

    eventually(lambda: len(parts(up)) == PARTS, "all parts run again")
    assert set(before).isdisjoint(parts(up))

    def granted() -> bool:
        return up.run("tom", "request", "grant", request, "--for", "1h").code in (0, 1)

    eventually(granted, "a decision is taken")
    assert up.shown("tom", request)["status"] == "granted"
    said = up.log.read_text(encoding="utf-8")
    for name in ("Temporal", "The reference platform", "The worker", "The portal"):
        assert f"{name} ended (-9); starting it again. See {up.home}/" in said


def test_ctrl_c_stops_everything_and_starting_again_goes_on_with_what_was_pending(
    up: Running,
) -> None:
    request = up.ask(people=CHARLOTTE)
    up.run("tom", "whoami")
    where = json.loads((up.home / "run.json").read_text(encoding="utf-8"))["temporal_address"]
    words = ("request", "grant", request, "--for", "2s")

    code = up.stop(CTRL_C)
    left = processes(up)
    away = up.run("tom", *words, TEMPORAL_ADDRESS=where)
    started(up)
    granted = up.run("tom", *words)

    assert (code, left) == (0, [])
    assert away.code == 3
    assert "Nothing was changed." in away.err
    assert granted.code == 0, granted.err
    assert up.watched("elizabeth", request).code == 0
    assert up.events(request) == ["submitted", "granted", "expired"]
    assert up.run("", "access", "check", CHARLOTTE, FENCE).code == 1


def test_after_it_was_killed_and_temporal_lost_its_file_the_next_one_goes_on(up: Running) -> None:
    request = up.ask()
    up.run("tom", "whoami")
    left = parts(up)

    up.stop(KILL)
    if sys.platform == "linux":  # elsewhere the next one ends them
        eventually(lambda: not processes(up), "all parts end")
    for file in up.home.glob("temporal.db*"):
        file.unlink()
    (up.home / "worker.log").unlink()
    started(up)

    assert len(left) == len(parts(up)) == PARTS
    assert not any(runs(one) for one in left)
    log = up.home / "worker.log"
    eventually(lambda: "reconciled: " in log.read_text(encoding="utf-8"), "the rows are taken up")
    assert up.run("", "reconcile", "--no-wait", "--json").json["started"] == 0
    assert up.run("tom", "request", "grant", request, "--for", "1h").code == 0


def test_sigterm_stops_all_parts_cleanly(up: Running) -> None:
    code = up.stop(signal.SIGTERM)

    assert code == 0
    assert processes(up) == []
    assert "Stopped; nothing is lost." in up.log.read_text(encoding="utf-8")
    assert not (up.home / "run.json").exists()


@pytest.mark.parametrize(
    "content",
    ["broken = [", "a = " + "[" * 5_000, '[default]\nshortest_access = "soon"'],
    ids=["no TOML", "nested too deep", "no duration"],
)
def test_a_broken_policy_is_named_and_nothing_starts(tmp_path: Path, content: str) -> None:
    place = Place(tmp_path)
    (place.home / "policy.toml").write_text(content, encoding="utf-8")

    ended = place.run("", "up")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"{place.home / 'policy.toml'}: ")
    assert ended.err.count("\n") == 1
    assert not (place.home / "temporal.db").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    ended = place.run("", "up", GATEHOUSE_HOME=str(tmp_path / "file" / "home"))

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"The folder {tmp_path / 'file' / 'home'} cannot be used: ")
