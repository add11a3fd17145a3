"""Whoever writes a log line in a process of ours, it comes out as JSON and without secrets."""

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from _pytest.logging import LogCaptureHandler

from config import temporal
from config.settings import Settings
from portal.__main__ import configured as served
from starter.temporal_server import TemporalServer
from starter.workers import process_worker
from tests.config.test_logging import TOKEN, configured
from tests.factories import TOM
from tests.installation import Installation
from tests.portal.site import Site
from tests.workflows.stage import eventually

LIBRARIES = (
    "uvicorn.error",
    "uvicorn.access",
    "temporalio.worker",
    "temporalio.core",
    "sqlalchemy",
)


@pytest.fixture
def untouched() -> Iterator[None]:
    """The libraries' loggers as a process finds them that has just begun.

    Servers that other tests run in this process set them up in their own way.
    """
    loggers = [logging.getLogger(one) for one in ("uvicorn", "temporalio", *LIBRARIES)]
    before = [(one.handlers[:], one.propagate, one.level, one.disabled) for one in loggers]
    for one in loggers:
        one.handlers.clear()
        one.propagate, one.disabled = True, False
        one.setLevel(logging.NOTSET)
    yield
    for one, (handlers, propagate, level, disabled) in zip(loggers, before, strict=True):
        # Those of pytest belong to one phase of one test, and are gone by now.
        one.handlers[:] = [it for it in handlers if not isinstance(it, LogCaptureHandler)]
        one.propagate, one.disabled = propagate, disabled
        one.setLevel(level)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_s_line_is_redacted_like_ours(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with configured():
        logging.getLogger(name).warning("GET /pairings/1/%s\nforged", TOKEN, extra={"token": "x"})

    line = json.loads(capsys.readouterr().err)
    assert line["logger"] == name
    assert TOKEN[4:] not in str(line)
    assert "\n" not in line["event"]


@pytest.mark.usefixtures("untouched")
async def test_the_portals_server_writes_by_our_rules_and_no_paths(still: Site) -> None:
    config = served(still.settings, still.parts)

    assert config.log_config is None  # or uvicorn would bring handlers of its own
    assert config.access_log is False
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        assert logging.getLogger(name).handlers == []
        assert name != "uvicorn.error" or logging.getLogger(name).propagate


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    """A server of Temporal that a test may stop."""
    server = TemporalServer(tmp_path / "temporal.db")
    await server.start()
    yield server
    await server.stop()


@pytest.mark.usefixtures("untouched")
async def test_what_temporals_core_says_is_a_line_of_ours_without_secrets(
    installation: Installation,
    mortal: TemporalServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    settings.temporal_address = mortal.address
    (settings.home / "keys").mkdir(exist_ok=True)
    said: list[str] = []

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.name)

    heard = Heard()
    with configured():
        logging.getLogger("temporalio.core").addHandler(heard)
        client = await temporal.connect(settings, identity="gatehouse-test")
        async with process_worker(client, installation.door()):
            await mortal.stop()

            async def has_spoken() -> bool:
                return bool(said)

            await eventually(has_spoken)
        logging.getLogger("temporalio.core").removeHandler(heard)

    lines = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    assert [one for one in lines if one["logger"].startswith("temporalio.core")] != []
    assert [one for one in lines if not {"ts", "level", "event", "logger"} <= set(one)] == []


@pytest.mark.usefixtures("untouched")
async def test_each_answer_of_the_portal_is_a_line_with_its_fields(
    still: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    tom, stranger = await still.signed_in(TOM), still.browser()
    path = f"/requests/{uuid4()}"

    with configured():
        await tom.get(path)
        await stranger.get("/sign-in?email=nobody@classics.example")

    lines = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    known, unknown = [one for one in lines if one["logger"] == "portal.guard"]
    said = {name: known[name] for name in ("level", "method", "route", "status", "actor_id")}
    assert said == {
        "level": "info",
        "method": "GET",
        "route": "/requests/{process}",
        "status": 404,
        "actor_id": str(TOM.id),
    }
    assert isinstance(known["ms"], int)
    assert len(known["request_id"]) == 16
    assert (unknown["route"], unknown["status"], "actor_id" in unknown) == ("/sign-in", 200, False)
    assert path not in str([known, unknown])
    assert "nobody" not in str([known, unknown])


def test_a_full_disk_under_the_log_stops_nothing() -> None:
    script = (
        "import logging; from config.logging import configure; configure('INFO');"
        " [logging.getLogger('store').warning('nobody can read this') for _ in range(9)];"
        " print('and on it goes')"
    )
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", script], check=False, stdout=subprocess.PIPE, stderr=full
        )

    assert ended.stdout == b"and on it goes\n"
