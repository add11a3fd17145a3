"""`gatehouse up`: one command that runs everything, stops cleanly and goes on where it was."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from starter.directory import example_file
from tests.starter.running import CAROLINE, FENCE, Place, Running, eventually, runs

CTRL_C, KILL = signal.SIGINT, signal.SIGKILL


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    """A stack of this test alone; whatever is left of it is ended."""
    running = Running(tmp_path)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()
    for process in parts(running):
        with suppress(ProcessLookupError):  # it may be about to end by itself
            os.kill(process, KILL)


def parts(running: Running) -> list[int]:
    """Return the parts of a stack that run, by process id: Temporal, the worker."""
    file = running.home / "parts.lock"
    noted = file.read_text(encoding="utf-8").split() if file.exists() else []
    return [one for one in map(int, noted) if runs(one)]


def with_people(up: Running) -> None:
    """Import the example directory."""
    assert up.run("", "directory", "import", str(example_file())).code == 0


def test_it_says_where_everything_is_and_keeps_it_private(up: Running) -> None:
    said = up.start()

    run_file = up.home / "run.json"
    config = {one["name"]: one for one in up.run("", "config", "show", "--json").json}
    address = config["GATEHOUSE_TEMPORAL_ADDRESS"]
    for part in (str(up.home), address["value"], "screen http://127.0.0.1:", "smtp 127.0.0.1:"):
        assert part in said
    assert address["source"] == str(run_file)
    assert oct(up.home.stat().st_mode & 0o777) == "0o700"
    private = [run_file, up.home / "gatehouse.db", *(up.home / "keys").rglob("*")]
    modes = {(one.is_dir(), oct(one.stat().st_mode & 0o777)) for one in private}
    assert modes == {(True, "0o700"), (False, "0o600")}


@pytest.mark.parametrize("number", [CTRL_C, signal.SIGTERM])
def test_a_signal_stops_all_parts_cleanly(up: Running, number: signal.Signals) -> None:
    up.start()
    running = parts(up)

    code = up.stop(number)

    assert code == 0
    assert len(running) == 2
    assert parts(up) == []
    assert "Stopped; nothing is lost." in up.log.read_text(encoding="utf-8")
    assert not (up.home / "run.json").exists()


def test_starting_again_goes_on_with_what_was_pending(up: Running) -> None:
    up.start()
    with_people(up)
    request = up.ask()
    up.run("tom", "whoami")
    where = json.loads((up.home / "run.json").read_text(encoding="utf-8"))["temporal_address"]
    up.stop()
    words = ("request", "grant", request, "--for", "2s")
    away = up.run("tom", *words, TEMPORAL_ADDRESS=where)
    assert away.code == 3
    assert "Nothing was changed." in away.err

    up.start()

    granted = up.run("tom", *words)
    assert granted.code == 0, granted.err
    assert up.watched("elizabeth", request).code == 0
    assert up.events(request) == ["submitted", "granted", "expired"]
    assert up.run("", "access", "check", CAROLINE, FENCE).code == 1


def test_a_second_one_on_the_same_folder_is_refused_in_a_sentence(up: Running) -> None:
    up.start()

    second = up.run("", "up")

    sentence = (
        f"Gatehouse is already up on {up.home}. Stop it there with Ctrl-C, or choose another"
        " folder with GATEHOUSE_HOME.\n"
    )
    assert second == (3, "", sentence)
    assert up.run("", "config", "show").code == 0
    assert (up.home / "run.json").exists()


def test_a_part_that_is_killed_is_started_again(up: Running) -> None:
    up.start()
    with_people(up)
    request = up.ask()
    temporal, worker = parts(up)

    os.kill(temporal, KILL)
    os.kill(worker, KILL)

    eventually(lambda: len(parts(up)) == 2, "both parts run again")
    assert {temporal, worker}.isdisjoint(parts(up))

    def granted() -> bool:
        return up.run("tom", "request", "grant", request, "--for", "1h").code in (0, 1)

    eventually(granted, "a decision is taken")
    assert up.shown("tom", request)["status"] == "granted"
    said = up.log.read_text(encoding="utf-8")
    assert "Temporal ended; starting it again." in said
    assert "The worker ended (-9); starting it again." in said


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next one ends them")
def test_when_it_is_killed_its_parts_end_too(up: Running) -> None:
    up.start()
    left = parts(up)

    up.stop(KILL)

    assert len(left) == 2
    eventually(lambda: not any(runs(one) for one in left), "Temporal and the worker end")


def test_after_it_was_killed_the_next_one_clears_up_and_goes_on(up: Running) -> None:
    up.start()
    with_people(up)
    request = up.ask()
    left = parts(up)
    up.stop(KILL)

    up.start()

    assert not any(runs(one) for one in left)
    assert len(parts(up)) == 2
    assert up.run("tom", "request", "grant", request, "--for", "1h").code == 0


def test_taken_ports_give_free_ones(up: Running) -> None:
    with ExitStack() as ends:
        taken = []
        for port in (7233, 8233, 1025):
            listener = ends.enter_context(socket.socket())
            with suppress(OSError):  # somebody else on this machine has it
                listener.bind(("127.0.0.1", port))
                listener.listen()
                taken.append(port)

        said = up.start()

    assert [port for port in taken if f"127.0.0.1:{port}" in said] == []


@pytest.mark.parametrize("content", ["broken = [", '[default]\nshortest_access = "soon"'])
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


def test_what_a_killed_stack_wrote_down_does_not_hinder_the_next(up: Running) -> None:
    (up.home / "run.json").write_text("{ half a fi", encoding="utf-8")

    up.start()

    assert up.run("", "config", "show").code == 0
