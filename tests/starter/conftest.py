"""Fixtures of the CLI's tests: the folder of an installation of its own, with an empty database."""

import os
import shutil
from pathlib import Path

import pytest

from tests.installation import home_of


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
    return home
