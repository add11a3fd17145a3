"""Fixtures of the CLI's tests: the folder of an installation of its own, and a real stack."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from starter.directory import example_file
from tests.installation import home_of
from tests.starter.running import Running


@pytest.fixture
def gatehouse_home(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """GATEHOUSE_HOME with a migrated, empty database; nothing of the machine's own settings."""
    for name in os.environ:
        if name.startswith(("GATEHOUSE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    home = home_of(tmp_path)
    shutil.copy(sqlite_template, home / "gatehouse.db")
    monkeypatch.setenv("GATEHOUSE_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("COLUMNS", raising=False)  # as wide as a pipe, whoever runs the tests
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")  # nobody's; a stack may run beside
    return home


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real `gatehouse up` with the example directory; whoever gives a command is signed in."""
    running = Running(tmp_path_factory.mktemp("stack"))
    running.start()
    imported = running.run("", "directory", "import", str(example_file()))
    assert imported.code == 0, imported.err
    yield running
    running.stop()
