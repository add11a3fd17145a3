"""Logging: JSON lines in UTC, without secrets and without control characters."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEY = re.compile(r"(?i)pass|secret|token|cookie|authorization|csrf|dsn|private")
SECRET_TEXT = re.compile(r"\b(a[a-z]{2}_)[A-Za-z0-9_-]{43}\b")
FIELDS = ("actor_id", "method", "route", "status", "ms")  # what a line may say besides its event
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def configure(level: str = "INFO") -> None:
    """Send every log record of this process to stderr as one JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def formatter() -> logging.Formatter:
    """Return what makes a line of a record."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=FIELDS),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


def redact(
    _logger: object, _name: str, record: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop values under secret-looking keys, shorten tokens, escape what could forge a line."""
    record.update(_clean(dict(record)))
    return record


def _clean(value: Any) -> Any:
    match value:
        case str():
            short = SECRET_TEXT.sub(r"\1***", value)
            return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", short)
        case dict():
            return {
                key: "***" if SECRET_KEY.search(str(key)) else _clean(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_clean(item) for item in value]
        case _:
            return value
