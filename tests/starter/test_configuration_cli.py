"""`gatehouse config show`: every setting, where it comes from, and no secret."""

import json
from pathlib import Path

import pytest

from config.settings import Settings
from starter.configuration import app
from tests.starter.terminal import run


def shown() -> dict[str, tuple[object, str]]:
    """Return value and source of each setting."""
    listed = json.loads(run(app, "show", "--json").out)
    return {one["name"]: (one["value"], one["source"]) for one in listed}


def test_every_setting_is_shown(gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS")

    assert set(shown()) == {f"GATEHOUSE_{one.upper()}" for one in Settings.model_fields}


def test_a_value_tells_where_it_comes_from(
    gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_file = gatehouse_home / "run.json"
    run_file.write_text('{"smtp_port": 2525, "smtp_host": "127.0.0.2"}')
    monkeypatch.setenv("GATEHOUSE_SMTP_HOST", "localhost")

    found = shown()

    assert found["GATEHOUSE_SMTP_HOST"] == ("localhost", "environment")
    assert found["GATEHOUSE_SMTP_PORT"] == (2525, str(run_file))
    assert found["GATEHOUSE_MAIL_DOMAIN"][1] == "default"


def test_a_default_that_depends_on_the_home_is_shown_in_full(gatehouse_home: Path) -> None:
    found = shown()

    assert found["GATEHOUSE_DATABASE_URL"] == (
        f"sqlite+aiosqlite:///{gatehouse_home}/gatehouse.db",
        "default",
    )
    assert found["GATEHOUSE_KEYS_DIR"] == (f"{gatehouse_home}/keys", "default")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEHOUSE_DATABASE_URL", "postgresql+asyncpg://gate:hunter2@db/gatehouse"),
        ("GATEHOUSE_DATABASE_URL", "postgresql+asyncpg://db/gatehouse?password=hunter2"),
        ("GATEHOUSE_PORTAL_URL", "https://gate:hunter2@portal.example.com"),
    ],
)
def test_a_password_is_never_shown(
    gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    end = run(app, "show")

    assert end.code == 0
    assert "***" in end.out
    assert "hunter2" not in end.out + end.err


def test_temporals_own_environment_is_shown_and_its_key_is_not(
    gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
    monkeypatch.setenv("TEMPORAL_API_KEY", "hunter2")

    assert shown()["TEMPORAL_ADDRESS"] == (
        "temporal.example.com:7233",
        "Temporal's environment or profile",
    )
    assert "hunter2" not in run(app, "show", "--json").out


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("GATEHOUSE_SMTP_PORT", "hunter2", "GATEHOUSE_SMTP_PORT: smtp_port"),
        ("GATEHOUSE_SMTP_PORT", "70000", "must be at most 65535."),
        ("GATEHOUSE_DATABASE_URL", "hunter2", "The configuration is not usable."),
    ],
)
def test_a_broken_setting_is_one_sentence(
    gatehouse_home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)

    end = run(app, "show")

    assert (end.code, end.out) == (2, "")
    assert sentence in end.err
    assert "hunter2" not in end.err


def test_a_broken_run_file_is_one_sentence(gatehouse_home: Path) -> None:
    (gatehouse_home / "run.json").write_text("{")

    end = run(app, "show")

    assert (end.code, end.out) == (2, "")
    assert "run.json is not readable JSON" in end.err
