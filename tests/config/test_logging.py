"""Logs: one JSON object a line, in UTC, without secrets and without forged lines."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.logging import configure, redact

TOKEN = "abc_" + "x" * 43


@contextmanager
def configured() -> Iterator[None]:
    """Log as a process of ours does while the block runs."""
    before, level = logging.root.handlers[:], logging.root.level
    logging.root.handlers.clear()  # those of pytest, which would be closed
    configure("INFO")
    try:
        yield
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what was logged, line by line."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def redacted(**record: Any) -> dict[str, Any]:
    """Return a record after redaction."""
    return dict(redact(None, "info", record))


def test_a_record_is_one_json_object_with_time_level_and_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with configured():
        logging.getLogger("store.gate").warning("gate cannot read: %s", "OSError")

    (line,) = lines_of(capsys)

    assert (line["event"], line["level"]) == ("gate cannot read: OSError", "warning")
    assert line["logger"] == "store.gate"
    moment = datetime.fromisoformat(line["ts"])
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    with configured():
        logging.getLogger("x").debug("detail")

    assert lines_of(capsys) == []


def test_a_message_of_several_lines_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with configured():
        logging.getLogger("x").info('first\n{"event": "forged"}\r\u2028end\x00\x1b[31m')

    (line,) = lines_of(capsys)

    assert "\n" not in line["event"]
    assert line["event"].startswith("first\\u000a")
    assert "\x1b" not in line["event"]


def test_a_traceback_stays_one_line_and_shows_no_token(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(f"no such link: {TOKEN}")
    except ValueError:
        with configured():
            logging.getLogger("x").exception("failed")

    (line,) = lines_of(capsys)

    assert "abc_***" in line["exception"]
    assert TOKEN not in str(line)


def test_a_lone_surrogate_breaks_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with configured():
        logging.getLogger("x").info("reply: %s", "ok \udcfc")

    (line,) = lines_of(capsys)

    assert line["event"] == "reply: ok \\udcfc"


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "smtp_password",
        "PASSPHRASE",
        "client_secret",
        "access_token",
        "Cookie",
        "set-cookie",
        "Authorization",
        "csrf",
        "database_dsn",
        "private_key",
    ],
)
def test_a_value_under_a_secret_key_is_dropped(key: str) -> None:
    assert redacted(**{key: "canary", "event": "x"}) == {key: "***", "event": "x"}


@pytest.mark.parametrize("value", [5, None, b"canary", ["canary"], {"a": "canary"}])
def test_a_value_under_a_secret_key_is_dropped_whatever_it_is(value: object) -> None:
    assert redacted(token=value) == {"token": "***"}


@pytest.mark.parametrize(
    "text",
    [TOKEN, f"link {TOKEN} used", f"https://x/{TOKEN}?a=b", f"({TOKEN})", f"{TOKEN},{TOKEN}"],
)
def test_a_token_in_any_text_is_shortened_to_its_prefix(text: str) -> None:
    said = redacted(event=text)["event"]

    assert "x" * 43 not in said
    assert "abc_***" in said


def test_a_secret_deep_inside_a_value_is_dropped_too() -> None:
    record = redacted(
        request={"headers": {"Authorization": "canary", "link": [TOKEN, "a\nb"]}, "status": 200}
    )

    assert record == {
        "request": {
            "headers": {"Authorization": "***", "link": ["abc_***", "a\\u000ab"]},
            "status": 200,
        }
    }


def test_what_is_no_secret_stays_as_it_is() -> None:
    record = {"event": "mail 7 of 9: sent", "status": 200, "ms": 1.5, "is_open": True}

    assert redacted(**record) == record
