"""Settings: whatever is wrong is said in one sentence that names it."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from approvals.hosts import is_loopback
from config.settings import (
    ConfigurationError,
    Settings,
    home,
    load,
    run_file,
    secret,
)

PASSWORD = "hunter2-canary"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and no setting of the one who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("GATEHOUSE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return tmp_path


def sentence_of(work: object) -> str:
    """Return the one sentence of a ConfigurationError."""
    with pytest.raises(ConfigurationError) as caught:
        work()  # type: ignore[operator]
    text = str(caught.value)
    assert "\n" not in text.strip()
    return text


def test_without_any_setting_everything_is_on_this_machine(folder: Path) -> None:
    settings = load()

    assert settings.home == folder
    assert settings.database.render_as_string() == f"sqlite+aiosqlite:///{folder}/gatehouse.db"
    assert settings.keys == folder / "keys"
    assert is_loopback(settings.smtp_host)
    assert (settings.private_network, settings.smtp_security) == (False, "starttls")


def test_the_environment_comes_before_run_json_and_run_json_before_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "run.json").write_text(json.dumps({"smtp_port": 2525, "smtp_host": "127.0.0.9"}))
    monkeypatch.setenv("GATEHOUSE_SMTP_HOST", "localhost")

    settings = load()

    assert (settings.smtp_host, settings.smtp_port) == ("localhost", 2525)
    assert settings.mail_domain == "gatehouse.localhost"


def test_an_argument_comes_before_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_SMTP_HOST", "localhost")

    assert Settings(smtp_host="127.0.0.2").smtp_host == "127.0.0.2"


def test_the_home_is_here_unless_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = (home(), run_file())
    monkeypatch.delenv("GATEHOUSE_HOME")
    monkeypatch.chdir(folder)

    assert named == (folder, folder / "run.json")
    assert home() == folder / ".gatehouse"


WRONG = [
    ("DATABASE_URL", "nonsense", "not a database URL"),
    ("DATABASE_URL", "postgresql+asyncpg://host:port/gatehouse", "not a database URL"),
    ("DATABASE_URL", "mysql+aiomysql://localhost/x", "sqlite+aiosqlite or postgresql+asyncpg"),
    ("DATABASE_URL", "sqlite:///gatehouse.db", "sqlite+aiosqlite or postgresql+asyncpg"),
    ("DATABASE_URL", "postgresql://localhost/x", "sqlite+aiosqlite or postgresql+asyncpg"),
    ("SMTP_PORT", "mail", "a whole number"),
    ("SMTP_PORT", "", "a whole number"),
    ("SMTP_PORT", "0", "at least 1"),
    ("SMTP_PORT", "65536", "at most 65535"),
    ("SMTP_SECURITY", "ssl", "'starttls', 'tls' or 'none'"),
    ("PRIVATE_NETWORK", "maybe", "true or false"),
    ("ANSWER_SECONDS", "soon", "a number"),
    ("HEALTH_PORT", "-1", "at least 1"),
    ("LOG_LEVEL", "noisy", "DEBUG, INFO, WARNING, ERROR, CRITICAL"),
]


@pytest.mark.parametrize(("name", "value", "rule"), WRONG)
def test_a_wrong_value_is_refused_with_its_variable_and_its_rule(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, rule: str
) -> None:
    monkeypatch.setenv(f"GATEHOUSE_{name}", value)

    said = sentence_of(load)

    assert f"GATEHOUSE_{name}: " in said
    assert rule in said


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_SMTP_PORT", "mail")
    monkeypatch.setenv("GATEHOUSE_LOG_LEVEL", "noisy")

    said = sentence_of(load)

    assert "GATEHOUSE_SMTP_PORT" in said
    assert "GATEHOUSE_LOG_LEVEL" in said


def test_a_wrong_value_is_not_repeated_for_it_may_be_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GATEHOUSE_DATABASE_URL", f"postgres://gate:{PASSWORD}@db/gatehouse")
    monkeypatch.setenv("GATEHOUSE_SMTP_PORT", PASSWORD)

    assert PASSWORD not in sentence_of(load)


@pytest.mark.parametrize("level", ["debug", "Warning", "ERROR"])
def test_a_level_is_known_in_any_case(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv("GATEHOUSE_LOG_LEVEL", level)

    assert load().log_level == level.upper()


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"1", b"null", b'"text"', b"\xff\xfe{}", b'{"smtp_port": 2525'],
    ids=["cut", "list", "number", "null", "text", "other encoding", "unfinished"],
)
def test_a_broken_run_json_is_refused_by_name(folder: Path, content: bytes) -> None:
    (folder / "run.json").write_bytes(content)

    said = sentence_of(load)

    assert str(folder / "run.json") in said
    assert "not readable JSON" in said


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"smtp_port": "mail"}, "GATEHOUSE_SMTP_PORT"),
        ({"database_url": 5}, "GATEHOUSE_DATABASE_URL"),
        ({"private_network": "maybe"}, "GATEHOUSE_PRIVATE_NETWORK"),
    ],
)
def test_a_wrong_entry_of_run_json_is_refused_by_its_setting(
    folder: Path, entry: dict[str, object], name: str
) -> None:
    (folder / "run.json").write_text(json.dumps(entry))

    assert name in sentence_of(load)


def test_what_run_json_says_of_other_things_is_passed_over(folder: Path) -> None:
    (folder / "run.json").write_text('{"pid": 4711, "smtp_port": 2525}')

    assert load().smtp_port == 2525


def test_the_password_of_the_database_comes_from_its_file_and_is_never_printed(
    folder: Path,
) -> None:
    file = folder / "password"
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o600)

    settings = Settings(
        database_url="postgresql+asyncpg://gate@db/gatehouse",
        database_password_file=file,
        smtp_password_file=file,
    )

    assert settings.database.password == PASSWORD
    assert settings.smtp_password is not None
    assert settings.smtp_password.get_secret_value() == PASSWORD
    assert PASSWORD not in f"{settings!r}{settings.database!r}{settings.smtp_password!r}"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o601, 0o620, 0o660, 0o666])
def test_a_secret_file_that_is_open_to_others_is_refused(folder: Path, mode: int) -> None:
    file = folder / "password"
    file.write_text(PASSWORD)
    file.chmod(mode)

    said = sentence_of(lambda: secret(file))

    assert f"{file} is open to others" in said
    assert PASSWORD not in said


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440])
def test_a_secret_file_that_is_closed_to_others_is_read(folder: Path, mode: int) -> None:
    file = folder / "password"
    file.write_text(PASSWORD)
    file.chmod(mode)

    assert secret(file).get_secret_value() == PASSWORD


def test_a_secret_file_that_cannot_be_read_is_refused_by_name(folder: Path) -> None:
    binary = folder / "binary"
    binary.write_bytes(b"\xff\x00")
    binary.chmod(0o600)

    for path in (folder / "missing", folder, binary):
        assert str(path) in sentence_of(lambda path=path: secret(path))


def test_without_policy_toml_the_defaults_hold() -> None:
    assert load().policies().default.decision_window == timedelta(days=14)


def test_policy_toml_of_the_home_is_read(folder: Path) -> None:
    (folder / "policy.toml").write_text('[default]\ndecision_window = "2d"\n')

    assert load().policies().default.decision_window == timedelta(days=2)


def test_a_policy_file_that_is_named_must_be_there(folder: Path) -> None:
    settings = Settings(policy_file=folder / "missing.toml")

    assert str(folder / "missing.toml") in sentence_of(settings.policies)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"[default", "Expected ']'"),
        (b"\xff", "cannot be read"),
        (b'[default]\nwindow = "2d"\n', "default.window"),
        (b"[default]\nallow_no_end = 1\n", "default.allow_no_end"),
        (b'[default]\ndecision_window = "soon"\n', "default.decision_window"),
        (b'[default]\nshortest_access = "9d"\nlongest_access = "1d"\n', "shortest_access"),
        (b'[tenant.tom-sawyer]\nshow_people = "yes"\n', "tenant.tom-sawyer.show_people"),
        (b"[typo]\n", "typo"),
        (b'[tenant."A b"]\nallow_no_end = true\n', "Tenant ids use a-z"),
    ],
)
def test_a_broken_policy_toml_is_refused_with_file_and_key(
    folder: Path, text: bytes, rule: str
) -> None:
    file = folder / "policy.toml"
    file.write_bytes(text)

    said = sentence_of(load().policies)

    assert str(file) in said
    assert rule in said


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "mail.example.com", "10.0.0.1", "0.0.0.0", "::", "localhost.example.com", "2130706433"],
)
def test_everything_else_is_another_machine(host: str) -> None:
    assert not is_loopback(host)
